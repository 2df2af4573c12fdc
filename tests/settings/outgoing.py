"""Wrong values of `outgoing`: for the table of every key.

Owns: the changes, the key that is blamed, a part of the message.
Must never know: how they are tried.
"""

from __future__ import annotations

from typing import Any

from tests.issuers.material import private_pem

HERALD: dict[str, Any] = {"hosts": ["https://herald.example"]}
URL = {**HERALD, "token_url": "https://id.example/token"}
CLIENT = {"client_id": "orders", "client_secret": "orders"}
ASKED = {**URL, "source": "client_credentials", **CLIENT}
SIGNED = {"client_id": "orders", "private_key": private_pem("P-256")}
PROVED = {**URL, "source": "exchange", **SIGNED}
OWN = {**HERALD, "source": "self_signed", "issuer": "https://orders.example", "private_key": private_pem("P-256")}
VAULT = {"vault.main.url": "https://vault.example:8200"}

_WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"source": "pass_on"}, ".hosts", 'hosts = ["https://herald.example"]'),
    ({"source": "pass_on", "hosts": []}, ".hosts", "names no host"),
    ({"source": "pass_on", "hosts": ["https://a.example", "herald.example"]}, ".hosts[1]", "not the origin of a host"),
    ({"source": "pass_on", "hosts": ["https://a.example/path"]}, ".hosts[0]", "not the origin of a host"),
    ({"source": "pass_on", "hosts": ["https://*.example"]}, ".hosts[0]", "no pattern"),
    ({"source": "pass_on", "hosts": ["http://herald.example"]}, ".hosts[0]", "must be https"),
    ({**HERALD}, ".source", 'source = "client_credentials"'),
    ({**HERALD, "source": "passon"}, ".source", 'Did you mean "pass_on"?'),
    ({**HERALD, "source": "magic"}, ".source", "Write one of client_credentials, exchange, vault, self_signed, "),
    ({**HERALD, "source": "pass_on", "header": ""}, ".header", 'header = "Authorization"'),
    ({**HERALD, "source": "pass_on", "header": "A B"}, ".header", "no blank"),
    ({**HERALD, "source": "pass_on", "scheme": "A B"}, ".scheme", 'scheme = "Bearer"'),
    ({**HERALD, "source": "pass_on", "token": "a"}, ".token", "does not belong to source pass_on. Leave the key out"),
    ({**HERALD, "source": "pass_on", "request_bound": True}, ".request_bound", "does not belong to source pass_on"),
    ({**HERALD, "source": "client_credentials", **CLIENT}, ".token_url", "is missing, and source client_credentials"),
    ({**ASKED, "token_url": "http://id.example/token"}, ".token_url", "must be https"),
    ({**URL, "source": "client_credentials"}, "", "client_secret, or with private_key"),
    ({**ASKED, "auth": "Basic"}, ".auth", 'Did you mean "basic"?'),
    ({**ASKED, "auth": "none"}, ".auth", "Write one of basic, post, private_key_jwt"),
    ({**ASKED, "auth": "bearer"}, ".auth", "Write one of basic, post, private_key_jwt"),
    ({**ASKED, "client_id": ""}, ".client_id", 'client_id = "orders"'),
    ({**URL, "source": "exchange", "client_secret": "a"}, ".client_id", "is missing, and auth basic needs it"),
    ({**ASKED, "client_secret": "a\n"}, ".client_secret", "without control characters"),
    ({**ASKED, "private_key": "a"}, ".client_secret", "does not belong to auth private_key_jwt"),
    ({**ASKED, "auth": "post", "key_id": "a"}, ".key_id", "does not belong to auth post"),
    ({**ASKED, "token": "a"}, ".token", "does not belong to source client_credentials"),
    ({**PROVED, "private_key": "a"}, ".private_key", "is no unencrypted RSA, EC or Ed25519 private key in PEM"),
    ({**PROVED, "private_key_file": "a"}, ".private_key", "and not both"),
    ({**URL, "source": "exchange", "client_id": "a", "private_key_file": ""}, ".private_key_file", '"orders.pem"'),
    ({**URL, "source": "exchange", "client_id": "a", "private_key_file": "no"}, ".private_key_file", "no cannot be"),
    ({**PROVED, "algorithm": "RS256"}, ".private_key", "is no unencrypted private key for RS256 in PEM"),
    ({**PROVED, "algorithm": "HS256"}, ".algorithm", 'Did you mean "RS256"?'),
    ({**PROVED, "key_id": ""}, ".key_id", 'key_id = "2026-01"'),
    ({**PROVED, "assertion_audience": " "}, ".assertion_audience", "blanks around it"),
    ({**PROVED, "subject_token_type": ""}, ".subject_token_type", "token-type:jwt"),
    ({**ASKED, "subject_token_type": "a"}, ".subject_token_type", "does not belong to source client_credentials"),
    ({**ASKED, "scopes": []}, ".scopes", "is an empty list"),
    ({**ASKED, "scopes": ["a b"]}, ".scopes[0]", 'scopes = ["notices:write"]'),
    ({**ASKED, "audience": [""]}, ".audience[0]", 'audience = ["herald"]'),
    ({**ASKED, "resource": ["a", " "]}, ".resource[1]", 'resource = ["https://herald.example/"]'),
    ({**ASKED, "ttl": 60}, ".ttl", "does not belong to source client_credentials"),
    ({**HERALD, "source": "vault", "vault": "main"}, ".role", "is missing, and source vault needs it"),
    ({**HERALD, "source": "vault", "role": "a"}, ".vault", "is missing, and source vault needs it"),
    ({**HERALD, "source": "vault", "vault": "main", "role": ""}, ".role", 'role = "orders"'),
    ({**HERALD, "source": "vault", "vault": "mian", "role": "a"}, ".vault", 'Did you mean "main"?'),
    ({**HERALD, "source": "vault", "vault": "zzz", "role": "a"}, ".vault", "Write a table [vault.NAME]"),
    ({**HERALD, "source": "vault", "vault": "main", "role": "a"}, ".vault", "Give [vault.main] one of token, "),
    ({**HERALD, "source": "self_signed", **SIGNED}, ".issuer", "is missing, and source self_signed needs it"),
    ({**OWN, "issuer": ""}, ".issuer", 'issuer = "https://orders.example"'),
    ({**OWN, "client_id": "a"}, ".client_id", "does not belong to source self_signed"),
    ({**OWN, "private_key": "a"}, ".private_key", "is no unencrypted RSA"),
    ({**OWN, "ttl": 0}, ".ttl", "1 to 86400 seconds"),
    ({**OWN, "ttl": 86_401}, ".ttl", "ttl = 60"),
    ({**OWN, "body": "sha256"}, ".body", 'Did you mean "sha-256"?'),
    ({**HERALD, "source": "file"}, ".file", "is missing, and source file needs it"),
    ({**HERALD, "source": "file", "file": ""}, ".file", 'file = "/var/run/secrets/tokens/herald"'),
    ({**HERALD, "source": "static"}, ".token", "is missing, and source static needs it"),
    ({**HERALD, "source": "static", "token": "a b"}, ".token", 'token = "$ENV://HERALD_TOKEN"'),
]

OUTGOING: list[tuple[dict[str, Any], str, str]] = [
    *(({**VAULT, "outgoing.main": table}, f"outgoing.main{key}", message) for table, key, message in _WRONG),
    ({"outgoing": {"a.b": {**HERALD, "source": "pass_on"}}}, "outgoing", "letters, digits, - and _ only"),
    ({"outgoing": {"a.b": {"hosts": 5}}}, "outgoing", "letters, digits, - and _ only"),
]
