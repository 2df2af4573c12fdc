"""`jwtmw check`: what it shows, what it complains about, and its exit status."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from jwtmw.cli import main
from jwtmw.testing import Signer, TestIssuer

GOOD = """
[[issuers]]
name = "corp"
issuer = "https://id.example/"
audience = ["orders", "billing"]
jwks_url = "https://id.example/jwks?key=hush"
algorithms = ["RS256", "ES256"]

[[issuers]]
issuer = "https://partner.example/"
require_audience = false
public_key = "$ENV://PARTNER_KEY"

[[issuers]]
name = "tools"
issuer = "https://tools.example/"
audience = ["orders"]
secret = "$ENV://TOOLS_SECRET"

[[issuers]]
name = "fixed"
issuer = "https://fixed.example/"
audience = ["orders"]
jwks_file = "fixed.json"

[[rules]]
path = "/orders/{id}"
methods = ["PUT", "GET"]
scopes = ["orders:read"]

[[rules]]
path = "/payments"
body = "sha-256"
single_use = true

[[rules]]
path = "/health"
allow = "public"
"""
ISSUER = '[[issuers]]\nissuer = "https://id.example/"\naudience = ["orders"]\njwks_url = "https://id.example/jwks"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a key set in it; keys and secrets of the configurations are in the environment."""
    (tmp_path / "fixed.json").write_text(json.dumps({"keys": [Signer().public_jwk]}))
    monkeypatch.setenv("PARTNER_KEY", Signer().public_pem)
    monkeypatch.setenv("TOOLS_SECRET", Signer("HS256").secret.decode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(config: str, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """The exit status, and what is printed; nothing is on stderr."""
    Path("jwtmw.toml").write_text(config)
    status = main(["check", "--config", "jwtmw.toml", *options])
    out, err = capsys.readouterr()
    assert "" == err
    return status, out


@pytest.mark.usefixtures("folder")
def test_consumers_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """How many there are, or that a store holds them; none by its name or key, and no store is needed to say so."""
    entry = '[[issuers]]\nname = "{0}"\nrequire_issuer = {1}\naudience = ["orders"]\n'
    canary = '{ name = "canary", key = "canary-key", secret = "$ENV://TOOLS_SECRET" }'
    listed = f"{entry.format('shops', 'false')}consumers = [{canary}]\n"
    stored = f'{entry.format("stored", "true")}issuer = "https://stored.example/"\nconsumer_store = {{}}\n'
    status, out = checked(listed + stored, capsys)
    assert 0 == status
    assert "1 consumers" in out
    assert "consumers in a store" in out
    assert "canary" not in out


@pytest.mark.usefixtures("folder")
def test_an_issuer_that_is_asked_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Where it is asked, without a query; neither this service's name there nor its secret."""
    client = 'client_id = "canary", client_secret = "$ENV://TOOLS_SECRET"'
    asked = f'{{ url = "https://id.example/introspect?a=canary", {client} }}'
    config = f'[[issuers]]\nissuer = "https://id.example/"\naudience = ["orders"]\nintrospection = {asked}\n'
    status, out = checked(config, capsys)
    assert 0 == status
    assert "any: the issuer looks at signatures  asked at https://id.example/introspect\n" in out
    assert "canary" not in out


@pytest.mark.usefixtures("folder")
def test_who_remembers_used_tokens_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """The store, and nothing of where it is."""
    store = 'replay = { store = "redis", url = "redis://:canary@127.0.0.1:9/0" }\n'
    status, out = checked(f'{store}{ISSUER}[[rules]]\npath = "/once"\nsingle_use = true\n', capsys)
    assert "single use  remembered in Redis, for a fleet\n" in out
    assert "\n/once  all      authenticated  for one use\n" in out
    assert "canary" not in out
    assert 1 == status


@pytest.mark.usefixtures("folder")
def test_a_vault_that_is_asked_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Where it is asked; not as whom."""
    login = 'userpass = { username = "canary", password = "$ENV://TOOLS_SECRET" }'
    config = f'[vault.main]\nurl = "https://vault.example"\n{login}\n[[issuers]]\nissuer = "https://vault.example/a"\n'
    status, out = checked(
        f'{config}audience = ["orders"]\nvault = {{ name = "main", verify = "introspection" }}\n', capsys
    )
    assert 0 == status
    assert "asked at https://vault.example/v1/identity/oidc/introspect\n" in out
    assert "canary" not in out


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("secure", "lines"),
    [
        (
            "true",
            [
                "herald static JWT https://herald.example https://herald.example:8443",
                "census pass_on Authorization: Bearer https://census.example",
            ],
        ),
        ("false", ["herald nothing is added any", "census nothing is added any"]),
    ],
)
def test_calls_to_other_services_are_shown(secure: str, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What they carry, in which header, and to which hosts; not the token."""
    calls = f"""
        secure = {secure}
        [outgoing.herald]
        source = "static"
        token = "$ENV://TOOLS_SECRET"
        header = "JWT"
        scheme = ""
        hosts = ["https://herald.example", "https://herald.example:8443"]
        [outgoing.census]
        source = "pass_on"
        hosts = ["https://census.example"]
        [[issuers]]
        issuer = "https://id.example/"
        audience = ["orders"]
    """
    _, out = checked(calls, capsys)
    shown = [line for line in out.splitlines() if line.startswith(("herald", "census"))]
    assert lines == [" ".join(line.split()) for line in shown]


@pytest.mark.usefixtures("folder")
def test_a_configuration_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Mode, default, issuers and rules; no secret, no key, no query of a URL."""
    expected = """\
source      file jwtmw.toml
mode        secure: every request is judged
default     authenticated: a valid token, where neither a rule nor a mark speaks
single use  remembered by each process alone

issuer                    audience         algorithms                            keys
corp                      orders, billing  RS256, ES256                          https://id.example/jwks
https://partner.example/  any              every asymmetric one that a key fits  in the configuration
tools                     orders           HS256                                 a secret
fixed                     orders           every asymmetric one that a key fits  in the configuration

rule          methods  allow          wants
/health       all      public
/orders/{id}  GET PUT  authenticated  scope orders:read
/payments     all      authenticated  bound to the body by sha-256, for one use

nothing to complain about
"""
    assert (0, expected) == checked(GOOD, capsys)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("config", "mode", "complaint"),
    [
        pytest.param("secure = false", "non-secure: every request passes", "non-secure mode: every", id="secure"),
        pytest.param(
            "inbound = false", "inbound is off: every request passes", "inbound is off: requests", id="inbound"
        ),
        pytest.param(
            "report_only = true", "report-only: every request is judged, and passes", "report-only", id="report"
        ),
        pytest.param("expose_reason = true", "secure:", "expose_reason is on: callers are told", id="expose_reason"),
        pytest.param('default = "public"', "secure:", "default is public: an endpoint that nobody", id="default"),
        pytest.param('rules = [{path="/a", report_only=true}]', "secure:", "the rule for /a is report_only", id="rule"),
    ],
)
def test_what_is_not_fit_for_production_is_a_complaint(
    config: str, mode: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever left a switch of development on hears of it once, and the status is 1."""
    status, out = checked(f"{config}\n{ISSUER}", capsys)
    assert 1 == status
    assert f"\nmode     {mode}" in out
    assert [f"- {complaint}"] == [line[: len(complaint) + 2] for line in out.splitlines() if line.startswith("- ")]


@pytest.mark.usefixtures("folder")
def test_a_short_secret_is_a_complaint_and_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a service would warn of at its start is complained about here."""
    monkeypatch.setenv("TOOLS_SECRET", "too-short-a-thing")
    config = '[[issuers]]\nissuer = "https://t.example"\naudience = ["a"]\nsecret = "$ENV://TOOLS_SECRET"\n'
    status, out = checked(config + "allow_short_secret = true\n", capsys)
    assert 1 == status
    assert "- issuers[0].secret: " in out
    assert "too-short-a-thing" not in out


@pytest.mark.usefixtures("folder")
def test_in_non_secure_mode_there_are_no_keys(capsys: pytest.CaptureFixture[str]) -> None:
    """References and key files are not read there, and nothing is fetched."""
    status, out = checked(f"secure = false\n{ISSUER}", capsys, "--fetch")
    assert 1 == status
    assert "not read in non-secure mode\n\n- non-secure" in out


@pytest.mark.usefixtures("folder")
def test_a_configuration_that_cannot_work_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    """The error names the key and the cure, as at the start of a service."""
    Path("jwtmw.toml").write_text('realm = ""')
    assert 2 == main(["check", "--config", "jwtmw.toml"])
    assert capsys.readouterr().err.startswith("jwtmw: realm: ")


def test_the_environment_is_checked_without_an_option(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration is the one that the service itself would load."""
    for name, value in {"ISSUER": "https://id.example/", "AUDIENCE": "a", "JWKS_URL": "https://id.example/j"}.items():
        monkeypatch.setenv(f"JWTMW_{name}", value)
    assert 0 == main(["check"])
    assert "source   environment\n" in capsys.readouterr().out


def test_the_keys_are_fetched_if_asked_for(
    jwtmw_serving_issuer: TestIssuer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each published key is shown by kid, with the algorithms that count; the one key that does not fit is said so."""
    issuer = jwtmw_serving_issuer
    second = issuer.rotate("RS256")
    first = issuer.jwks()["keys"][0]["kid"]
    status, out = fetched(issuer, tmp_path, capsys, 'algorithms = ["ES256"]')
    assert 0 == status
    assert f"corp    '{first}'  EC    ES256\n" in out
    assert f"corp    '{second.kid}'  RSA   none that this issuer may use\n" in out


def test_keys_are_fetched_by_discovery_too(
    jwtmw_serving_issuer: TestIssuer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An issuer without a URL of its keys is asked where they are, as a service asks it."""
    issuer = jwtmw_serving_issuer
    config = tmp_path / "jwtmw.toml"
    config.write_text(f'[[issuers]]\nname = "corp"\nissuer = "{issuer.issuer}"\naudience = ["orders"]\n')
    assert 0 == main(["check", "--config", str(config), "--fetch"])
    out = capsys.readouterr().out
    assert f"corp    orders    every asymmetric one that a key fits  {issuer.discovery_url}\n" in out
    assert f"corp    '{issuer.signer.kid}'  EC    ES256\n" in out


def test_keys_that_cannot_be_had_are_a_complaint(
    jwtmw_serving_issuer: TestIssuer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An issuer that does not answer is named, with the reason."""
    jwtmw_serving_issuer.broken(500)
    status, out = fetched(jwtmw_serving_issuer, tmp_path, capsys)
    assert 1 == status
    assert "- issuer corp: no keys can be had: status 500: not a success\n" in out


def test_keys_that_no_token_can_use_are_a_complaint(
    jwtmw_serving_issuer: TestIssuer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where none of the published keys fits the issuer's algorithms, every token would be refused."""
    status, out = fetched(jwtmw_serving_issuer, tmp_path, capsys, 'algorithms = ["RS256"]')
    assert 1 == status
    assert "- issuer corp: none of its keys fits its algorithms\n" in out


def test_a_published_key_that_is_skipped_is_a_complaint(
    jwtmw_serving_issuer: TestIssuer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A set with one bad key serves, and the bad one is named by its place and fault."""
    keys = {"keys": [*jwtmw_serving_issuer.jwks()["keys"], {"kty": "oct", "k": "aHVzaA"}]}
    jwtmw_serving_issuer.broken(200, json.dumps(keys).encode())
    status, out = fetched(jwtmw_serving_issuer, tmp_path, capsys)
    assert 1 == status
    assert "- issuer corp: a published key is not used: keys[1]: " in out


def fetched(issuer: TestIssuer, folder: Path, capsys: pytest.CaptureFixture[str], *lines: str) -> tuple[int, str]:
    """`jwtmw check --fetch` of a configuration with this issuer."""
    config = folder / "jwtmw.toml"
    start = f'[[issuers]]\nname = "corp"\nissuer = "{issuer.issuer}"\naudience = ["orders"]\n'
    config.write_text("\n".join([f'{start}jwks_url = "{issuer.jwks_url}"', *lines]))
    return main(["check", "--config", str(config), "--fetch"]), capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_the_log_is_left_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings are taken from the log while the configuration loads, and no longer, also where it does not load."""
    logger = logging.getLogger("jwtmw")
    before = [*logger.handlers], logger.propagate
    checked(GOOD, capsys)
    Path("jwtmw.toml").write_text("realm = 1")
    assert 2 == main(["check", "--config", "jwtmw.toml"])
    assert before == (logger.handlers, logger.propagate)
