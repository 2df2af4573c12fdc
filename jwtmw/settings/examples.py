"""One right example for every key, as TOML: what the cure of an error shows.

Owns: the examples.
Must never know: anything else.
"""

from __future__ import annotations

import re

_LOCATIONS = '[{ header = "Authorization", scheme = "Bearer" }]'

_EVERYWHERE = {
    "path": '"/orders/{id}"',
    "name": '"corp"',
    "audience": '["orders"]',
    "leeway": "30",
    "token_from": _LOCATIONS,
    "report_only": "true",
}

_REQUIREMENT = {
    "scopes": '["orders:read"]',
    "any_scope": '["orders:read", "orders:write"]',
    "roles": '["clerk"]',
    "any_role": '["clerk", "manager"]',
    "claims": '{ client_id = ["shop", "billing"] }',
    "issuers": '["corp"]',
}

_LOCATION = {
    "header": '"Authorization"',
    "scheme": '"Bearer"',
    "scheme_optional": "true",
    "query": '"jwt"',
    "cookie": '"session"',
    "subprotocol": '"bearer"',
}

_TOP = {
    "secure": "true",
    "secure_env": '"JWTMW_SECURE"',
    "inbound": "true",
    "disable_inbound_env": '"DISABLE_JWT_VALIDATION"',
    "require_secure": "true",
    "default": '"authenticated"',
    "realm": '"api"',
    "external_url": '"https://orders.example"',
    "cors_preflight": "true",
    "error_format": '"problem"',
    "expose_reason": "false",
    "max_token_bytes": "8192",
    "max_body_bytes": "1048576",
    "origins": '["https://shop.example"]',
    "hide_credentials": "false",
    "identity_headers": '{ "X-Consumer-Username" = "sub" }',
    "cache": "{ size = 10000, max_age = 300 }",
    "http": "{ timeout = 5 }",
    "revocation": '{ store = "redis", url = "$ENV://REDIS_URL" }',
    "gateway": '{ kind = "traefik", path = "/auth" }',
    "replay": '{ store = "redis", url = "$ENV://REDIS_URL" }',
    "vault": '{ main = { url = "https://vault.example:8200" } }',
    "outgoing": '{ herald = { hosts = ["https://herald.example"], source = "pass_on" } }',
    "issuers": '[{ issuer = "https://id.example/", audience = ["orders"], jwks_url = "https://id.example/jwks" }]',
    "rules": '[{ path = "/orders/**", scopes = ["orders:read"] }]',
}

_ISSUER = {
    "issuer": '"https://id.example/"',
    "require_issuer": "true",
    "require_audience": "true",
    "client_id_as_audience": "true",
    "jwks_url": '"https://id.example/jwks"',
    "jwks_path": '"/keys.json"',
    "jwks": "{ keys = [...] }",
    "jwks_file": '"jwks.json"',
    "public_key": '"$ENV://ID_PUBLIC_KEY"',
    "public_key_file": '"id.pem"',
    "secret": '"$ENV://ORDERS_SECRET"',
    "secret_encoding": '"base64"',
    "allow_short_secret": "false",
    "algorithms": '["RS256"]',
    "token_types": '["at+jwt", "JWT", ""]',
    "require_expiry": "true",
    "required_claims": '["sub"]',
    "max_lifetime": "86400",
    "max_age": "3600",
    "subjects": '["spiffe://td/*"]',
    "scope_claim": '["scope", "scp"]',
    "roles_claim": '"roles"',
    "key_source": "{ ttl = 300, max_stale = 3600, cooldown = 30 }",
    "discovery_url": '"https://id.example/.well-known/openid-configuration"',
    "consumers": '[{ name = "shop", key = "shop-key", secret = "$ENV://SHOP_SECRET" }]',
    "consumer_store": "{ ttl = 60, negative_ttl = 5, max_stale = 3600, size = 10000 }",
    "consumer_claim": '"key"',
    "anonymous_consumer": '"guest"',
    "introspection": '{ url = "https://id.example/introspect", token = "$ENV://ORDERS_TOKEN" }',
    "vault": '{ name = "main" }',
    "profile": '"keycloak"',
}

_VAULT = {
    "url": '"https://vault.example:8200"',
    "namespace": '"team"',
    "token": '"$ENV://VAULT_TOKEN"',
    "token_file": '"/run/vault/token"',
    "userpass": '{ username = "orders", password = "$ENV://VAULT_PASSWORD" }',
    "approle": '{ role_id = "orders", secret_id = "$FILE:///run/secrets/secret-id" }',
    "kv_mount": '"secret"',
    "kv_version": "2",
    "timeout": "5",
    "ca_file": '"vault-ca.pem"',
}

_OUTGOING = {
    "hosts": '["https://herald.example"]',
    "source": '"client_credentials"',
    "header": '"Authorization"',
    "scheme": '"Bearer"',
    "token_url": '"https://id.example/token"',
    "auth": '"basic"',
    "client_id": '"orders"',
    "client_secret": '"$ENV://ORDERS_CLIENT_SECRET"',
    "private_key": '"$ENV://ORDERS_PRIVATE_KEY"',
    "private_key_file": '"orders.pem"',
    "key_id": '"2026-01"',
    "algorithm": '"ES256"',
    "assertion_audience": '"https://id.example/"',
    "scopes": '["notices:write"]',
    "audience": '["herald"]',
    "resource": '["https://herald.example/"]',
    "subject_token_type": '"urn:ietf:params:oauth:token-type:jwt"',
    "vault": '"main"',
    "role": '"orders"',
    "issuer": '"https://orders.example"',
    "ttl": "60",
    "body": '"sha-256"',
    "request_bound": "true",
    "file": '"/var/run/secrets/tokens/herald"',
    "token": '"$ENV://HERALD_TOKEN"',
}

_CONSUMER = {
    "name": '"shop"',
    "key": '"shop-key"',
    "secret": '"$ENV://SHOP_SECRET"',
    "secret_encoding": '"base64"',
    "public_key": '"$ENV://SHOP_PUBLIC_KEY"',
    "public_key_file": '"shop.pem"',
    "algorithm": '"HS256"',
    "custom_id": '"c-1001"',
    "expires_in": "86400",
}

_RULE = {
    "methods": '["GET"]',
    "allow": '"authenticated"',
    "any_of": '[{ scopes = ["orders:read"] }, { roles = ["clerk"] }]',
    "body": '"sha-256"',
    "single_use": "true",
    "dpop": "false",
    "mtls": "false",
}

_INTROSPECTION = {
    "url": '"https://id.example/introspect"',
    "auth": '"basic"',
    "client_id": '"orders"',
    "client_secret": '"$ENV://ORDERS_SECRET"',
    "private_key": '"$ENV://ORDERS_PRIVATE_KEY"',
    "private_key_file": '"orders.pem"',
    "key_id": '"2026-01"',
    "algorithm": '"ES256"',
    "assertion_audience": '"https://id.example/"',
    "token": '"$ENV://ORDERS_TOKEN"',
    "ttl": "60",
    "negative_ttl": "5",
}

_SECTIONS: dict[str, dict[str, str]] = {
    "": _TOP,
    "token_from[]": _LOCATION,
    "cache": {"size": "10000", "max_age": "300"},
    "http": {"timeout": "5", "ca_file": '"ca.pem"', "proxy": '"http://proxy.example:3128"'},
    "revocation": {
        "store": '"redis"',
        "url": '"$ENV://REDIS_URL"',
        "key": '"jwtmw:revoked"',
        "refresh": "2",
        "max_stale": "30",
        "timeout": "5",
        "max_entries": "100000",
        "fail_open": "false",
    },
    "gateway": {
        "kind": '"nginx"',
        "path": '"/auth"',
        "method_header": '"X-Original-Method"',
        "target_header": '"X-Original-URI"',
        "internal_header": '"Authorization"',
        "map_status": "{ 503 = 403 }",
    },
    "replay": {
        "store": '"redis"',
        "url": '"$ENV://REDIS_URL"',
        "key": '"jwtmw:used"',
        "timeout": "2",
        "max_entries": "100000",
    },
    "issuers[]": _ISSUER,
    "issuers[].token_from[]": _LOCATION,
    "issuers[].consumers[]": _CONSUMER,
    "issuers[].consumer_store": {"ttl": "60", "negative_ttl": "5", "max_stale": "3600", "size": "10000"},
    "issuers[].key_source": {"ttl": "300", "max_stale": "3600", "cooldown": "30"},
    "issuers[].introspection": _INTROSPECTION,
    "issuers[].vault": {
        "name": '"main"',
        "verify": '"introspection"',
        "client_id": '"orders"',
        "ttl": "60",
        "negative_ttl": "5",
    },
    "outgoing.*": _OUTGOING,
    "vault.*": _VAULT,
    "vault.*.userpass": {"username": '"orders"', "password": '"$ENV://VAULT_PASSWORD"', "mount": '"userpass"'},
    "vault.*.approle": {
        "role_id": '"orders"',
        "secret_id": '"$FILE:///run/secrets/secret-id"',
        "mount": '"approle"',
    },
    "rules[]": _RULE | _REQUIREMENT,
    "rules[].any_of[]": _REQUIREMENT,
}


def section_of(path: str) -> str:
    """The path without indexes and names: `issuers[1].name` is `issuers[].name`, `vault.a.url` is `vault.*.url`."""
    return re.sub(r"^(vault|outgoing)\.[^.]+", r"\1.*", re.sub(r"\[[^]]*\]", "[]", path))


def example_of(path: str) -> str:
    """A right line for the key at `path`, or for the list that `path` is an element of: `audience = ["orders"]`."""
    section, _, key = section_of(path).removesuffix("[]").rpartition(".")
    text = _SECTIONS.get(section, {}).get(key) or _EVERYWHERE.get(key)
    return f"{key} = {text}" if text else ""
