"""`jwtmw config show`: what it prints, and that no secret is in that, in a log, a repr, or an error."""

from __future__ import annotations

import json
import logging
import tomllib
import traceback
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jwtmw import Policy
from jwtmw.cli import main
from jwtmw.errors import ConfigurationError
from jwtmw.settings import read_settings
from jwtmw.settings.examples import section_of
from jwtmw.settings.schema import TABLES
from jwtmw.settings.shown import HIDDEN, SHOWN, URLS, toml, without_secrets
from jwtmw.testing import Signer
from tests.settings.configurations import ENDPOINT, GOOD, SHARED, changed, parent, paths

CANARY = "canary7f3a91canary7f3a91canary7f3a91"
KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
PUBLIC = Signer().public_jwk
FILE = "jwtmw.toml"
NO_KEYS = {"issuers[0].jwks_url": None}
ASKED = {**ENDPOINT, "issuers[0].introspection.client_id": "orders"}
CONSUMER = {**NO_KEYS, "issuers[0].consumers[0].name": "shop", "issuers[0].consumers[0].key": "shop-key"}
VAULT = {"vault.main.url": "https://vault.example:8200"}
CALLING = {"outgoing.main.hosts": ["https://herald.example"]}
ASKING = {
    **CALLING,
    "outgoing.main.source": "client_credentials",
    "outgoing.main.token_url": "https://id.example/token",
    "outgoing.main.client_id": "orders",
}
TEXTS = sorted(
    path
    for path in paths()
    for field in msgspec.structs.fields(TABLES[section_of(path).rpartition(".")[0]])
    if field.name == path.rpartition(".")[2] and field.type in (str, str | None)
)

# The path of each key that may hold a secret, what there must be beside it, its value, and the secret in it.
SECRETS: dict[str, tuple[dict[str, Any], Any, str]] = {
    "http.proxy": ({}, f"http://{CANARY}:{CANARY}@proxy.example:3128", CANARY),
    "replay.url": ({"replay.store": "redis"}, f"redis://user:{CANARY}@127.0.0.1:1/0?password={CANARY}", CANARY),
    "revocation.url": ({"revocation.store": "redis"}, f"redis://user:{CANARY}@127.0.0.1:1/0?password={CANARY}", CANARY),
    "issuers[0].jwks_url": ({}, f"https://id.example/jwks?key={CANARY}", CANARY),
    "issuers[0].discovery_url": (NO_KEYS, f"https://id.example/metadata?key={CANARY}", CANARY),
    "issuers[0].jwks": (NO_KEYS, {"keys": [PUBLIC]}, PUBLIC["n" if "n" in PUBLIC else "x"]),
    "issuers[0].public_key": (NO_KEYS, Signer("ES256").public_pem, "BEGIN PUBLIC KEY"),
    "issuers[0].secret": (NO_KEYS, CANARY, CANARY),
    "issuers[0].introspection.url": (
        {**ASKED, "issuers[0].introspection.client_secret": CANARY},
        f"https://id.example/introspect?key={CANARY}",
        CANARY,
    ),
    "issuers[0].introspection.client_secret": (ASKED, CANARY, CANARY),
    "issuers[0].introspection.private_key": (ASKED, KEY.decode(), KEY.decode().splitlines()[1]),
    "issuers[0].introspection.token": (ENDPOINT, CANARY, CANARY),
    "issuers[0].consumers[0].secret": (CONSUMER, CANARY, CANARY),
    "issuers[0].consumers[0].public_key": (CONSUMER, Signer("ES256").public_pem, "BEGIN PUBLIC KEY"),
    "issuers[0].consumers[0].key": ({**CONSUMER, "issuers[0].consumers[0].secret": CANARY}, CANARY, CANARY),
    "issuers[0].consumers[0].custom_id": ({**CONSUMER, "issuers[0].consumers[0].secret": CANARY}, CANARY, CANARY),
    "rules[0].claims": ({}, {"tenant": CANARY, "number": [CANARY]}, CANARY),
    "rules[0].any_of[0].claims": ({}, {"tenant": CANARY}, CANARY),
    "outgoing.main.token_url": ({**ASKING, "outgoing.main.client_secret": CANARY}, f"https://a/?key={CANARY}", CANARY),
    "outgoing.main.client_secret": (ASKING, CANARY, CANARY),
    "outgoing.main.private_key": (ASKING, KEY.decode(), KEY.decode().splitlines()[1]),
    "outgoing.main.token": ({**CALLING, "outgoing.main.source": "static"}, CANARY, CANARY),
    "vault.main.token": (VAULT, CANARY, CANARY),
    "vault.main.userpass.username": ({**VAULT, "vault.main.userpass.password": CANARY}, CANARY, CANARY),
    "vault.main.userpass.password": ({**VAULT, "vault.main.userpass.username": "orders"}, CANARY, CANARY),
    "vault.main.approle.role_id": ({**VAULT, "vault.main.approle.secret_id": CANARY}, CANARY, CANARY),
    "vault.main.approle.secret_id": ({**VAULT, "vault.main.approle.role_id": "orders"}, CANARY, CANARY),
}
# Texts that may hold a secret and cannot be in a configuration that works: refused, or not supported yet.
REFUSED = {"vault.main.url", "external_url", "rules[0].body"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(raw: dict[str, Any]) -> None:
    Path(FILE).write_text("\n".join(toml(raw)), encoding="utf-8")


def printed(raw: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """What is on stdout; the status is 0 and nothing is on stderr."""
    written(raw)
    assert 0 == main(["config", "show", "--config", FILE])
    out, err = capsys.readouterr()
    assert "" == err
    return out


def with_secret(path: str) -> dict[str, Any]:
    if path in ("revocation.url", "replay.url"):
        pytest.importorskip("redis")
    beside, value, _ = SECRETS[path]
    return changed({**beside, path: value})


def planted(path: str) -> dict[str, Any]:
    """A configuration, right or not, with a canary in the text at `path`."""
    return changed({**(SHARED if path == "issuers[0].secret" else {}), **parent(path), path: CANARY})


def test_every_text_is_decided_upon() -> None:
    """A text of the schema is harmless, or it is tested here that it stays hidden."""
    harmless = {path for path in TEXTS if section_of(path) in SHOWN}
    assert set(TEXTS) == harmless | {path for path in SECRETS if not path.endswith(("claims", "jwks"))} | REFUSED
    assert URLS == {section_of(path) for path in {*SECRETS, *REFUSED} if path.endswith(("url", "proxy"))} - {
        "external_url"
    }
    assert [] == [path for path in SECRETS if section_of(path) in SHOWN]


@pytest.mark.parametrize("path", sorted(SECRETS))
def test_no_secret_leaves(path: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """The command, the logs, and the reprs of policy and settings show nothing of it; it is there all the same."""
    caplog.set_level(logging.DEBUG)
    secret = SECRETS[path][2]
    out = printed(with_secret(path), capsys)
    settings = read_settings(FILE, environ={})
    policy = Policy(FILE)
    assert HIDDEN in out
    shown = [out, caplog.text, *(str(vars(record)) for record in caplog.records)]
    shown += [repr(thing) for thing in (policy, settings, *settings.issuers, *settings.rules, settings.http)]
    assert secret in Path(FILE).read_text(encoding="utf-8").replace("\\U0000000a", "\n")
    assert [] == [text for text in shown if secret in text]


@pytest.mark.parametrize("wrong", [{"realm": ""}, {"realm": 5}, {"default": "open"}, {"nonsense": 1}])
@pytest.mark.parametrize("path", sorted(SECRETS))
def test_no_secret_is_in_the_error_of_another_key(
    path: str, wrong: dict[str, Any], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the message nor the traceback, with the local variables that error reporters record, shows it."""
    caplog.set_level(logging.DEBUG)
    secret = SECRETS[path][2]
    written(with_secret(path) | wrong)
    assert 2 == main(["config", "show", "--config", FILE])
    out, err = capsys.readouterr()
    assert "" == out
    assert err.startswith(f"jwtmw: {next(iter(wrong))}: ")
    shown = [err, caplog.text, *everything_of(FILE)]
    assert [] == [text for text in shown if secret in text]


def everything_of(file: str) -> list[str]:
    """All that can be read off the error with which this file is refused."""
    with pytest.raises(ConfigurationError) as caught:
        Policy(file)
    error = caught.value
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return [str(error), repr(error), repr(vars(error)), "".join(report.format())]


@pytest.mark.parametrize("path", [path for path in TEXTS if section_of(path) not in SHOWN])
def test_a_text_that_is_refused_is_not_shown(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A canary in any text that may be secret is in no error, whichever key is blamed."""
    written(planted(path) | {"realm": ""})
    assert 2 == main(["config", "show", "--config", FILE])
    assert CANARY not in "".join(capsys.readouterr())
    assert [] == [text for text in everything_of(FILE) if CANARY in text]


@pytest.mark.parametrize("path", TEXTS)
def test_what_is_shown_is_on_the_list(path: str) -> None:
    """A text that is not known to be harmless is hidden, wherever it stands."""
    shown = "\n".join(toml(without_secrets(planted(path))))
    assert (section_of(path) in SHOWN) == (CANARY in shown)


def test_what_nobody_knows_is_hidden() -> None:
    """A key that is new, a table and a value of a type that nobody thought of."""
    raw = {"new": "a", "rules": [{"path": "/", "new": ["a"], "also": {"a": "b"}, "at": None}]}
    hidden = {"path": "/", "new": [HIDDEN], "also": HIDDEN, "at": HIDDEN}
    assert {"new": HIDDEN, "rules": [hidden]} == without_secrets(raw)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:hush@cache:6379/0", "redis://(hidden)@cache:6379/0"),
        ("redis://:hush@[::1]/0?password=hush#hush", "redis://(hidden)@[::1]/0?(hidden)#(hidden)"),
        ("unix:///run/redis.sock?password=hush", "unix:///run/redis.sock?(hidden)"),
        ("https://a@b@c/", "https://(hidden)@c/"),
        ("https://id.example/jwks", "https://id.example/jwks"),
        ("redis://user:hu/sh@cache/0", HIDDEN),
        ("redis://user:hu?sh@cache/0", HIDDEN),
        ("redis://user:hu#sh@cache/0", HIDDEN),
        ("user:hush@proxy:3128", HIDDEN),
        ("$ENV://hush hush", HIDDEN),
        ("$ENV://REDIS_URL", "$ENV://REDIS_URL"),
        ("$FILE:///run/url", "$FILE:///run/url"),
        ("$secret://vault/main/redis/url", "$secret://vault/main/redis/url"),
    ],
)
def test_urls_are_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    """Scheme, host and path; of a text that is read otherwise than it was meant, nothing."""
    assert {"revocation": {"url": shown}} == without_secrets({"revocation": {"url": url}})


def test_a_url_is_cut_in_every_text() -> None:
    """An issuer is shown; one that is a URL with a password in it is not."""
    raw = {"issuers": [{"issuer": "https://a:hush@id.example/", "audience": ["orders", "https://b:hush@c/?hush"]}]}
    issuer = {"issuer": "https://(hidden)@id.example/", "audience": ["orders", "https://(hidden)@c/?(hidden)"]}
    assert {"issuers": [issuer]} == without_secrets(raw)


def test_a_file_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is written, references too, under what the environment changes; it is TOML again."""
    monkeypatch.setenv("CLERKS", CANARY)
    monkeypatch.setenv("JWTMW_REPORT_ONLY", "true")
    raw = changed({"rules[0].roles": ["$ENV://CLERKS"], "rules[0].claims": {"a b": "$ENV://CLERKS", "c": True}})
    raw |= {"leeway": 5.0, "hide_credentials": False, "identity_headers": {"X-User": "sub"}, "cache": {}}
    out = printed(raw, capsys)
    raw["rules"][0]["claims"]["c"] = HIDDEN
    assert out.startswith(f"# file {FILE}\n# report_only is what the environment says\n")
    assert raw | {"report_only": True} == tomllib.loads(out)
    assert CANARY not in out


def test_the_environment_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file, what the variables say."""
    monkeypatch.setenv("JWTMW_ISSUER", "https://id.example/")
    monkeypatch.setenv("JWTMW_AUDIENCE", "orders,billing")
    monkeypatch.setenv("JWTMW_JWKS_URL", f"https://id.example/jwks?{CANARY}")
    assert 0 == main(["config", "show"])
    assert (
        "# environment\n\n[[issuers]]\n"
        'issuer = "https://id.example/"\naudience = ["orders", "billing"]\njwks_url = "https://id.example/jwks?(hidden)"\n'
    ) == capsys.readouterr().out


def test_secrets_of_non_secure_mode_are_hidden(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is resolved there, and what only looks like a reference is hidden as any text."""
    monkeypatch.setenv("JWTMW_SECURE", "false")
    out = printed(changed({**NO_KEYS, "issuers[0].secret": f"$hush://{CANARY}"}), capsys)
    assert "# secure is what the environment says\nsecure = false\n" in out
    assert f'secret = "{HIDDEN}"' in out


def test_what_is_printed_plays_no_tricks(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters and quotes are escaped, in values as in names."""
    raw = changed({"rules[0].claims": {'"\x1b[31m\n': 1}, "rules[0].roles": ['a\\"', "ü"]})
    out = printed(raw, capsys)
    lines = out.splitlines()
    assert 'roles = ["a\\\\\\"", "ü"]' in lines
    assert '"\\"\\U0000001b[31m\\U0000000a" = "(hidden)"' in lines
    assert {'"\x1b[31m\n': HIDDEN} == tomllib.loads(out)["rules"][0]["claims"]


def test_a_configuration_that_cannot_work_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """A reference that leads nowhere is refused as at a start: status 2 and one line."""
    written(changed({**NO_KEYS, "issuers[0].secret": "$ENV://NOT_SET"}))
    assert 2 == main(["config", "show", "--config", FILE])
    message = (
        "jwtmw: issuers[0].secret: $ENV://NOT_SET is not set (in jwtmw.toml). Set the environment variable NOT_SET\n"
    )
    assert ("", message) == capsys.readouterr()


def test_the_writer_loses_nothing() -> None:
    """What it writes of a whole configuration reads as the same."""
    raw = changed(
        {**CONSUMER, "issuers[0].consumers[0].secret": CANARY, "vault.main.userpass.mount": "a", "origins": []}
    )
    assert json.loads(json.dumps(raw)) == tomllib.loads("\n".join(toml(raw)))
    assert GOOD == tomllib.loads("\n".join(toml(GOOD)))
