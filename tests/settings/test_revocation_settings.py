"""`revocation`: which servers can be named, and what must be installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwtmw.errors import ConfigurationError
from jwtmw.settings import check_store, read_settings
from tests.settings.configurations import changed


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1",
        "redis://:password@revocations.example:6379/0",
        "rediss://revocations.example/1?ssl_ca_certs=ca.pem",
        "unix:///run/redis.sock?db=1",
    ],
)
def test_servers(url: str) -> None:
    """By TCP, by TLS, by a socket of this machine."""
    raw = changed({"revocation": {"store": "redis", "url": url}})
    assert url == read_settings(raw, environ={}).revocation.url


def test_a_client_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot work does not start, and says what to do."""
    monkeypatch.setattr(check_store, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError) as caught:
        read_settings(changed({"revocation": {"store": "redis", "url": "redis://a"}}), environ={})
    assert 'revocation.store: needs a package that is not installed. Run: pip install "jwtmw[redis]"' == str(
        caught.value
    )


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("redis://:canary@a.example/0", True),
        ("redis://a.example/0?password=canary", True),
        ("redis://a.example/0", False),
    ],
    ids=["before the host", "in the query", "none"],
)
def test_a_password_that_stands_in_a_file_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, url: str, warns: bool
) -> None:
    """The URL is no secret without one."""
    file = tmp_path / "jwtmw.toml"
    issuer = 'issuer = "https://id.example/"\naudience = ["orders"]\njwks_url = "https://id.example/jwks"\n'
    file.write_text(f'[revocation]\nstore = "redis"\nurl = "{url}"\n[[issuers]]\n{issuer}', encoding="utf-8")
    read_settings(file, environ={})
    assert warns == any(text.startswith("revocation.url stands in ") for text in caplog.messages)
    assert "canary" not in caplog.text
