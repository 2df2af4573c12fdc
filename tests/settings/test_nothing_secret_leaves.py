"""References, and that nothing of what they bring is ever shown."""

from __future__ import annotations

import pprint
import traceback
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jwtmw.errors import ConfigurationError
from jwtmw.settings import VaultIntrospected, read_settings
from jwtmw.settings.schema import Settings
from tests.settings.configurations import SHARED, changed

CANARY = "canary-7f3a91"
VAULT = {"vault.main.url": "https://vault.example"}


def refused(raw: dict[str, Any], environ: dict[str, str] | None = None) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(raw, environ=environ or {})
    return caught.value


def by_reference(reference: str) -> dict[str, Any]:
    return changed({**SHARED, "issuers[0].secret": reference})


def test_references_stand_for_any_text(tmp_path: Path) -> None:
    """In lists, tables and members alike; a file's last newline is dropped, and only that."""
    (tmp_path / "realm").write_bytes(b"the shop\n")
    raw = changed({"realm": f"$FILE://{tmp_path}/realm", "rules[0].claims": {"a": ["$ENV://A"]}})
    raw["issuers"][0]["audience"] = ["$ENV://A", "b"]
    settings = read_settings(raw, environ={"A": "a"})
    assert ("the shop", ("a", "b"), {"a": ["a"]}) == (
        settings.realm,
        settings.issuers[0].audience,
        settings.rules[0].claims,
    )


@pytest.mark.parametrize(("content", "kept"), [(b"\n\n", b"\n"), (b"\r\n", b""), (b" ", b" "), (b"", b"")])
def test_one_newline_is_dropped_from_a_file(tmp_path: Path, content: bytes, kept: bytes) -> None:
    """A secret in a file keeps every other byte."""
    (tmp_path / "secret").write_bytes(CANARY.encode() * 3 + content)
    material = read_settings(by_reference(f"$FILE://{tmp_path}/secret"), environ={}).issuers[0].key_material
    assert CANARY.encode() * 3 + kept == getattr(material, "value", None)


def test_a_text_that_only_contains_a_reference_is_none() -> None:
    """References are whole texts."""
    assert "see $ENV://A" == read_settings(changed({"realm": "see $ENV://A"}), environ={}).realm


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("$ENV://NONE", "$ENV://NONE is not set. Set the environment variable NONE"),
        ("$ENV://EMPTY", "$ENV://EMPTY is empty. Set the environment variable EMPTY"),
        ("$ENV://", "names no environment variable. Write $ENV://NAME"),
        ("$ENV://A/b", "names no environment variable. Write $ENV://NAME"),
        ("$env://NAME", "$env:// is no kind of reference. Write $ENV://NAME, $FILE:///path or "),
        ("$ENV://OTHER", "$ENV://OTHER holds another reference. Name the last one directly"),
        ("$FILE://a", "$FILE://a is no absolute path. Write three slashes"),
        ("$FILE:///no/where", "$FILE:///no/where cannot be read: No such file"),
        ("$FILE:///no\0where", "cannot be read: no file can have this name"),
        ("$secret://vault/main/a", "$secret://vault/main/a names no secret of a Vault. Write $secret://vault/NAME/"),
        ("$secret://vault/main/a/../b", "names no secret of a Vault"),
        ("$secret://vault/main//b", "names no secret of a Vault"),
        ("$secret://vault/main/a/b\n", "names no secret of a Vault"),
        ("$secret://aws/main/a/b", "names no secret of a Vault"),
        ("$secret://vault/main/a/b", "there is no Vault of this name with a way to log in. Write [vault.main] with "),
    ],
)
def test_a_reference_that_fails_is_named(reference: str, message: str) -> None:
    """The message holds the key's path, the reference and the cure."""
    error = refused(by_reference(reference), {"EMPTY": "", "OTHER": "$ENV://EMPTY"})
    assert "issuers[0].secret" == error.key
    assert message in str(error)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff" + CANARY.encode(), "is no UTF-8 text without a byte order mark"),
        (b"\xef\xbb\xbf" + CANARY.encode(), "is no UTF-8 text without a byte order mark"),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """A secret file is UTF-8 text and not empty."""
    (tmp_path / "secret").write_bytes(content)
    error = refused(by_reference(f"$FILE://{tmp_path}/secret"))
    assert "issuers[0].secret" == error.key
    assert message in error.problem
    assert_silent(error)


def secretive() -> Settings:
    """Settings with a canary in each value that a reference can bring."""
    raw = changed({**SHARED, "issuers[0].secret": "$ENV://SECRET", "rules[0].claims": {"a": "$ENV://SECRET"}})
    raw |= {"realm": "$ENV://SECRET", "http": {"proxy": "$ENV://PROXY"}}
    return read_settings(raw, environ={"SECRET": CANARY * 3, "PROXY": f"http://user:{CANARY}@proxy.example"})


def test_settings_show_nothing() -> None:
    """No repr, str or pretty print of the settings, or of a part of them, shows a value that may be secret."""
    settings = secretive()
    (issuer,), (rule,) = settings.issuers, settings.rules
    parts = (settings, issuer, rule, settings.http, issuer.key_material, {"a": [issuer.key_material]})
    shown = [show(part) for part in parts for show in (repr, str, pprint.pformat, "{!r:}".format)]
    shown += [str(part.__rich_repr__()) for part in parts if isinstance(part, msgspec.Struct)]
    assert [] == [text for text in shown if CANARY in text]
    assert "Issuer(name='corp')" == repr(issuer)
    assert "Settings(source='mapping', secure=True)" == repr(settings)
    assert "Secret(...)" == repr(issuer.key_material)


def test_a_vaults_tables_show_nothing() -> None:
    """Neither the token nor the password of this service is in any repr of what is handed on."""
    raw = changed({**VAULT, "vault.main.userpass": {"username": "a", "password": CANARY}, "issuers[0].jwks_url": None})
    raw["issuers"][0]["vault"] = {"name": "main", "verify": "introspection"}
    material = read_settings(raw, environ={}).issuers[0].key_material
    assert isinstance(material, VaultIntrospected)
    parts = (material, material.login, material.server, material.table, [material])
    shown = [show(part) for part in parts for show in (repr, str, pprint.pformat)]
    assert [] == [text for text in shown if CANARY in text]


def assert_silent(error: BaseException) -> None:
    """Neither the error nor anything that hangs on it holds the canary."""
    assert (None, None) == (error.__cause__, error.__context__)
    assert CANARY not in "".join(traceback.format_exception(error))
    assert CANARY not in repr(error)
    assert CANARY not in repr(vars(error))
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert [__name__.rpartition(".")[2], "read"] == [Path(frame.f_code.co_filename).stem for frame in frames]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        pytest.param({**SHARED, "issuers[0].secret": CANARY}, "issuers[0].secret", id="short"),
        pytest.param(
            {**SHARED, "issuers[0].secret": CANARY, "issuers[0].secret_encoding": "hex"}, "issuers[0].secret", id="hex"
        ),
        pytest.param(
            {**SHARED, "issuers[0].secret": CANARY, "issuers[0].secret_encoding": "base64"},
            "issuers[0].secret",
            id="base64",
        ),
        pytest.param({**SHARED, "issuers[0].secret": f"{CANARY}\ud800"}, "issuers[0].secret", id="surrogate"),
        pytest.param({**SHARED, "issuers[0].secret": [CANARY]}, "issuers[0].secret", id="list"),
        pytest.param({**SHARED, "issuers[0].secret": CANARY.encode()}, "issuers[0].secret", id="bytes"),
        pytest.param({"issuers[0].public_key": CANARY}, "issuers[0].public_key", id="two-sources"),
        pytest.param(
            {"issuers[0].jwks_url": None, "issuers[0].public_key": CANARY}, "issuers[0].public_key", id="public-key"
        ),
        pytest.param({"issuers[0].jwks_url": None, "issuers[0].jwks": CANARY}, "issuers[0].jwks", id="jwks-type"),
        pytest.param({"issuers[0].jwks_url": None, "issuers[0].jwks": {"k": CANARY}}, "issuers[0].jwks", id="jwks"),
        pytest.param({"http.proxy": f"ftp://user:{CANARY}@proxy"}, "http.proxy", id="proxy"),
        pytest.param({"issuers[0].jwks_url": f"https://a:{CANARY}@b/"}, "issuers[0].jwks_url", id="url"),
        pytest.param({"vault.main.url": f"https://a:{CANARY}@b/"}, "vault.main.url", id="vault-url"),
        pytest.param(VAULT | {"vault.main.token": [CANARY]}, "vault.main.token", id="vault-token"),
        pytest.param(VAULT | {"vault.main.token": f" {CANARY}"}, "vault.main.token", id="vault-token-blank"),
        pytest.param(
            VAULT | {"vault.main.token": CANARY, "vault.main.token_file": CANARY}, "vault.main.token_file", id="logins"
        ),
        pytest.param(VAULT | {"vault.main.userpass.password": CANARY}, "vault.main.userpass.username", id="userpass"),
        pytest.param(VAULT | {"vault.main.approle.secret_id": CANARY}, "vault.main.approle.role_id", id="approle"),
        pytest.param({f"vault.{CANARY}!.url": 5}, "vault", id="vault-name"),
        pytest.param({"default": CANARY}, "default", id="choice"),
        pytest.param({"leeway": CANARY}, "leeway", id="number"),
    ],
)
def test_errors_show_no_value(changes: dict[str, Any], key: str) -> None:
    """The message, the error's members, its context and its traceback hold no value, inline or by reference."""
    raw = changed(changes)
    error = refused(raw)
    assert key == error.key
    assert CANARY not in str(error)
    assert (None, None) == (error.__cause__, error.__context__)
    assert CANARY not in repr(vars(error))


@pytest.mark.parametrize("key", ["secret", "public_key", "jwks_url"])
def test_errors_show_nothing_that_a_reference_brought(key: str) -> None:
    """What came from the environment is in no message, and in no frame that an error reporter would record."""
    raw = changed({"issuers[0].jwks_url": None, f"issuers[0].{key}": "$ENV://SECRET"})
    error = refused(raw, {"SECRET": CANARY})
    assert f"issuers[0].{key}" == error.key
    assert_silent(error)


def test_a_key_file_is_not_shown(tmp_path: Path) -> None:
    """The decoder's error, which holds the whole document, does not hang on ours."""
    (tmp_path / "jwks.json").write_text(f'{{"keys": "{CANARY}', encoding="utf-8")
    error = refused(changed({"issuers[0].jwks_url": None, "issuers[0].jwks_file": f"{tmp_path}/jwks.json"}))
    assert_silent(error)


def test_a_broken_toml_file_is_not_shown(tmp_path: Path) -> None:
    """Neither is the text of a file that is no TOML."""
    file = tmp_path / "orders.toml"
    file.write_text(f'secret = "{CANARY}', encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_settings(file, environ={})
    assert "is not TOML: Unterminated string (at end of document)" in str(caught.value)
    assert_silent(caught.value)
