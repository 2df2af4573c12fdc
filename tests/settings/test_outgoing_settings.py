"""`[outgoing.NAME]` as it is handed on: files read, defaults filled in, and nothing at all in non-secure mode."""

from __future__ import annotations

import logging
import pprint
from pathlib import Path
from typing import Any

import pytest

from jwtmw.settings import OutgoingTerms, read_settings
from jwtmw.vault.login import GivenToken
from tests.issuers.material import private_pem
from tests.settings.configurations import changed
from tests.settings.outgoing import ASKED, HERALD, OWN, PROVED, URL

CANARY = "canary-7f3a91"


def terms(table: dict[str, Any], **others: Any) -> OutgoingTerms:
    found = read_settings(changed({"outgoing.herald": table, **others}), environ={}).outgoing["herald"]
    assert found is not None
    return found


def test_a_client_proves_itself_by_what_it_has() -> None:
    """A secret is for basic, a private key signs; said in so many words, it is as it is said."""
    assert "basic" == terms(ASKED).table.auth
    assert "post" == terms({**ASKED, "auth": "post"}).table.auth
    assert "private_key_jwt" == terms(PROVED).table.auth


def test_a_private_key_is_filled_in(tmp_path: Path) -> None:
    """Its text, its algorithm, and whom assertions are for: the endpoint itself."""
    (tmp_path / "orders.pem").write_text(private_pem("P-384"), encoding="utf-8")
    file = tmp_path / "orders.toml"
    file.write_text(
        '[outgoing.herald]\nhosts = ["https://herald.example"]\nsource = "exchange"\n'
        'token_url = "https://id.example/token"\nclient_id = "orders"\nprivate_key_file = "orders.pem"\n'
        '[[issuers]]\nissuer = "https://id.example/"\naudience = ["orders"]\n',
        encoding="utf-8",
    )
    found = read_settings(file, environ={}).outgoing["herald"]
    assert found is not None
    assert (private_pem("P-384").strip(), "ES384", "https://id.example/token") == (
        *((found.table.private_key or "").strip(), found.table.algorithm),
        found.table.assertion_audience,
    )
    assert (
        "https://id.example/" == terms({**PROVED, "assertion_audience": "https://id.example/"}).table.assertion_audience
    )


def test_a_token_file_is_beside_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every file; it need not be there yet."""
    monkeypatch.chdir(tmp_path)
    assert str(tmp_path / "token") == terms({**HERALD, "source": "file", "file": "token"}).table.file
    assert "/run/token" == terms({**HERALD, "source": "file", "file": "/run/token"}).table.file


def test_a_vault_is_filled_in() -> None:
    """Where it is, and how this service logs in there."""
    vault = {"vault.main.url": "https://vault.example:8200", "vault.main.token": "a"}
    found = terms({**HERALD, "source": "vault", "vault": "main", "role": "orders"}, **vault)
    assert found.server is not None
    assert ("main", GivenToken("a")) == (found.server.name, found.login)


def test_in_non_secure_mode_nothing_is_looked_at(tmp_path: Path) -> None:
    """Neither references nor files; the names are there."""
    table = {**URL, "source": "exchange", "client_id": "a", "private_key_file": str(tmp_path / "nowhere.pem")}
    raw = changed(
        {"secure": False, "outgoing.herald": table, "outgoing.census": {**ASKED, "client_secret": "$ENV://NONE"}}
    )
    assert {"herald": None, "census": None} == read_settings(raw, environ={}).outgoing


def test_what_a_reference_could_not_bring_is_not_judged_in_non_secure_mode() -> None:
    """Hosts, tokens, URLs: each may be one."""
    for key, value in (("hosts", ["$ENV://NONE"]), ("token_url", "$ENV://NONE"), ("scopes", ["$ENV://NONE"])):
        raw = changed({"secure": False, "outgoing.herald": {**ASKED, key: value}})
        assert {"herald": None} == read_settings(raw, environ={}).outgoing


def test_without_judging_callers_calls_still_carry_tokens() -> None:
    """`inbound = false` is of requests that come in."""
    raw = changed({"inbound": False, "outgoing.herald": ASKED})
    assert None is not read_settings(raw, environ={}).outgoing["herald"]


@pytest.mark.parametrize(
    ("table", "key"),
    [(ASKED, "client_secret"), (PROVED, "private_key"), ({**HERALD, "source": "static", "token": "a"}, "token")],
)
def test_a_secret_that_stands_in_the_file_is_a_warning(
    table: dict[str, Any], key: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As everywhere; one by reference is none."""
    from jwtmw.settings.shown import toml

    file = tmp_path / "orders.toml"
    file.write_text("\n".join(toml(changed({"outgoing.herald": table}))), encoding="utf-8")
    with caplog.at_level(logging.WARNING, "jwtmw.settings"):
        read_settings(file, environ={})
    assert [f"outgoing.herald.{key} stands in {file} itself; a reference would keep it out"] == caplog.messages
    caplog.clear()
    file.write_text("\n".join(toml(changed({"outgoing.herald": {**table, key: "$ENV://A"}}))), encoding="utf-8")
    read_settings(file, environ={"A": str(table[key])})
    assert [] == caplog.messages


def test_what_is_handed_on_shows_nothing() -> None:
    """No repr, str or pretty print, of any part."""
    found = terms({**ASKED, "client_secret": CANARY})
    shown = [show(part) for part in (found, found.table, [found]) for show in (repr, str, pprint.pformat)]
    assert [] == [text for text in shown if CANARY in text]
    assert "OutgoingTerms(...)" == repr(found)


def test_own_keys_sign() -> None:
    """The algorithm is the key's where none is said."""
    assert "ES256" == terms(OWN).table.algorithm
