"""Where the configuration comes from: the argument, the framework, a file, the environment."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from jwtmw.errors import ConfigurationError
from jwtmw.settings import JwksUrl, MetadataUrl, Settings, read_settings
from tests.settings.configurations import GOOD, SECRET, SHARED, changed

THREE = {
    "JWTMW_ISSUER": "https://id.example/",
    "JWTMW_AUDIENCE": "orders",
    "JWTMW_JWKS_URL": "https://id.example/jwks",
}
TOML = """
realm = "file"
[[issuers]]
issuer = "https://id.example/"
audience = ["orders"]
jwks_url = "https://id.example/jwks"
"""


def refused(source: Any = None, environ: Mapping[str, str] | None = None, framework: Any = None) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(source, framework, environ or {})
    return caught.value


def realm(source: Any = None, framework: Any = None, environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    settings = read_settings(source, framework, environ or {})
    return settings.realm, settings.source


def test_the_first_source_wins_and_none_is_merged(tmp_path: Path) -> None:
    """The argument, then the framework, then the file of JWTMW_CONFIG, then the environment."""
    file = tmp_path / "orders.toml"
    file.write_text(TOML, encoding="utf-8")
    environ = {**THREE, "JWTMW_REALM": "environment", "JWTMW_CONFIG": str(file)}
    given, framework = changed({"realm": "argument"}), changed({"realm": "framework"})
    assert ("argument", "mapping") == realm(given, framework, environ)
    assert ("framework", "framework configuration") == realm(None, framework, environ)
    assert ("file", f"file {file}") == realm(None, None, environ)
    assert ("environment", "environment") == realm(environ={**environ, "JWTMW_CONFIG": ""})
    assert ("api", "environment") == realm(environ=THREE)


@pytest.mark.parametrize("as_path", [str, Path])
def test_a_path_is_a_source(tmp_path: Path, as_path: type[str | Path]) -> None:
    """The argument and the framework's configuration may be the path of a TOML file, as text or as a path."""
    file = tmp_path / "orders.toml"
    file.write_text(TOML, encoding="utf-8")
    assert "file" == realm(as_path(file))[0] == realm(None, as_path(file))[0]


def test_any_mapping_and_sequence_will_do() -> None:
    """Django's settings may hold tuples, sets, paths and read-only mappings."""

    class Text(str):
        __slots__ = ()

    issuer = MappingProxyType({**GOOD["issuers"][0], "audience": {"orders"}, "name": Text("corp")})
    (issuer_read,) = read_settings(MappingProxyType({"issuers": (issuer,), "http": {"timeout": 2}}), environ={}).issuers
    assert ("orders",) == issuer_read.audience
    assert str is type(issuer_read.name)


def test_something_else_is_no_source() -> None:
    """A list is refused with the name of its type."""
    assert "a configuration cannot be a list. Give a mapping or a path" == str(refused([]))


def test_the_environment_alone_is_enough() -> None:
    """All six variables: whose tokens, where the keys are, and what else there is to say."""
    settings = read_settings(
        environ={
            **THREE,
            "JWTMW_AUDIENCE": "orders, billing",
            "JWTMW_ALGORITHMS": "RS256,ES256",
            "JWTMW_REALM": "shop",
            "JWTMW_LEEWAY": "7.5",
        }
    )
    (issuer,) = settings.issuers
    assert ("https://id.example/", "https://id.example/") == (issuer.name, issuer.issuer)
    assert ("orders", "billing") == issuer.audience
    assert ("RS256", "ES256") == issuer.algorithms
    assert ("shop", 7.5, 7.5) == (settings.realm, settings.leeway, issuer.leeway)
    assert isinstance(issuer.key_material, JwksUrl)
    assert "https://id.example/jwks" == issuer.key_material.url
    assert (True, True, False) == (settings.secure, settings.inbound, settings.report_only)


@pytest.mark.parametrize(
    ("environ", "key", "message"),
    [
        ({"JWTMW_AUDIENCE": "orders"}, "JWTMW_ISSUER", "Set JWTMW_ISSUER; where there is no issuer"),
        ({"JWTMW_REALM": "a"}, "JWTMW_ISSUER", "Set JWTMW_ISSUER and JWTMW_AUDIENCE; where there is no issuer"),
        ({"JWTMW_JWKS_URL": "https://id.example/jwks"}, "JWTMW_ISSUER", "Set JWTMW_ISSUER and JWTMW_AUDIENCE; "),
        ({**THREE, "JWTMW_JWKS_URL": "", "JWTMW_ISSUER": "corp"}, "JWTMW_ISSUER", "OpenID discovery could find keys"),
        ({**THREE, "JWTMW_AUDIENCE": ""}, "JWTMW_AUDIENCE", "Set JWTMW_AUDIENCE"),
        ({**THREE, "JWTMW_AUDIENCE": "a,,b"}, "JWTMW_AUDIENCE", "blanks around it"),
        ({**THREE, "JWTMW_AUDIENCE": "a*"}, "JWTMW_AUDIENCE", "write each in full"),
        ({**THREE, "JWTMW_ISSUER": "a\n"}, "JWTMW_ISSUER", "control characters"),
        ({**THREE, "JWTMW_JWKS_URL": "http://id.example/"}, "JWTMW_JWKS_URL", "https"),
        ({**THREE, "JWTMW_ALGORITHMS": "RS256,es256"}, "JWTMW_ALGORITHMS", 'Did you mean "ES256"'),
        ({**THREE, "JWTMW_REALM": "a\r\nb"}, "JWTMW_REALM", "printable ASCII"),
        ({**THREE, "JWTMW_LEEWAY": "nan"}, "JWTMW_LEEWAY", "Set JWTMW_LEEWAY=30"),
        ({**THREE, "JWTMW_LEEWAY": "301"}, "JWTMW_LEEWAY", "0 to 300 seconds"),
        ({**THREE, "JWTMW_SECURE": "False"}, "JWTMW_SECURE", "Set JWTMW_SECURE=true or JWTMW_SECURE=false"),
        ({"JWTMW_CONFIG": "nowhere.toml"}, "JWTMW_CONFIG", "nowhere.toml cannot be read: No such file"),
        ({"JWTMW_CONFIG": "no\0where"}, "JWTMW_CONFIG", "no file can have this name"),
        ({}, "", "Set JWTMW_ISSUER and JWTMW_AUDIENCE, give a configuration, "),
        ({"JWTMW_ISSUER": ""}, "", "set JWTMW_SECURE=false"),
    ],
)
def test_what_is_wrong_with_a_variable_names_it(environ: dict[str, str], key: str, message: str) -> None:
    """A missing or wrong variable is named, with the cure."""
    error = refused(environ=environ)
    assert key == error.key
    assert message in str(error)


def test_two_variables_are_enough() -> None:
    """Issuer and audience without a JWKS URL mean OpenID discovery at the issuer."""
    (issuer,) = read_settings(environ={name: THREE[name] for name in ("JWTMW_ISSUER", "JWTMW_AUDIENCE")}).issuers
    assert isinstance(issuer.key_material, MetadataUrl)
    assert "https://id.example/.well-known/openid-configuration" == issuer.key_material.url


@pytest.mark.parametrize(
    ("issuer", "discovery_url", "expected"),
    [
        ("https://id.example", None, "https://id.example/.well-known/openid-configuration"),
        ("https://id.example/realms/a/", None, "https://id.example/realms/a/.well-known/openid-configuration"),
        ("http://127.0.0.1:8080", None, "http://127.0.0.1:8080/.well-known/openid-configuration"),
        ("corp", "https://id.example/m?x=1", "https://id.example/m?x=1"),
    ],
)
def test_where_the_metadata_is(issuer: str, discovery_url: str | None, expected: str) -> None:
    """Behind the issuer, of which a final slash is left out, or where discovery_url says."""
    raw = changed({"issuers[0].issuer": issuer, "issuers[0].jwks_url": None})
    if discovery_url:
        raw["issuers"][0]["discovery_url"] = discovery_url
    raw["issuers"][0]["key_source"] = {"ttl": 60}
    (read,) = read_settings(raw, environ={}).issuers
    assert isinstance(read.key_material, MetadataUrl)
    assert expected == read.key_material.url


def test_discovery_in_non_secure_mode_asks_nothing_of_the_issuer() -> None:
    """No key material is made where nothing is judged."""
    environ = {"JWTMW_ISSUER": "https://id.example/", "JWTMW_AUDIENCE": "orders", "JWTMW_SECURE": "false"}
    assert [None] == [issuer.key_material for issuer in read_settings(environ=environ).issuers]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            b"a = 1\nrealm = \n", "orders.toml: is not TOML: Invalid value (at line 2, column 9)", id="syntax"
        ),
        pytest.param(b'a = "b"\nb = "\xff"', "orders.toml: line 2 is not UTF-8. Correct the file", id="bytes"),
        pytest.param(b"leeway = " + b"9" * 5000, "orders.toml: is not TOML: ", id="huge-integer"),
        pytest.param(
            b"[cache]\nsice = 1\n", "cache.sice: there is no such key (in orders.toml). Did you mean", id="key"
        ),
        pytest.param(b"leeway = 500\n", "leeway: must be 0 to 300 seconds (in orders.toml). Write", id="value"),
        pytest.param(b'realm = "$ENV://NONE"', "realm: $ENV://NONE is not set (in orders.toml). Set", id="reference"),
    ],
)
def test_errors_of_a_file_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    """What is no TOML is told with file and line, what is wrong in it with file and key."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.toml").write_bytes(content)
    assert message in str(refused("orders.toml"))


def test_a_missing_file_is_named() -> None:
    """The path as given is in the message."""
    assert "nowhere.toml: the file nowhere.toml cannot be read: No such file" in str(refused("nowhere.toml"))


# What the toggles say, over what the configuration says.


def modes(settings: Settings) -> tuple[bool, bool, bool]:
    return settings.secure, settings.inbound, settings.report_only


@pytest.mark.parametrize(
    ("changes", "environ", "expected"),
    [
        ({}, {}, (True, True, False)),
        ({}, {"JWTMW_SECURE": ""}, (True, True, False)),
        ({"secure": False}, {}, (False, True, False)),
        ({"secure": False}, {"JWTMW_SECURE": ""}, (False, True, False)),
        ({"secure": False}, {"JWTMW_SECURE": "true"}, (True, True, False)),
        ({}, {"JWTMW_SECURE": "false"}, (False, True, False)),
        ({"secure_env": "STORE"}, {"STORE": "false"}, (False, True, False)),
        ({"secure_env": "STORE"}, {"JWTMW_SECURE": "false"}, (True, True, False)),
        ({"secure_env": ""}, {"JWTMW_SECURE": "false"}, (True, True, False)),
        ({"require_secure": True, "secure": False}, {"JWTMW_SECURE": "true"}, (True, True, False)),
        ({}, {"JWTMW_REPORT_ONLY": "true"}, (True, True, True)),
        ({"report_only": True}, {}, (True, True, True)),
        ({"report_only": True}, {"JWTMW_REPORT_ONLY": "false"}, (True, True, False)),
        ({"inbound": False}, {}, (True, False, False)),
        ({"disable_inbound_env": "OFF"}, {}, (True, True, False)),
        ({"disable_inbound_env": "OFF"}, {"OFF": "true"}, (True, False, False)),
        ({"disable_inbound_env": "OFF", "inbound": False}, {"OFF": ""}, (True, False, False)),
        ({"disable_inbound_env": "OFF", "inbound": False}, {"OFF": "false"}, (True, True, False)),
    ],
)
def test_toggles_override_the_configuration(
    changes: dict[str, Any], environ: dict[str, str], expected: tuple[bool, bool, bool]
) -> None:
    """`true` and `false` win over the configuration; unset and empty leave it."""
    assert expected == modes(read_settings(changed(changes), environ=environ))


@pytest.mark.parametrize("text", ["False", "0", " false", "no", "false\n", "TRUE"])
@pytest.mark.parametrize("name", ["JWTMW_SECURE", "JWTMW_REPORT_ONLY", "OFF", "STORE"])
def test_any_other_text_refuses_to_start(name: str, text: str) -> None:
    """A toggle that is not exactly true or false is named."""
    raw = changed({"disable_inbound_env": "OFF", "secure_env": "STORE" if name == "STORE" else "JWTMW_SECURE"})
    error = refused(raw, {name: text})
    assert (name, "must be exactly true or false") == (error.key, error.problem)
    assert f"Set {name}=true or {name}=false" in error.cure


def test_require_secure_names_who_switched_off() -> None:
    """With `require_secure`, secure off does not start; the message says what switched it off."""
    error = refused(changed({"require_secure": True}), {"JWTMW_SECURE": "false"})
    assert "require_secure: is true, but JWTMW_SECURE switches the checks off. Drop JWTMW_SECURE" == str(error)


# Non-secure mode.


@pytest.mark.parametrize("environ", [{}, {"JWTMW_ISSUER": "a"}, {"JWTMW_REALM": "shop"}])
def test_non_secure_needs_nothing(environ: dict[str, str]) -> None:
    """With JWTMW_SECURE=false a service starts without an issuer, also with some variables only."""
    settings = read_settings(environ={**environ, "JWTMW_SECURE": "false"})
    assert (False, ()) == (settings.secure, settings.issuers)


def test_non_secure_resolves_no_reference_and_reads_no_file() -> None:
    """References that cannot be resolved, and files that are not there, do not matter; their values are not judged."""
    raw = changed({"issuers[0].jwks_url": None, "issuers[0].jwks_file": "nowhere", "http.ca_file": "nowhere"})
    raw["issuers"].append(
        {"name": "b", "issuer": "$ENV://NONE", "audience": ["$FILE:///nowhere"], "secret": "$secret://vault/a/b"}
    )
    raw["issuers"][1] |= {"token_from": [{"header": "$ENV://NONE"}], "secret_encoding": "$ENV://NONE"}
    first, second = read_settings({**raw, "secure": False}, environ={}).issuers
    assert (None, None) == (first.key_material, second.key_material)


def test_non_secure_hands_no_unresolved_reference_on() -> None:
    """Where a reference stands, the default holds; a rule with one is left out: nothing is judged by it anyway."""
    raw = changed({"secure": False, "realm": "$ENV://NONE", "default": "$ENV://NONE", "error_format": "empty"})
    raw |= {"http": {"timeout": 2, "proxy": "$ENV://NONE"}}
    raw["rules"] += [{"path": "/a", "scopes": ["$ENV://NONE"]}, {"path": "/b", "allow": "$ENV://NONE"}]
    settings = read_settings(raw, environ={})
    assert ("api", "authenticated", "empty") == (settings.realm, settings.default, settings.error_format)
    assert (["/orders"], 5) == ([rule.path for rule in settings.rules], settings.http.timeout)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"cache.sice": 1}, "cache.sice"),
        ({"cache.size": "1"}, "cache.size"),
        ({"cache.size": -1}, "cache.size"),
        ({"issuers[0].profile": "keyclock"}, "issuers[0].profile"),
        ({"issuers[0].algorithms": ["none"]}, "issuers[0].algorithms[0]"),
        ({"secure_env": "$ENV://NAME"}, "secure_env"),
    ],
)
def test_non_secure_still_refuses_a_wrong_configuration(changes: dict[str, Any], key: str) -> None:
    """A configuration that could not work in secure mode is refused before it gets there."""
    assert key == refused(changed({**changes, "secure": False})).key


# No issuers.


@pytest.mark.parametrize(
    ("raw", "starts"),
    [
        ({}, False),
        ({"default": "public"}, True),
        ({"default": "deny"}, True),
        ({"inbound": False}, True),
        ({"default": "public", "rules": [{"path": "/"}]}, False),
        ({"default": "public", "rules": [{"path": "/", "allow": "optional"}]}, False),
        ({"default": "deny", "rules": [{"path": "/", "allow": "public"}]}, True),
    ],
)
def test_without_an_issuer_nothing_may_need_a_token(raw: dict[str, Any], starts: bool) -> None:
    """A configuration by which nobody could pass a route that wants a token does not start."""
    if starts:
        assert () == read_settings(raw, environ={}).issuers
    else:
        assert "issuers" == refused(raw).key


# Variables that nothing reads.


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert {("jwtmw.settings", logging.WARNING)} >= {(record.name, record.levelno) for record in caplog.records}
    return [record.getMessage() for record in caplog.records]


def test_unread_variables_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """An unknown JWTMW_ variable, and one beside another source, is a WARNING that shows no value."""
    environ = {"JWTMW_AUDIENSE": "canary", "JWTMW_ISSUER": "canary", "JWTMW_ZZZZ": "", "JWTMW_REALM": "", "OTHER": "a"}
    read_settings(GOOD, environ=environ)
    assert [
        "JWTMW_AUDIENSE is no variable of jwtmw; did you mean JWTMW_AUDIENCE?",
        "JWTMW_ISSUER is set but not used: the configuration comes from mapping",
        "JWTMW_ZZZZ is no variable of jwtmw",
    ] == warnings(caplog)


def test_a_source_and_a_toggle_that_are_passed_over_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """JWTMW_CONFIG beside an argument, JWTMW_SECURE beside another toggle: that they do nothing is told."""
    read_settings(changed({"secure_env": "STORE"}), environ={"JWTMW_CONFIG": "a.toml", "JWTMW_SECURE": "false"})
    assert [
        "JWTMW_CONFIG is set but not used: the configuration comes from mapping",
        "JWTMW_SECURE is set but not used: secure_env does not name it",
    ] == warnings(caplog)


def test_variables_that_are_read_are_not_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Toggles, the file's variable, configured toggles and variables behind references are silent."""
    file = tmp_path / "orders.toml"
    file.write_text(
        'realm = "$ENV://JWTMW_SHOP"\nsecure_env = "JWTMW_ON"\ndisable_inbound_env = "JWTMW_OFF"\n'
        + TOML.split("\n", 2)[2],
        encoding="utf-8",
    )
    toggles = {"JWTMW_ON": "true", "JWTMW_OFF": "false", "JWTMW_REPORT_ONLY": "true"}
    read_settings(environ={**toggles, "JWTMW_CONFIG": str(file), "JWTMW_SHOP": "shop"})
    read_settings(environ={**THREE, "JWTMW_SECURE": "true"})
    assert [] == warnings(caplog)


def test_a_secret_in_a_file_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A secret that stands in the TOML file itself is a WARNING; one by reference, or in a mapping, is none."""
    file = tmp_path / "orders.toml"
    issuer = '[[issuers]]\nissuer = "{0}"\naudience = ["orders"]\nsecret = "{1}"\n'
    file.write_text(issuer.format("a", SECRET) + issuer.format("b", "$ENV://SECRET"), encoding="utf-8")
    read_settings(file, environ={"SECRET": SECRET})
    read_settings(changed(SHARED), environ={})
    assert [f"issuers[0].secret stands in {file} itself; a reference would keep it out"] == warnings(caplog)
