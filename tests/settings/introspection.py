"""Wrong values of `issuers[].introspection`: for the table of every key.

Owns: the changes, the key that is blamed, a part of the message.
Must never know: how they are tried.
"""

from __future__ import annotations

from typing import Any

from tests.issuers.material import private_pem

URL = {"url": "https://id.example/introspect"}
A_TABLE = {"issuers[0].jwks_url": None}
CLIENT = {"client_id": "orders", "client_secret": "orders"}
SIGNED = {"client_id": "orders", "private_key": private_pem("P-256")}
_WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "", 'auth = "none"'),
    ({"url": "http://id.example/introspect", **CLIENT}, ".url", "https"),
    ({"auth": "Basic", **CLIENT}, ".auth", 'Did you mean "basic"?'),
    ({"auth": "mtls", **CLIENT}, ".auth", "Write one of basic, post, private_key_jwt, bearer, none"),
    ({"auth": "none", **CLIENT}, ".client_id", "does not belong to auth none. Leave the key out"),
    ({"client_secret": "a"}, ".client_id", "is missing, and auth basic needs it"),
    ({"client_id": "a"}, "", "client_id and client_secret"),
    ({"auth": "post", "client_id": "a"}, ".client_secret", "is missing, and auth post needs it"),
    ({**CLIENT, "client_id": ""}, ".client_id", 'client_id = "orders"'),
    ({**CLIENT, "client_secret": "a\n"}, ".client_secret", "without control characters"),
    ({"auth": "bearer"}, ".token", "is missing, and auth bearer needs it"),
    ({"token": "a b"}, ".token", "visible ASCII"),
    ({"token": "a", "client_id": "b"}, ".client_id", "does not belong to auth bearer"),
    ({**CLIENT, "token": "a"}, ".client_id", "does not belong to auth bearer"),
    ({**CLIENT, "auth": "basic", "token": "a"}, ".token", "does not belong to auth basic"),
    ({**CLIENT, "key_id": "a"}, ".key_id", "does not belong to auth basic"),
    ({**CLIENT, "algorithm": "ES256"}, ".algorithm", "does not belong to auth basic"),
    ({**CLIENT, "assertion_audience": "a"}, ".assertion_audience", "does not belong to auth basic"),
    ({**SIGNED, "client_secret": "a"}, ".client_secret", "does not belong to auth private_key_jwt"),
    ({"private_key": private_pem("P-256")}, ".client_id", "is missing, and auth private_key_jwt needs it"),
    ({**SIGNED, "key_id": ""}, ".key_id", 'key_id = "2026-01"'),
    ({**SIGNED, "assertion_audience": " "}, ".assertion_audience", "blanks around it"),
    ({**SIGNED, "algorithm": "HS256"}, ".algorithm", 'Did you mean "RS256"?'),
    ({**SIGNED, "algorithm": "RS256"}, ".private_key", "is no unencrypted private key for RS256 in PEM"),
    ({**SIGNED, "private_key": "a"}, ".private_key", "is no unencrypted RSA, EC or Ed25519 private key in PEM"),
    ({**SIGNED, "private_key_file": "a"}, ".private_key", "and not both"),
    ({"auth": "private_key_jwt", "client_id": "a"}, ".private_key", "one of private_key and private_key_file"),
    ({"client_id": "a", "private_key_file": ""}, ".private_key_file", 'private_key_file = "orders.pem"'),
    ({"client_id": "a", "private_key_file": "nowhere"}, ".private_key_file", "nowhere cannot be read"),
    ({**CLIENT, "ttl": 0}, ".ttl", "ttl = 60"),
    ({**CLIENT, "negative_ttl": -1}, ".negative_ttl", "0 or more"),
]

INTROSPECTION: list[tuple[dict[str, Any], str, str]] = [
    ({**A_TABLE, "issuers[0].introspection": {**URL, **changes}}, f"issuers[0].introspection{key}", message)
    for changes, key, message in _WRONG
]
