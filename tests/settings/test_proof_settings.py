"""What binds tokens to requests, as it is configured: rules that cannot work, weak hashes, servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jwtmw import Policy
from jwtmw.errors import ConfigurationError
from jwtmw.settings import check_store, read_settings
from tests.settings.configurations import changed


@pytest.mark.parametrize("url", ["https://orders.example", "http://127.0.0.1:8000", "https://[::1]:8443"])
def test_external_urls(url: str) -> None:
    """Scheme, host and a port that is not the scheme's own."""
    assert url == read_settings(changed({"external_url": url}), environ={}).external_url


@pytest.mark.parametrize("allow", ["public", "deny"])
@pytest.mark.parametrize("proof", [{"body": "sha-256"}, {"single_use": True}], ids=["body", "single use"])
def test_a_proof_needs_a_token(allow: str, proof: dict[str, Any]) -> None:
    """Where no token is read there is nothing to bind: the rule does not start."""
    raw = changed({f"rules[0].{key}": value for key, value in {"allow": allow, **proof}.items()})
    with pytest.raises(ConfigurationError) as caught:
        Policy(raw)
    text = f'rules[0].allow: "{allow}" reads no token, but the rule wants it bound to the request. Drop body and'
    assert str(caught.value).startswith(text)


def test_an_optional_token_may_be_bound() -> None:
    """One that is there must be bound."""
    assert Policy(changed({"rules[0].allow": "optional", "rules[0].body": "sha-256"})).engine.rules.rules[0].proofs


@pytest.mark.parametrize(("name", "warns"), [("md5", True), ("sha-256", False), ("sha-512", False)])
def test_md5_is_a_warning(name: str, warns: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A hash for which two bodies can be made is taken by explicit choice, and not in silence."""
    read_settings(changed({"rules[0].body": name}), environ={})
    text = "rules[0].body: md5 no longer tells two bodies apart; take sha-256 where the signer can"
    assert ([text] if warns else []) == caplog.messages


def test_who_judges_nothing_is_not_warned(caplog: pytest.LogCaptureFixture) -> None:
    """In non-secure mode no body is read."""
    read_settings(changed({"rules[0].body": "md5", "secure": False}), environ={})
    assert [] == caplog.messages


def test_a_client_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot work does not start, and says what to do."""
    monkeypatch.setattr(check_store, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError) as caught:
        read_settings(changed({"replay": {"store": "redis", "url": "redis://a"}}), environ={})
    assert 'replay.store: needs a package that is not installed. Run: pip install "jwtmw[redis]"' == str(caught.value)


@pytest.mark.parametrize(
    ("url", "warns"), [("redis://:canary@a.example/0", True), ("redis://a.example/0", False)], ids=["with", "without"]
)
def test_a_password_that_stands_in_a_file_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, url: str, warns: bool
) -> None:
    """The URL is no secret without one."""
    file = tmp_path / "jwtmw.toml"
    issuer = 'issuer = "https://id.example/"\naudience = ["orders"]\njwks_url = "https://id.example/jwks"\n'
    file.write_text(f'[replay]\nstore = "redis"\nurl = "{url}"\n[[issuers]]\n{issuer}', encoding="utf-8")
    read_settings(file, environ={})
    assert warns == any(text.startswith("replay.url stands in ") for text in caplog.messages)
    assert "canary" not in caplog.text
