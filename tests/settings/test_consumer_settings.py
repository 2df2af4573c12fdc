"""What settings hold of consumers: keys from every source, references, and nothing secret anywhere."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from jwtmw.errors import ConfigurationError
from jwtmw.issuers.consumers import Consumer
from jwtmw.settings import ConsumerList, ConsumerTerms, Issuer, read_settings
from tests.issuers.material import pem
from tests.settings.configurations import SECRET, changed
from tests.settings.consumers import consumer, in_a_store, with_consumers

CANARY = "the-canary-must-not-be-seen-anywhere-0123456789"


def issuer(changes: dict[str, Any], environ: dict[str, str] | None = None) -> Issuer:
    return read_settings(changed(changes), environ=environ or {}).issuers[0]


def members(found: Issuer) -> tuple[Consumer, ...]:
    assert isinstance(found.key_material, ConsumerList)
    return found.key_material.members


def test_each_consumer_has_its_key(tmp_path: Path) -> None:
    """A secret in any encoding, a public key in place and one in a file beside the configuration."""
    (tmp_path / "shop.pem").write_text(pem("P-256"), encoding="utf-8")
    (tmp_path / "shops.toml").write_text(
        """
        [[issuers]]
        name = "shops"
        require_issuer = false
        require_audience = false
        anonymous_consumer = "guest"
        consumers = [
            { name = "a", key = "a", secret = "$ENV://SECRET", secret_encoding = "hex", algorithm = "HS384" },
            { name = "b", key = "$ENV://KEY", public_key = "$ENV://PEM", custom_id = "7", expires_in = 60 },
            { name = "c", key = "c", public_key_file = "shop.pem" },
            { name = "guest" },
        ]
        """,
        encoding="utf-8",
    )
    environ = {"SECRET": bytes(range(48)).hex(), "KEY": "b-key", "PEM": pem("rsa")}
    (found,) = read_settings(tmp_path / "shops.toml", environ=environ).issuers
    first, second, third, fourth = members(found)
    keys = [one.credential for one in (first, second, third)]
    assert ["oct", "RSA", "EC"] == [key.kty for key in keys if key is not None]
    assert keys[0] is not None
    assert frozenset({"HS384"}) == keys[0].algorithms
    assert ("b-key", "7", 60) == (second.key, second.custom_id, second.expires_in)
    assert ("guest", None, None) == (fourth.name, fourth.key, fourth.credential)
    assert ("key", "guest") == (found.consumer_claim, found.anonymous_consumer)
    assert {"HS384", "RS256", "ES256"} < set(found.algorithms)


def test_the_issuers_algorithms_are_its_consumers() -> None:
    """Unless they are named; those in a store may have any."""
    named = with_consumers(consumer(algorithm="HS256"), algorithms=["HS256", "RS256"])
    assert [("HS256",), ("HS256", "RS256")] == [issuer(changes).algorithms for changes in (with_consumers(), named)]
    assert {"HS512", "EdDSA", "RS256"} < set(issuer(in_a_store()).algorithms)
    assert ("RS256",) == issuer({**in_a_store(), "issuers[0].algorithms": ["RS256"]}).algorithms


@pytest.mark.parametrize("name", ["EdDSA", "Ed25519"])
def test_an_algorithm_of_two_names_is_one(name: str) -> None:
    """A consumer may use either name, whichever the issuer lists."""
    (other,) = {"EdDSA", "Ed25519"} - {name}
    key = consumer(secret=None, public_key=pem("ed25519"), algorithm=name)
    assert 1 == len(members(issuer(with_consumers(key, algorithms=[other]))))


def test_a_store_has_its_terms() -> None:
    """The defaults, or what is written."""
    plain, written = (
        issuer(changes).key_material
        for changes in (in_a_store(), in_a_store(ttl=10, negative_ttl=1, max_stale=0, size=5))
    )
    assert isinstance(plain, ConsumerTerms)
    assert isinstance(written, ConsumerTerms)
    assert (60, 5, 3600, 10_000) == (
        plain.terms.ttl,
        plain.terms.negative_ttl,
        plain.terms.max_stale,
        plain.terms.size,
    )
    assert (10, 1, 0, 5) == (
        written.terms.ttl,
        written.terms.negative_ttl,
        written.terms.max_stale,
        written.terms.size,
    )


@pytest.mark.parametrize("content", ["abc", "", pem("P-256")])
def test_a_key_file_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    """No key, nothing, or a key for another algorithm; the message names the file."""
    (tmp_path / "shop.pem").write_text(content, encoding="utf-8")
    key = consumer(secret=None, public_key_file=str(tmp_path / "shop.pem"), algorithm="RS256")
    with pytest.raises(ConfigurationError, match=r"shop\.pem") as caught:
        issuer(with_consumers(key))
    assert "issuers[0].consumers[0].public_key_file" == caught.value.key


def test_weak_secrets_may_be_allowed(caplog: pytest.LogCaptureFixture) -> None:
    """One WARNING says how many there are; without any there is none."""
    strong = consumer(key="b")
    given = with_consumers(consumer(secret="weak"), strong, consumer(key="c", secret="w2"), allow_short_secret=True)
    assert 3 == len(members(issuer(given)))
    assert [
        "issuers[0].consumers: 2 of them have weak secrets; allow_short_secret lets them through"
    ] == caplog.messages
    caplog.clear()
    issuer(with_consumers(strong, consumer(secret=None, public_key=pem("rsa")), allow_short_secret=True))
    assert [] == caplog.messages


def test_consumers_that_share_a_key_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """Each could sign for the other; two keys of one consumer harm nobody."""
    shared = pem("P-256")
    issuer(
        with_consumers(
            *(consumer(name=name, key=name, secret=CANARY) for name in ("a", "b")),
            *({"name": name, "key": name, "public_key": shared} for name in ("c", "d", "e")),
            *(consumer(name="f", key=key, secret=CANARY[::-1]) for key in ("f", "g")),
        )
    )
    assert ["issuers[0].consumers: 5 of them share a secret or public key, and can pass for each other"] == [
        text for text in caplog.messages if "share" in text
    ]
    assert CANARY not in caplog.text


def test_written_secrets_are_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However many consumers have theirs in the file itself; by reference there is no warning."""
    file = tmp_path / "shops.toml"
    head = '[[issuers]]\nname = "shops"\nrequire_issuer = false\nrequire_audience = false\n'
    one = '[[issuers.consumers]]\nname = "{0}"\nkey = "{0}"\nsecret = "{1}"\n'
    file.write_text(head + one.format("a", SECRET) + one.format("b", SECRET + "2"), encoding="utf-8")
    read_settings(file, environ={})
    said = f"issuers[0].consumers[...].secret stands in {file} itself; a reference would keep it out"
    assert [said] == caplog.messages
    caplog.clear()
    file.write_text(head + one.format("a", "$ENV://SECRET"), encoding="utf-8")
    read_settings(file, environ={"SECRET": SECRET})
    assert [] == caplog.messages


def test_nothing_secret_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    """No repr of the settings, or of a part of them, shows a consumer's secret; nor does a refusal or a log."""
    caplog.set_level(logging.DEBUG)
    found = issuer(with_consumers(consumer(secret="$ENV://SECRET")), {"SECRET": CANARY})
    (one,) = members(found)
    shown = [repr(found), repr(found.key_material), repr(one), repr(one.credential), str(found), f"{one}"]
    assert [] == [text for text in [*shown, *caplog.messages] if CANARY in text]
    for wrong in ({"algorithm": "HS512"}, {"secret_encoding": "hex"}, {"secret_encoding": "base64"}, {"expires_in": 0}):
        with pytest.raises(ConfigurationError) as caught:
            issuer(with_consumers(consumer(secret="$ENV://SECRET", **wrong)), {"SECRET": CANARY})
        assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_in_non_secure_mode_no_consumers_secret_is_resolved() -> None:
    """Nothing of it need exist; what is wrong otherwise is refused as ever."""
    unresolved = consumer(secret="$ENV://NOWHERE", key="$FILE:///nowhere")
    assert None is issuer({**with_consumers(unresolved), "secure": False}).key_material
    with pytest.raises(ConfigurationError, match=r"consumers\[0\]\.expires_in"):
        issuer({**with_consumers({**unresolved, "expires_in": 0}), "secure": False})
