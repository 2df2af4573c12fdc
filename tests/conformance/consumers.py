"""Consumers of the world: who they are, the policies that know them, and a store that holds them elsewhere.

Owns: consumers, their tokens, `CONSUMER_POLICIES`.
Must never know: jwtmw, but for the one class that a store answers with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jwtmw import Consumer
from tests.conformance.keys import EC256, ED25519, RSA, SECRET_DECODED, SECRET_TEXT, Secret, Signer
from tests.conformance.tokens import DROP, claims_of, encode, header_of, jws

JACK = Secret("jack", "HS256", b"jack's secret is long enough for any hash that there is, and longer")
ROSE, MIKE, LUCY = RSA, EC256, ED25519
CONSUMERS: list[dict[str, Any]] = [
    {"name": "jack", "key": "jack-key-4711", "secret": JACK.private.decode(), "custom_id": "c-1001"},
    {"name": "rose", "key": "rose-key-4711", "public_key": ROSE.pem(), "algorithm": "RS256"},
    {"name": "mike", "key": "mike-key-4711", "public_key": MIKE.pem(), "expires_in": 3600},
    {"name": "lücy", "key": "lucy-key-4711", "public_key": LUCY.pem(), "algorithm": "Ed25519", "custom_id": "ü"},
    {"name": "base", "key": "base-key-4711", "secret": SECRET_TEXT, "secret_encoding": "base64", "algorithm": "HS512"},
    {"name": "jack", "key": "jack-next-4711", "secret": "jack's next secret, " * 4},
]
SHOPS: dict[str, Any] = {
    "name": "shops",
    "require_issuer": False,
    "require_audience": False,
    "consumers": [*CONSUMERS, {"name": "guest", "custom_id": "c-0"}],
    "anonymous_consumer": "guest",
}
CONSUMER_HEADERS = {
    "X-Consumer-Username": "@consumer.name",
    "X-Credential-Identifier": "@consumer.key",
    "X-Consumer-Custom-Id": "@consumer.custom_id",
    "X-Anonymous-Consumer": "@consumer.anonymous",
}
APISIX_PLACES = [
    {"header": "Authorization", "scheme": "Bearer", "scheme_optional": True},
    {"query": "jwt"},
    {"cookie": "jwt"},
]


def consumer_token(
    signer: Signer, key: Any, head: Mapping[str, Any] | None = None, alg: str = "", **claims: Any
) -> bytes:
    """A token as a consumer makes one: it has neither issuer nor audience, and names the consumer in `key`."""
    bare = {"iss": DROP, "aud": DROP, "sub": DROP, "jti": DROP, "key": key}
    header = {**header_of(signer, typ="JWT", kid=DROP, alg=alg or signer.alg), **(head or {})}
    return jws(encode(header), encode(claims_of(**(bare | claims))), signer, alg)


JACKS = consumer_token(JACK, "jack-key-4711")
ROSES = consumer_token(ROSE, "rose-key-4711")
BASES = consumer_token(SECRET_DECODED, "base-key-4711", alg="HS512")


class Store:
    """A store that holds jack, and is out of order for whoever asks for somebody called down."""

    def find(self, identifier: str) -> Consumer | None:
        if identifier.startswith("down"):
            raise ConnectionError("no database here")
        if identifier == "jack-key-4711":
            return Consumer.with_secret("jack", identifier, JACK.private, custom_id="c-1001")
        return Consumer.with_secret("jack", "jack-key-4711", JACK.private) if identifier.endswith("-4711") else None


def _shops(**keys: Any) -> dict[str, Any]:
    return {key: value for key, value in (SHOPS | keys).items() if value is not None}


def policies() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """By name: the configuration, and what only Python can give."""
    rules = [{"path": "/maybe", "allow": "optional"}, {"path": "/open/**", "allow": "public"}]
    common: dict[str, Any] = {"identity_headers": CONSUMER_HEADERS, "rules": rules}
    places = {"token_from": APISIX_PLACES, "origins": ["https://shop.example"]}
    stored: dict[str, Any] = {"consumers": None, "anonymous_consumer": None, "consumer_store": {}}
    return {
        "consumers": ({"issuers": [_shops()], **common}, {}),
        "consumers-apisix": ({"issuers": [_shops()], "error_format": "message", **places, **common}, {}),
        "consumers-of-an-issuer": (
            {"issuers": [_shops(issuer="https://shops.example", require_issuer=None)], **common},
            {},
        ),
        "consumers-by-kid": ({"issuers": [_shops(consumer_claim="kid")], **common}, {}),
        "consumers-by-sub": ({"issuers": [_shops(consumer_claim="act.sub")], **common}, {}),
        "consumers-by-iss": ({"issuers": [_shops(consumer_claim="iss", require_issuer=None)], **common}, {}),
        "consumers-narrowed": ({"issuers": [_shops(algorithms=["HS256", "HS512", "RS256", "EdDSA", "ES256"])]}, {}),
        "consumers-stored": ({"issuers": [_shops(**stored)], **common}, {"consumers": Store()}),
        "consumers-stored-by-iss": (
            {"issuers": [_shops(**stored, consumer_claim="iss", require_issuer=None)], **common},
            {"consumers": Store()},
        ),
        "consumers-non-secure": ({"issuers": [_shops()], "secure": False, **common}, {}),
        "consumers-reported": ({"issuers": [_shops()], "report_only": True, **common}, {}),
    }
