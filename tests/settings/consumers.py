"""Wrong values of consumers, and right ones.

Owns: what `test_every_key` tries of `consumers`, `consumer_store`, `consumer_claim` and `anonymous_consumer`.
Must never know: how a refusal is judged.
"""

from __future__ import annotations

from typing import Any

from tests.issuers.material import pem
from tests.settings.configurations import SECRET

ONE = "issuers[0].consumers[0]"
Wrong = tuple[dict[str, Any], str, str]


def consumer(**keys: Any) -> dict[str, Any]:
    """A right consumer, but for these keys; None leaves one out."""
    right = {"name": "shop", "key": "shop-key", "secret": SECRET}
    return {key: value for key, value in (right | keys).items() if value is not None}


def with_consumers(*consumers: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """The changes that give the issuer these consumers instead of its keys, and these keys beside."""
    given = {f"issuers[0].{key}": value for key, value in keys.items()}
    return {"issuers[0].jwks_url": None, "issuers[0].consumers": list(consumers) or [consumer()], **given}


def in_a_store(**keys: Any) -> dict[str, Any]:
    """The changes that put the issuer's consumers into a store, with these keys of `consumer_store`."""
    return {"issuers[0].jwks_url": None, "issuers[0].consumer_store": keys}


def consumer_values() -> list[Wrong]:
    """Changes, the key that is blamed, and a part of the message."""
    return [*_of_one(), *_of_several(), *_of_the_issuer()]


def _of_one() -> list[Wrong]:
    public = {"secret": None, "public_key": pem("P-256")}
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"name": None}, "name", 'name = "shop"'),
        ({"name": "a\n"}, "name", "control characters"),
        ({"key": None}, "key", 'key = "shop-key"'),
        ({"key": ""}, "key", "not empty"),
        ({"key": "k" * 257}, "key", "longer than 256 characters"),
        ({"custom_id": " 1"}, "custom_id", 'custom_id = "c-1001"'),
        ({"expires_in": 0}, "expires_in", "expires_in = 86400"),
        ({"expires_in": float("inf")}, "expires_in", "seconds above 0"),
        ({"secret": None}, "secret", "is missing, and so are public_key and public_key_file"),
        ({"secret": "short"}, "secret", "openssl rand -hex 64"),
        ({"secret": "changeme"}, "secret", "well-known"),
        ({"secret": "ab" * 20, "algorithm": "HS512"}, "secret", "64 bytes are needed"),
        ({"secret": "?", "secret_encoding": "base64"}, "secret", "is not base64"),
        ({"secret_encoding": "Base64"}, "secret_encoding", 'Did you mean "base64"?'),
        ({**public, "secret_encoding": "hex"}, "secret_encoding", "belongs to secret"),
        ({"public_key": pem("P-256")}, "public_key", "a consumer has one key, and secret is it"),
        ({"public_key_file": "shop.pem"}, "public_key_file", "a consumer has one key, and secret is it"),
        ({"secret": None, "public_key": "abc"}, "public_key", "-----BEGIN PUBLIC KEY-----"),
        ({**public, "algorithm": "RS256"}, "public_key", "alg is not one that this key can do"),
        ({"secret": None, "public_key_file": ""}, "public_key_file", 'public_key_file = "shop.pem"'),
        ({"secret": None, "public_key_file": "nowhere"}, "public_key_file", "nowhere cannot be read"),
        ({"algorithm": "RS256"}, "algorithm", "is none that a secret does"),
        ({"algorithm": "hs256"}, "algorithm", 'Did you mean "HS256"? The case counts'),
        ({"algorithm": "none"}, "algorithm", "Write one of HS256, HS384, HS512"),
        ({**public, "algorithm": "HS256"}, "algorithm", "is none that a public key does"),
    ]
    return [(with_consumers(consumer(**keys)), f"{ONE}.{key}", message) for keys, key, message in cases]


def _of_several() -> list[Wrong]:
    other = "issuers[1]"
    second = {f"{other}.issuer": "b", f"{other}.audience": ["orders"]}
    named = with_consumers(consumer(key="b"), consumer_claim="iss", issuer=None)
    return [
        (with_consumers(consumer(), consumer(name="b")), "issuers[0].consumers[1].key", "consumers[0] has the same"),
        ({**named, **second, f"{other}.jwks_url": "https://b.example/"}, f"{ONE}.key", "another issuer is known by it"),
        (
            {**named, f"{other}.name": "b", f"{other}.require_issuer": False, **_anybody(other)},
            f"{ONE}.key",
            "another issuer is known by it",
        ),
        (
            {**in_a_store(), **second, f"{other}.consumer_store": {}},
            f"{other}.consumer_store",
            "issuers[0] has one too: Policy(consumers=...) gives one store",
        ),
        (
            {
                **with_consumers(anonymous_consumer="shop"),
                **second,
                f"{other}.consumers": [consumer()],
                f"{other}.anonymous_consumer": "shop",
            },
            f"{other}.anonymous_consumer",
            "so one is enough",
        ),
    ]


def _anybody(entry: str) -> dict[str, Any]:
    return {f"{entry}.audience": ["orders"], f"{entry}.jwks_url": "https://b.example/"}


def _of_the_issuer() -> list[Wrong]:
    key = "issuers[0]"
    return [
        ({f"{key}.jwks_url": None, f"{key}.consumers": []}, f"{key}.consumers", "consumer_store = {}"),
        ({f"{key}.consumers": [consumer()]}, f"{key}.consumers", "one source of keys, and jwks_url is one"),
        ({**with_consumers(), f"{key}.consumer_store": {}}, f"{key}.consumer_store", "and consumers is one"),
        ({**with_consumers(), f"{key}.key_source": {}}, f"{key}.key_source", "and consumers is none of them"),
        ({f"{key}.consumer_claim": "key"}, f"{key}.consumer_claim", "belongs to consumers"),
        (with_consumers(consumer_claim=""), f"{key}.consumer_claim", 'consumer_claim = "key"'),
        (with_consumers(consumer_claim="iss"), f"{key}.issuer", "Leave issuer out"),
        (
            with_consumers(consumer_claim="iss", issuer=None, require_issuer=False),
            f"{key}.require_issuer",
            "so every token needs one",
        ),
        ({f"{key}.anonymous_consumer": "shop"}, f"{key}.anonymous_consumer", "consumers, which are not given"),
        ({**in_a_store(), f"{key}.anonymous_consumer": "shop"}, f"{key}.anonymous_consumer", "which are not given"),
        (with_consumers(anonymous_consumer="guest"), f"{key}.anonymous_consumer", "Name one of consumers"),
        (with_consumers(anonymous_consumer="shopp"), f"{key}.anonymous_consumer", 'Did you mean "shop"?'),
        (
            with_consumers(algorithms=["HS512", "RS256"]),
            f"{ONE}.algorithm",
            "HS256 is not among the issuer's algorithms",
        ),
        (
            with_consumers(consumer(secret=None, public_key=pem("P-256")), algorithms=["RS256", "HS256"]),
            f"{ONE}.algorithm",
            "its key does none of the issuer's algorithms",
        ),
        (
            with_consumers(consumer(algorithm="HS256"), algorithms=["HS512", "RS256"]),
            f"{ONE}.algorithm",
            "HS256 is not among the issuer's algorithms",
        ),
        (with_consumers(algorithms=["HS255"]), f"{key}.algorithms[0]", 'Did you mean "HS256"?'),
        (with_consumers(secret_encoding="hex"), f"{key}.secret_encoding", "belongs to secret"),
        ({**in_a_store(), f"{key}.allow_short_secret": True}, f"{key}.allow_short_secret", "belongs to secret"),
        (in_a_store(ttl=0), f"{key}.consumer_store.ttl", "ttl = 60"),
        (in_a_store(negative_ttl=0), f"{key}.consumer_store.negative_ttl", "above 0"),
        (in_a_store(max_stale=-1), f"{key}.consumer_store.max_stale", "0 or more"),
        (in_a_store(size=0), f"{key}.consumer_store.size", "size = 10000"),
    ]
