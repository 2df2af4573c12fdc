"""Every key of the configuration: one wrong type, one wrong value and one misspelling."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from jwtmw.errors import ConfigurationError, NotSupportedError
from jwtmw.settings import read_settings
from jwtmw.settings.examples import example_of
from tests.settings.configurations import SHARED, changed, parent, paths
from tests.settings.consumers import consumer_values
from tests.settings.gateway import GATEWAY
from tests.settings.introspection import INTROSPECTION
from tests.settings.outgoing import OUTGOING
from tests.settings.proof import PROOF
from tests.settings.revocation import REVOCATION

PATHS = sorted(paths())
A_FILE = {"issuers[0].jwks_url": None}
NAMELESS = {"issuers[0].issuer": None, "issuers[0].require_issuer": False}
METADATA = "https://id.example/.well-known/oauth-authorization-server"

VAULT = {"vault.main.url": "https://vault.example:8200"}
USERPASS = {"vault.main.userpass.username": "orders", "vault.main.userpass.password": "a"}
APPROLE = {"vault.main.approle.role_id": "orders", "vault.main.approle.secret_id": "a"}
OF_VAULT = {**A_FILE, **VAULT, "issuers[0].vault.name": "main"}
INTROSPECTED = {**OF_VAULT, **USERPASS, "issuers[0].vault.verify": "introspection"}

# the key's path, a value of a wrong type, and what the key must be
TYPES = {
    "": {
        "true or false": "secure inbound require_secure report_only cors_preflight expose_reason hide_credentials",
        "text": "secure_env disable_inbound_env default realm external_url error_format",
        "a whole number": "max_token_bytes max_body_bytes cache.size",
        "a number": "leeway cache.max_age http.timeout",
        "a list": "token_from origins issuers rules",
        "a table": "identity_headers cache http revocation gateway replay vault outgoing",
    },
    "http": {"text": "ca_file proxy"},
    "revocation": {
        "text": "store url key",
        "a number": "refresh max_stale timeout",
        "a whole number": "max_entries",
        "true or false": "fail_open",
    },
    "gateway": {"text": "kind path method_header target_header internal_header", "a table": "map_status"},
    "replay": {"text": "store url key", "a number": "timeout", "a whole number": "max_entries"},
    "token_from[0]": {"text": "header scheme query cookie subprotocol", "true or false": "scheme_optional"},
    "issuers[0]": {
        "text": "name issuer jwks_url jwks_path jwks_file public_key public_key_file secret secret_encoding "
        "roles_claim discovery_url profile consumer_claim anonymous_consumer",
        "true or false": "require_issuer require_audience client_id_as_audience require_expiry allow_short_secret",
        "a list": "audience algorithms token_types required_claims subjects scope_claim token_from consumers",
        "a number": "max_lifetime max_age leeway key_source.ttl key_source.max_stale key_source.cooldown",
        "a table": "jwks introspection vault key_source consumer_store",
    },
    "issuers[0].introspection": {
        "text": "url auth client_id client_secret private_key private_key_file key_id algorithm assertion_audience "
        "token",
        "a number": "ttl negative_ttl",
    },
    "issuers[0].vault": {"text": "name verify client_id", "a number": "ttl negative_ttl"},
    "outgoing.main": {
        "text": "source header scheme auth client_id client_secret private_key private_key_file key_id algorithm file "
        "assertion_audience token token_url subject_token_type vault role issuer body",
        "a list": "hosts scopes audience resource",
        "a whole number": "ttl",
        "true or false": "request_bound",
    },
    "vault.main": {
        "text": "url namespace token token_file kv_mount ca_file",
        "a table": "userpass approle",
        "a whole number": "kv_version",
        "a number": "timeout",
    },
    "vault.main.userpass": {"text": "username password mount"},
    "vault.main.approle": {"text": "role_id secret_id mount"},
    "issuers[0].consumers[0]": {
        "text": "name key secret secret_encoding public_key public_key_file algorithm custom_id",
        "a number": "expires_in",
    },
    "issuers[0].consumer_store": {"a number": "ttl negative_ttl max_stale", "a whole number": "size"},
    "issuers[0].token_from[0]": {"text": "header scheme query cookie subprotocol", "true or false": "scheme_optional"},
    "rules[0]": {
        "text": "path allow body",
        "true or false": "report_only single_use dpop mtls",
        "a list": "methods scopes any_scope roles any_role issuers audience any_of",
        "a table": "claims",
    },
    "rules[0].any_of[0]": {"a list": "scopes any_scope roles any_role issuers audience", "a table": "claims"},
}
WANTED = {
    f"{section}.{key}".removeprefix("."): wanted
    for section, kinds in TYPES.items()
    for wanted, keys in kinds.items()
    for key in keys.split()
}
WRONG_TYPE = {"text": 5, "true or false": "true", "a whole number": 1.5, "a number": "5", "a list": "a", "a table": "a"}

# the changes, the path of the key that is blamed, and a part of the message
VALUES: list[tuple[dict[str, Any], str, str]] = [
    ({"secure_env": "A-B"}, "secure_env", 'secure_env = "JWTMW_SECURE"'),
    ({"secure_env": "$ENV://NAME"}, "secure_env", "name of an environment variable"),
    ({"disable_inbound_env": "1"}, "disable_inbound_env", "name of an environment variable"),
    ({"require_secure": True, "secure": False}, "require_secure", "Drop secure = false"),
    ({"default": "Deny"}, "default", 'Did you mean "deny"?'),
    ({"default": "optional"}, "default", "Write one of authenticated, deny, public"),
    ({"realm": "a\r\nb"}, "realm", 'realm = "api"'),
    ({"realm": "café"}, "realm", "printable ASCII"),
    ({"realm": ""}, "realm", "not empty"),
    ({"leeway": -1}, "leeway", "0 to 300 seconds"),
    ({"leeway": 301}, "leeway", "leeway = 30"),
    ({"leeway": float("nan")}, "leeway", "0 to 300 seconds"),
    ({"error_format": "edge"}, "error_format", 'Did you mean "edgex"?'),
    ({"max_token_bytes": 0}, "max_token_bytes", "max_token_bytes = 8192"),
    ({"cache.size": -1}, "cache.size", "0 switches the cache off"),
    ({"cache.max_age": 0}, "cache.max_age", "max_age = 300"),
    ({"http.timeout": 0}, "http.timeout", "The default is 5"),
    ({"http.ca_file": ""}, "http.ca_file", 'ca_file = "ca.pem"'),
    ({"http.ca_file": "nowhere.pem"}, "http.ca_file", "Give its path"),
    ({"http.proxy": "socks5://proxy"}, "http.proxy", "Write http://host:port"),
    ({"token_from": []}, "token_from", "at least one place"),
    ({"token_from": [{}]}, "token_from[0]", "exactly one of header, query, cookie, subprotocol"),
    ({"token_from": [{"header": "A", "query": "a"}]}, "token_from[0]", "but has header and query"),
    ({"token_from": [{"header": "A:"}]}, "token_from[0].header", 'header = "Authorization"'),
    ({"token_from": [{"header": "Cookie"}]}, "token_from[0].header", "{ cookie = ... }"),
    ({"token_from": [{"header": "Sec-WebSocket-Protocol"}]}, "token_from[0].header", '{ subprotocol = "bearer" }'),
    ({"token_from": [{"header": "A", "scheme": "B C"}]}, "token_from[0].scheme", 'scheme = "Bearer"'),
    ({"token_from": [{"query": "a", "scheme": "B"}]}, "token_from[0].scheme", "Leave the scheme out"),
    ({"token_from": [{"header": "A", "scheme_optional": True}]}, "token_from[0].scheme_optional", "Name the scheme"),
    ({"token_from": [{"query": ""}]}, "token_from[0].query", 'query = "jwt"'),
    ({"token_from": [{"subprotocol": "a b"}]}, "token_from[0].subprotocol", 'subprotocol = "bearer"'),
    ({"token_from": [{"cookie": "a b"}]}, "token_from[0].cookie", 'cookie = "session"'),
    ({"token_from": [{"cookie": "jwt"}]}, "origins", "a token in a cookie needs it (token_from[0])"),
    ({"issuers[0].token_from": [{"cookie": "jwt"}]}, "origins", "needs it (issuers[0].token_from[0])"),
    ({"issuers[0].token_from": [{"cookie": ""}]}, "issuers[0].token_from[0].cookie", "RFC 9110"),
    ({"origins": ["https://shop.example"]}, "origins", "add { cookie = ... }"),
    *(
        ({"token_from": [{"cookie": "jwt"}], "origins": ["https://shop.example", origin]}, "origins[1]", "lower-case")
        for origin in (
            *("*", "null", "", "shop.example", "https://", "https://*.example", "https://Shop.example"),
            *("https://shop.example/", "https://shop.example:443", "http://shop.example:80", "https://a@shop.example"),
            *("https://a,https://b", "https://größe.example", "https://shop.example:0", "https://shop.example:"),
        )
    ),
    *(
        ({"identity_headers": {name: "sub"}}, f"identity_headers.{name}", message)
        for name, message in (
            ("X User", "no name of a header"),
            ("X-Größe", "no name of a header"),
            ("", "no name of a header"),
            ("Host", "a meaning of its own"),
            ("Content_Length", "a meaning of its own"),
            ("Sec-Fetch-Site", "a meaning of its own"),
            ("AUTHORIZATION", "a meaning of its own"),
        )
    ),
    ({"identity_headers": {"X-A": "sub", "x_a": "sub"}}, "identity_headers.x_a", "cannot be told from X-A"),
    ({"identity_headers": {"X-A": ""}}, "identity_headers.X-A", "the path to one"),
    ({"identity_headers": {"X-A": "@consumer.nam"}}, "identity_headers.X-A", 'Did you mean "@consumer.name"?'),
    ({"identity_headers": {"X-A": "@x"}}, "identity_headers.X-A", "Write one of @consumer.name, @consumer.key, "),
    (
        {"token_from": [{"header": "X-Token"}], "identity_headers": {"X_Token": "sub"}},
        "identity_headers.X_Token",
        "looks for tokens",
    ),
    ({"issuers": []}, "issuers", "[[issuers]]"),
    ({"issuers[0].name": ""}, "issuers[0].name", 'name = "corp"'),
    ({"issuers[0].issuer": None}, "issuers[0].issuer", "require_issuer = false"),
    ({"issuers[0].issuer": "a\nb"}, "issuers[0].issuer", 'issuer = "https://id.example/"'),
    ({"issuers[0].issuer": " a"}, "issuers[0].issuer", "blanks around it"),
    (
        {"issuers[0].require_issuer": False, "issuers[0].issuer": None, "issuers[0].name": None},
        "issuers[0].name",
        "corp",
    ),
    ({"issuers[0].profile": "azure"}, "issuers[0].profile", "Write one of auth0, cognito, descope, entra, google, "),
    ({"issuers[0].profile": "Keycloak"}, "issuers[0].profile", 'Did you mean "keycloak"?'),
    ({"issuers[0].audience": None}, "issuers[0].audience", "require_audience = false"),
    ({"issuers[0].audience": []}, "issuers[0].audience", "at least one"),
    ({"issuers[0].audience": [""]}, "issuers[0].audience[0]", 'audience = ["orders"]'),
    ({"issuers[0].audience": ["a", "b,c"]}, "issuers[0].audience[1]", 'audience = ["a", "b"]'),
    ({"issuers[0].audience": ["orders-*"]}, "issuers[0].audience[0]", "compared exactly"),
    ({"issuers[0].audience": ["^orders"]}, "issuers[0].audience[0]", "looks like a pattern"),
    ({"issuers[0].jwks_url": "http://id.example/jwks"}, "issuers[0].jwks_url", "https"),
    ({"issuers[0].jwks_url": "http://127.0.0.1.example/"}, "issuers[0].jwks_url", "https"),
    ({"issuers[0].jwks_url": "https://a:b@id.example/"}, "issuers[0].jwks_url", 'jwks_url = "https://id.example/jwks"'),
    ({"issuers[0].jwks_url": "https://id.example/#a"}, "issuers[0].jwks_url", "fragment"),
    *(
        ({**A_FILE, "issuers[0].jwks_path": path}, "issuers[0].jwks_path", 'jwks_path = "/keys.json"')
        for path in (
            *("", "/", "keys.json", "//evil.example/keys", "https://evil.example/keys", "/../keys", "/a/./b", "/keys/"),
            *(
                "/keys?a",
                "/keys#a",
                "/%2e%2e/keys",
                "/keys\n",
                "/ke ys",
                "/kéys",
                "@evil.example/keys",
                ".evil.example",
            ),
        )
    ),
    ({**A_FILE, "issuers[0].jwks_path": "/k", "issuers[0].issuer": "corp"}, "issuers[0].issuer", "or set jwks_url"),
    ({**A_FILE, "issuers[0].jwks_path": "/k", **NAMELESS}, "issuers[0].issuer", "below which jwks_path could be"),
    (
        {**A_FILE, "issuers[0].jwks_path": "/k", "issuers[0].issuer": "https://id.example/?a="},
        "issuers[0].issuer",
        "without query and fragment",
    ),
    ({"issuers[0].jwks_path": "/keys.json"}, "issuers[0].jwks_path", "and jwks_url is one. Drop one of them"),
    ({**A_FILE, "issuers[0].issuer": "corp"}, "issuers[0].issuer", "https, without query and fragment. Correct it, or"),
    ({**A_FILE, "issuers[0].issuer": "http://id.example/"}, "issuers[0].issuer", "OpenID discovery could find keys"),
    ({**A_FILE, "issuers[0].issuer": "https://id.example/?a"}, "issuers[0].issuer", "set discovery_url, jwks_url, "),
    ({**NAMELESS, "issuers[0].jwks_url": None}, "issuers[0].issuer", "discovery needs it to find keys. Set issuer, or"),
    (
        {**NAMELESS, "issuers[0].jwks_url": None, "issuers[0].discovery_url": METADATA},
        "issuers[0].issuer",
        "OpenID discovery needs it",
    ),
    ({**A_FILE, "issuers[0].discovery_url": "http://id.example/"}, "issuers[0].discovery_url", "https"),
    ({**A_FILE, "issuers[0].discovery_url": "https://a:b@id.example/"}, "issuers[0].discovery_url", "no user"),
    ({"issuers[0].discovery_url": METADATA}, "issuers[0].discovery_url", "and jwks_url is one. Drop one of them"),
    ({**A_FILE, "issuers[0].jwks": {"kty": "RSA"}}, "issuers[0].jwks", "jwks = { keys = [...] }"),
    ({**A_FILE, "issuers[0].jwks_file": ""}, "issuers[0].jwks_file", 'jwks_file = "jwks.json"'),
    ({**A_FILE, "issuers[0].jwks_file": "nowhere"}, "issuers[0].jwks_file", "nowhere cannot be read"),
    ({**A_FILE, "issuers[0].public_key": "abc"}, "issuers[0].public_key", "-----BEGIN PUBLIC KEY-----"),
    ({**A_FILE, "issuers[0].public_key_file": "nowhere"}, "issuers[0].public_key_file", "Check the path"),
    ({**A_FILE, "issuers[0].secret": "too short"}, "issuers[0].secret", "openssl rand -hex 64"),
    ({"issuers[0].jwks_file": "a"}, "issuers[0].jwks_file", "an issuer has one source of keys, and jwks_url is one"),
    ({**SHARED, "issuers[0].secret_encoding": "Base64"}, "issuers[0].secret_encoding", 'Did you mean "base64"?'),
    ({"issuers[0].secret_encoding": "hex"}, "issuers[0].secret_encoding", "belongs to secret"),
    ({"issuers[0].allow_short_secret": True}, "issuers[0].allow_short_secret", "Leave the key out"),
    ({"issuers[0].algorithms": []}, "issuers[0].algorithms", "leave the key out"),
    ({"issuers[0].algorithms": ["rs256"]}, "issuers[0].algorithms[0]", 'Did you mean "RS256"? The case counts'),
    ({"issuers[0].algorithms": ["RS256", "None"]}, "issuers[0].algorithms[1]", "unsigned tokens. Name the algorithms"),
    ({"issuers[0].algorithms": ["*"]}, "issuers[0].algorithms[0]", "The algorithms are ES256, "),
    ({"issuers[0].algorithms": [""]}, "issuers[0].algorithms[0]", 'algorithms = ["RS256"]'),
    ({"issuers[0].algorithms": ["HS256"]}, "issuers[0].algorithms", "Set secret"),
    ({**SHARED, "issuers[0].algorithms": ["RS256"]}, "issuers[0].algorithms", "HS256, HS384, HS512"),
    ({**SHARED, "issuers[0].algorithms": ["HS256", "ES256"]}, "issuers[0].algorithms", "Make two issuers"),
    ({"issuers[0].token_types": ["a b"]}, "issuers[0].token_types[0]", 'token_types = ["at+jwt", "JWT", ""]'),
    ({"issuers[0].token_types": []}, "issuers[0].token_types", "empty list"),
    ({"issuers[0].required_claims": [""]}, "issuers[0].required_claims[0]", 'required_claims = ["sub"]'),
    ({"issuers[0].max_lifetime": 0}, "issuers[0].max_lifetime", "max_lifetime = 86400"),
    ({"issuers[0].max_lifetime": 9, "issuers[0].require_expiry": False}, "issuers[0].max_lifetime", "require_expiry"),
    ({"issuers[0].max_age": float("inf")}, "issuers[0].max_age", "max_age = 3600"),
    ({"issuers[0].subjects": ["a*b"]}, "issuers[0].subjects[0]", 'subjects = ["spiffe://td/*"]'),
    ({"issuers[0].subjects": []}, "issuers[0].subjects", "empty list"),
    ({"issuers[0].scope_claim": []}, "issuers[0].scope_claim", "empty list"),
    ({"issuers[0].roles_claim": ""}, "issuers[0].roles_claim", 'roles_claim = "roles"'),
    ({"issuers[0].leeway": 301}, "issuers[0].leeway", "0 to 300 seconds"),
    ({"issuers[0].token_from": []}, "issuers[0].token_from", "at least one place"),
    ({"issuers[0].token_from": [{"header": ""}]}, "issuers[0].token_from[0].header", 'header = "Authorization"'),
    ({"issuers[0].token_from": [{"header": "A", "scheme": ""}]}, "issuers[0].token_from[0].scheme", "RFC 9110"),
    ({"issuers[0].token_from": [{"query": "\n"}]}, "issuers[0].token_from[0].query", 'query = "jwt"'),
    ({"issuers[0].token_from": [{"subprotocol": ","}]}, "issuers[0].token_from[0].subprotocol", "RFC 9110"),
    (
        {"issuers[0].token_from": [{"header": "A", "scheme_optional": True}]},
        "issuers[0].token_from[0].scheme_optional",
        "Name the scheme",
    ),
    ({"issuers[0].key_source.ttl": 0}, "issuers[0].key_source.ttl", "ttl = 300"),
    ({"issuers[0].key_source.max_stale": -1}, "issuers[0].key_source.max_stale", "max_stale = 3600"),
    ({"issuers[0].key_source.cooldown": 0}, "issuers[0].key_source.cooldown", "cooldown = 30"),
    ({**SHARED, "issuers[0].key_source": {}}, "issuers[0].key_source", "belongs to fetched keys, and secret is none"),
    *INTROSPECTION,
    *REVOCATION,
    *PROOF,
    ({"vault": {"a.b": {"url": "https://vault.example"}}}, "vault", "letters, digits, - and _ only"),
    ({"vault": {"a.b": {"url": 5}}}, "vault", "letters, digits, - and _ only"),
    ({"vault.main": {}}, "vault.main.url", 'is missing. Write for example url = "https://vault.example:8200"'),
    ({"vault.main.url": "http://vault.example:8200"}, "vault.main.url", "https"),
    ({"vault.main.url": "https://vault.example/?a"}, "vault.main.url", "no query"),
    ({**VAULT, "vault.main.namespace": "/team/"}, "vault.main.namespace", "without a slash at its ends"),
    ({**VAULT, "vault.main.namespace": "a/../b"}, "vault.main.namespace", 'namespace = "team"'),
    ({**VAULT, "vault.main.kv_mount": ""}, "vault.main.kv_mount", 'kv_mount = "secret"'),
    ({**VAULT, "vault.main.kv_mount": "a?b"}, "vault.main.kv_mount", "must be a path"),
    ({**VAULT, "vault.main.kv_version": 3}, "vault.main.kv_version", "must be 1 or 2"),
    ({**VAULT, "vault.main.timeout": 0}, "vault.main.timeout", "above 0"),
    ({**VAULT, "vault.main.ca_file": ""}, "vault.main.ca_file", 'ca_file = "vault-ca.pem"'),
    ({**OF_VAULT, "vault.main.ca_file": "nowhere.pem"}, "vault.main.ca_file", "Give its path"),
    ({**VAULT, "vault.main.token": ""}, "vault.main.token", 'token = "$ENV://VAULT_TOKEN"'),
    ({**VAULT, "vault.main.token_file": ""}, "vault.main.token_file", 'token_file = "/run/vault/token"'),
    (
        {**VAULT, "vault.main.token": "a", "vault.main.token_file": "b"},
        "vault.main.token_file",
        "there is one way to log in, and token is one. Drop one of them",
    ),
    ({**VAULT, "vault.main.userpass": {"username": "a"}}, "vault.main.userpass.password", "is missing"),
    ({**VAULT, **USERPASS, "vault.main.userpass.username": ""}, "vault.main.userpass.username", "is empty"),
    ({**VAULT, **USERPASS, "vault.main.userpass.password": ""}, "vault.main.userpass.password", "$ENV://"),
    ({**VAULT, **USERPASS, "vault.main.userpass.mount": "/"}, "vault.main.userpass.mount", 'mount = "userpass"'),
    ({**VAULT, **USERPASS, **APPROLE}, "vault.main.approle", "userpass is one. Drop one of them"),
    ({**VAULT, "vault.main.approle": {"role_id": "a"}}, "vault.main.approle.secret_id", "is missing"),
    ({**VAULT, **APPROLE, "vault.main.approle.role_id": ""}, "vault.main.approle.role_id", "is empty"),
    ({**VAULT, **APPROLE, "vault.main.approle.secret_id": ""}, "vault.main.approle.secret_id", "$FILE://"),
    ({**VAULT, **APPROLE, "vault.main.approle.mount": "a/"}, "vault.main.approle.mount", 'mount = "approle"'),
    ({**OF_VAULT, "issuers[0].jwks_file": "a"}, "issuers[0].vault", "and jwks_file is one. Drop one of them"),
    ({**OF_VAULT, "issuers[0].vault.name": "mian"}, "issuers[0].vault.name", 'Did you mean "main"?'),
    ({**OF_VAULT, "issuers[0].vault.name": "zzz"}, "issuers[0].vault.name", "Write a table [vault.NAME]"),
    ({**A_FILE, "issuers[0].vault": {}}, "issuers[0].vault.name", 'name = "main"'),
    ({**OF_VAULT, "issuers[0].vault.verify": "key"}, "issuers[0].vault.verify", 'Did you mean "keys"?'),
    ({**OF_VAULT, "issuers[0].vault.verify": "introspection"}, "issuers[0].vault.verify", "one of token, token_file"),
    ({**OF_VAULT, "issuers[0].vault.client_id": "a"}, "issuers[0].vault.client_id", "Leave the key out"),
    ({**INTROSPECTED, "issuers[0].vault.client_id": ""}, "issuers[0].vault.client_id", 'client_id = "orders"'),
    ({**OF_VAULT, "issuers[0].vault.ttl": 5}, "issuers[0].vault.ttl", 'belongs to verify = "introspection"'),
    ({**INTROSPECTED, "issuers[0].vault.ttl": 0}, "issuers[0].vault.ttl", "ttl = 60"),
    ({**INTROSPECTED, "issuers[0].vault.negative_ttl": -1}, "issuers[0].vault.negative_ttl", "negative_ttl = 5"),
    ({**INTROSPECTED, "issuers[0].key_source": {}}, "issuers[0].key_source", "belongs to fetched keys"),
    *consumer_values(),
    *GATEWAY,
    *OUTGOING,
    ({"rules[0].path": None}, "rules[0].path", 'path = "/orders/{id}"'),
    ({"rules[0].path": "orders"}, "rules[0].path", "begin with a slash"),
    ({"rules[0].methods": ["get"]}, "rules[0].methods[0]", 'methods = ["GET"]'),
    ({"rules[0].methods": ["GET POST"]}, "rules[0].methods[0]", 'methods = ["GET"]'),
    ({"rules[0].methods": []}, "rules[0].methods", "leave the key out"),
    ({"rules[0].allow": "everyone"}, "rules[0].allow", "Write one of authenticated, public, optional, deny"),
    ({"rules[0].allow": "pubic"}, "rules[0].allow", 'Did you mean "public"?'),
    ({"rules[0].any_of": []}, "rules[0].any_of", "at least one alternative"),
    ({"rules[0].any_of": [{}]}, "rules[0].any_of[0]", "lets every caller in"),
    ({"rules[0].any_of": [{"any_of": []}]}, "rules[0].any_of[0].any_of", "one level"),
    *(
        ({f"{table}.{key}": value}, f"{table}.{key}{element}", message)
        for table in ("rules[0]", "rules[0].any_of[0]")
        for key, value, element, message in (
            ("scopes", ["orders read"], "[0]", 'scopes = ["orders:read"]'),
            ("scopes", [], "", "leave the key out"),
            ("any_scope", ["a", 'b"'], "[1]", "one scope"),
            ("roles", [""], "[0]", 'roles = ["clerk"]'),
            ("any_role", ["a\x00"], "[0]", 'any_role = ["clerk", "manager"]'),
            ("claims", {}, "", "at least one claim"),
            ("claims", {"a": {"b": 1}}, ".a", 'claims = { client_id = ["shop", "billing"] }'),
            ("claims", {"a": []}, ".a", "or a list of such"),
            ("issuers", ["corps"], "[0]", 'Did you mean "corp"?'),
            ("issuers", ["other"], "[0]", "The issuers are corp"),
            ("audience", ["a,b"], "[0]", 'audience = ["a", "b"]'),
        )
    ),
]
NOT_YET: list[tuple[dict[str, Any], str]] = [
    ({"rules[0].dpop": True}, "rules[0].dpop"),
    ({"rules[0].mtls": True}, "rules[0].mtls"),
]
HAS_NO_WRONG_VALUE = {
    *("secure", "inbound", "report_only", "cors_preflight", "expose_reason", "rules[0].report_only"),
    "hide_credentials",
    *("cache", "http", "revocation", "gateway", "issuers[0].require_audience", "issuers[0].require_expiry"),
    *("rules[0].single_use", "replay"),
    "vault.main.userpass",
    "issuers[0].client_id_as_audience",
}


def refusal(changes: dict[str, Any]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(changed(changes), environ={})
    return caught.value


def test_the_tables_are_complete() -> None:
    """No key of the schema is without a case of each kind."""
    every = set(PATHS)
    assert every == set(WANTED)
    blamed = [key for _, key, _ in VALUES] + [key for _, key in NOT_YET]
    assert HAS_NO_WRONG_VALUE == {path for path in every if not any(_is_at(key, path) for key in blamed)}


def _is_at(key: str, path: str) -> bool:
    is_member = path.endswith((".claims", "identity_headers")) and key.startswith(f"{path}.")
    return key == path or key.startswith(f"{path}[") or is_member


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_type_is_refused(path: str) -> None:
    """The message names the key's path, the type that it must have and a right example."""
    error = refusal({**parent(path), path: WRONG_TYPE[WANTED[path]]})
    assert path == error.key
    assert str(error).startswith(f"{path}: must be {WANTED[path]}, not ")
    assert f"Write for example {path.rpartition('.')[2]} = " in error.cure


@pytest.mark.parametrize("path", PATHS)
def test_a_misspelt_key_is_refused(path: str) -> None:
    """The message names the path of the wrong key and the right key."""
    error = refusal({**parent(path), f"{path}{path[-1]}": 1})
    assert f"{path}{path[-1]}" == error.key
    assert "there is no such key" == error.problem
    assert f"Did you mean {path.rpartition('.')[2]}?" == error.cure


@pytest.mark.parametrize(
    ("changes", "key", "message"), VALUES, ids=[f"{number}-{key}" for number, (_, key, _) in enumerate(VALUES)]
)
def test_a_wrong_value_is_refused(changes: dict[str, Any], key: str, message: str) -> None:
    """The message names the key's path, and the cure."""
    error = refusal(changes)
    assert key == error.key
    assert message in str(error)
    assert error.cure


@pytest.mark.parametrize(("changes", "key"), NOT_YET, ids=[key for _, key in NOT_YET])
def test_a_feature_to_come_is_refused(changes: dict[str, Any], key: str) -> None:
    """A key whose feature does not exist yet is never accepted and ignored."""
    error = refusal(changes)
    assert key == error.key
    assert isinstance(error, NotSupportedError)
    assert "not supported yet" in str(error)
    assert error.cure


def test_harmless_defaults_of_features_to_come_are_accepted() -> None:
    """A key of a feature to come may be written with the value that changes nothing."""
    harmless = {
        "vault": {},
        "rules[0].dpop": False,
        "rules[0].mtls": False,
    }
    plain, written = (read_settings(changed(changes), environ={}) for changes in ({}, harmless))
    assert [plain.rules, plain.cache, plain.http] == [written.rules, written.cache, written.http]


def test_an_unknown_key_that_resembles_none_gets_the_list() -> None:
    """Where nothing is near, the message lists the keys of that table."""
    error = refusal({"cache.zzz": 1})
    assert "cache.zzz: there is no such key. The keys here are max_age, size" == str(error)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param({1: 2}, "has a key that is not text. Write every key as text", id="key"),
        pytest.param({"cache": {"size": 10**4000}}, "", id="huge-integer"),
        pytest.param({"leeway": 10**400}, "leeway: has a wrong value. Write for example leeway = 30", id="no-float"),
        pytest.param({"realm": None}, 'realm: must be text, not nothing. Write for example realm = "api"', id="none"),
        pytest.param({"realm": b"x"}, 'realm: must be text, not bytes. Write for example realm = "api"', id="bytes"),
        pytest.param(
            {"issuers": [{"audience": ["a", 1]}]},
            'issuers[0].audience[1]: must be text, not a whole number. Write for example audience = ["orders"]',
            id="element",
        ),
        pytest.param(
            {"issuers": [{"introspection": {}}]},
            'issuers[0].introspection.url: is missing. Write for example url = "https://id.example/introspect"',
            id="required",
        ),
        pytest.param({"issuers": [1]}, "issuers[0]: must be a table, not a whole number. Write for ", id="table"),
        pytest.param({"identity_headers": {"X-A": 5}}, "identity_headers[...]: must be text, not a ", id="member"),
    ],
)
def test_odd_data_is_refused_in_words(raw: dict[Any, Any], text: str) -> None:
    """Whatever a mapping holds, the message is one of ours."""
    with pytest.raises(ConfigurationError) as caught:
        read_settings(raw, environ={})
    assert text in str(caught.value)


@pytest.mark.parametrize("path", PATHS)
def test_examples_are_right(path: str) -> None:
    """What a cure shows is TOML of the type that the key has."""
    example = example_of(path).replace("[...]", "[]")
    ((name, value),) = tomllib.loads(example).items()
    assert path.rpartition(".")[2] == name
    kinds = {
        "text": str,
        "true or false": bool,
        "a whole number": int,
        "a number": int,
        "a list": list,
        "a table": dict,
    }
    assert kinds[WANTED[path]] is type(value)
