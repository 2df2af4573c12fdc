"""What `Settings` holds once everything is checked and filled in, and combinations of keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jwtmw.errors import ConfigurationError
from jwtmw.settings import Issuer, JwkSet, JwksUrl, KeySource, Location, Pem, Secret, read_settings
from tests.issuers.material import jwk, pem, private_key
from tests.settings.configurations import GOOD, SECRET, SHARED, changed

WITHOUT_KEYS = {"issuers[0].jwks_url": None}


def issuer(changes: dict[str, Any], environ: dict[str, str] | None = None) -> Issuer:
    return read_settings(changed(changes), environ=environ or {}).issuers[0]


def refused(raw: dict[str, Any]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(raw, environ={})
    return caught.value


def test_defaults_are_filled_in() -> None:
    """An issuer with the required keys alone has all of the others."""
    plain = issuer({"issuers[0].name": None, "leeway": 10})
    assert "https://id.example/" == plain.name
    assert ("at+jwt", "jwt", "") == plain.token_types
    asymmetric = "ES256 ES384 ES512 Ed25519 EdDSA PS256 PS384 PS512 RS256 RS384 RS512"
    assert tuple(asymmetric.split()) == plain.algorithms
    assert (("scope", "scp"), "roles", ()) == (plain.scope_claim, plain.roles_claim, plain.required_claims)
    assert (10, KeySource(), (), None) == (plain.leeway, plain.key_source, plain.subjects, plain.token_from)
    assert (None, None, True) == (plain.max_lifetime, plain.max_age, plain.require_expiry)
    settings = read_settings(GOOD, environ={})
    assert (Location(header="Authorization", scheme="Bearer"),) == settings.token_from
    assert (10000, 300, 5, 8192, 30) == (
        settings.cache.size,
        settings.cache.max_age,
        settings.http.timeout,
        settings.max_token_bytes,
        settings.leeway,
    )


def test_what_is_written_is_kept() -> None:
    """Values that are given are those that hold; types are compared without case and `application/`."""
    written = issuer(
        {
            "issuers[0].leeway": 0,
            "issuers[0].algorithms": ["ES256"],
            "issuers[0].token_types": ["Application/AT+JWT", "application/a/b"],
            "issuers[0].subjects": ["a*", "*"],
            "issuers[0].key_source.ttl": 60,
        }
    )
    assert (0, ("ES256",), ("at+jwt", "application/a/b")) == (written.leeway, written.algorithms, written.token_types)
    assert (("a*", "*"), KeySource(ttl=60)) == (written.subjects, written.key_source)


def test_an_audience_may_be_waived_and_an_issuer_too() -> None:
    """`require_audience = false` and `require_issuer = false` are explicit; the latter needs a name."""
    waived = {"issuers[0].audience": None, "issuers[0].require_audience": False}
    nameless = {"issuers[0].issuer": None, "issuers[0].require_issuer": False}
    read = issuer(waived | nameless)
    assert ((), None, "corp") == (read.audience, read.issuer, read.name)


@pytest.mark.parametrize(
    ("second", "key"),
    [
        pytest.param({"issuer": "https://id.example/", "name": "other"}, "issuers[1].issuer", id="issuer"),
        pytest.param({"issuer": "https://other.example/", "name": "corp"}, "issuers[1].name", id="name"),
        pytest.param({"issuer": "corp"}, "issuers[1].name", id="default-name"),
    ],
)
def test_two_issuers_are_told_apart(second: dict[str, Any], key: str) -> None:
    """The same issuer or the same name twice is refused; the message names the first."""
    raw = changed({})
    raw["issuers"].append({"audience": ["orders"], "jwks_url": "https://id.example/jwks", **second})
    assert f"{key}: issuers[0] has the same. One entry per issuer, each with its own name" == str(refused(raw))


@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_no_issuer_is_named_as_another_ones_iss(first: bool) -> None:
    """Tokens without `iss` are known by that name: a rule for the one would let in the callers of the other."""
    raw = changed({})
    borrower = {"name": "https://id.example/", "require_issuer": False, "audience": ["orders"]}
    raw["issuers"].insert(0 if first else 1, borrower | {"secret": "correct horse battery staple, and more"})
    key, owner = (f"issuers[{index}]" for index in ((0, 1) if first else (1, 0)))
    problem = f"is the issuer of {owner}, and its callers would be taken for that one's"
    assert f"{key}.name: {problem}. Name it otherwise" == str(refused(raw))


def test_rules_name_issuers() -> None:
    """By name, and by the issuer itself where it has no name of its own."""
    raw = changed(
        {"rules[0].issuers": ["corp"], "rules[0].any_of": [{"issuers": ["b"], "claims": {"a": 1, "b": [True]}}]}
    )
    raw["issuers"].append({"issuer": "b", "audience": ["orders"], "jwks_url": "https://b.example/jwks"})
    (rule,) = read_settings(raw, environ={}).rules
    assert rule.any_of is not None
    (alternative,) = rule.any_of
    assert (("corp",), ("b",)) == (rule.issuers, alternative.issuers)


# Key material.


def test_a_public_key_is_carried_as_text(tmp_path: Path) -> None:
    """Inline, by reference, and from a file beside the TOML file: the same PEM text."""
    text = pem("P-256")
    (tmp_path / "id.pem").write_text(text, encoding="utf-8")
    file = tmp_path / "orders.toml"
    file.write_text('[[issuers]]\nissuer = "a"\naudience = ["b"]\npublic_key_file = "id.pem"\n', encoding="utf-8")
    found = [
        issuer({**WITHOUT_KEYS, "issuers[0].public_key": text}).key_material,
        issuer({**WITHOUT_KEYS, "issuers[0].public_key": "$ENV://KEY"}, {"KEY": text}).key_material,
        issuer({**WITHOUT_KEYS, "issuers[0].public_key": f"$FILE://{tmp_path}/id.pem"}).key_material,
        read_settings(file, environ={}).issuers[0].key_material,
    ]
    assert [text.strip()] * 4 == [material.text.strip() for material in found if isinstance(material, Pem)]


def test_a_key_set_is_carried_as_a_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inline, and from a file: relative to the working directory where the configuration is a mapping."""
    document = {"keys": [jwk("P-256", kid="a")]}
    (tmp_path / "jwks.json").write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for changes in ({"issuers[0].jwks": document}, {"issuers[0].jwks_file": Path("jwks.json")}):
        material = issuer({**WITHOUT_KEYS, **changes}).key_material
        assert isinstance(material, JwkSet)
        assert document == material.document


@pytest.mark.parametrize("content", ["[]", '{"keys": {}}', '{"keys": [], "keys": []}', "{", "[" * 100_000, '"a"'])
def test_a_file_that_is_no_key_set_is_refused(tmp_path: Path, content: str) -> None:
    """One strict JSON document with a list of keys, nothing else."""
    (tmp_path / "jwks.json").write_text(content, encoding="utf-8")
    error = refused(changed({**WITHOUT_KEYS, "issuers[0].jwks_file": str(tmp_path / "jwks.json")}))
    assert "issuers[0].jwks_file" == error.key
    assert "not a JWK set" in error.problem
    assert 'Name a file with {"keys": [...]}' == error.cure


@pytest.mark.parametrize("key", ["public_key", "public_key_file"])
def test_a_private_key_is_no_public_key(tmp_path: Path, key: str) -> None:
    """The message says that the key is private, and does not show it."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    text = private_key("P-256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (tmp_path / "id.pem").write_text(text, encoding="utf-8")
    value = text if key == "public_key" else str(tmp_path / "id.pem")
    error = refused(changed({**WITHOUT_KEYS, f"issuers[0].{key}": value}))
    assert f"issuers[0].{key}" == error.key
    assert "a private key: give only the public one" in error.problem
    assert text.splitlines()[1] not in str(error)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        (None, SECRET),
        ("base64", "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZSwgYW5kIG1vcmU="),
        ("base64", "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZSwgYW5kIG1vcmU"),
        ("base64url", "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZSwgYW5kIG1vcmU"),
        ("hex", SECRET.encode().hex()),
    ],
)
def test_a_secret_is_decoded(encoding: str | None, text: str) -> None:
    """As UTF-8, base64 and base64url with or without padding, and hex."""
    material = issuer(
        {**SHARED, "issuers[0].secret": text, "issuers[0].secret_encoding": encoding or None}
        if encoding
        else {**SHARED, "issuers[0].secret": text}
    ).key_material
    assert isinstance(material, Secret)
    assert SECRET.encode() == material.value


@pytest.mark.parametrize(
    ("encoding", "last", "decoded"), [("base64", "+/+/", b"\xfb\xff\xbf"), ("base64url", "-_-_", b"\xfb\xff\xbf")]
)
def test_the_two_alphabets_are_kept_apart(encoding: str, last: str, decoded: bytes) -> None:
    """Base64 has + and /, base64url has - and _; the other's are refused."""
    changes = {**SHARED, "issuers[0].secret": "A1b2" * 11 + last, "issuers[0].secret_encoding": encoding}
    material = issuer(changes).key_material
    assert isinstance(material, Secret)
    assert material.value.endswith(decoded)
    other = {"base64": "base64url", "base64url": "base64"}[encoding]
    error = refused(changed({**changes, "issuers[0].secret_encoding": other}))
    assert ("issuers[0].secret", f"is not {other}") == (error.key, error.problem)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"issuers[0].secret": ""}, "empty"),
        ({"issuers[0].secret": "secret"}, "well-known"),
        ({"issuers[0].secret": "ChangeMe"}, "well-known"),
        ({"issuers[0].secret": "your-256-bit-secret"}, "well-known"),
        ({"issuers[0].secret": "a-string-secret-at-least-256-bits-long"}, "everybody knows"),
        ({"issuers[0].secret": "a" * 31}, "guess"),
        ({"issuers[0].secret": "ab" * 15}, "32 bytes"),
        ({"issuers[0].secret": "ab" * 23, "issuers[0].algorithms": ["HS384"]}, "48 bytes"),
        ({"issuers[0].secret": "ab" * 30, "issuers[0].algorithms": ["HS256", "HS512"]}, "64 bytes"),
        ({"issuers[0].secret": "\ud800" * 40}, "is not text"),
        ({"issuers[0].secret": "ab" * 32 + "=", "issuers[0].secret_encoding": "base64"}, "is not base64"),
        ({"issuers[0].secret": "é" * 32, "issuers[0].secret_encoding": "base64url"}, "is not base64url"),
        ({"issuers[0].secret": "abc", "issuers[0].secret_encoding": "hex"}, "is not hex"),
        ({"issuers[0].secret": pem("P-256")}, "PEM"),
        ({"issuers[0].secret": pem("P-256"), "issuers[0].allow_short_secret": True}, "PEM"),
        ({"issuers[0].secret": pem("P-256").encode().hex(), "issuers[0].secret_encoding": "hex"}, "PEM"),
        ({"issuers[0].secret": json.dumps(jwk("P-256"))}, "JWK"),
    ],
)
def test_a_bad_secret_is_refused(changes: dict[str, Any], problem: str) -> None:
    """Empty, well-known, short for its hash, undecodable, or a key of another kind: said, not shown."""
    error = refused(changed({**SHARED, **changes}))
    assert "issuers[0].secret" == error.key
    assert problem in error.problem
    assert "openssl rand -hex 64" in error.cure


@pytest.mark.parametrize("secret", ["secret", "short one"])
def test_a_short_secret_may_be_allowed(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    """`allow_short_secret` turns the refusal into a WARNING that does not show the secret."""
    changes = {**SHARED, "issuers[0].secret": secret, "issuers[0].allow_short_secret": True}
    material = issuer(changes).key_material
    assert isinstance(material, Secret)
    assert secret.encode() == material.value
    (record,) = caplog.records
    assert "issuers[0].secret: " in record.getMessage()
    assert record.getMessage().endswith("; allow_short_secret lets it through")
    assert f" {secret};" not in record.getMessage()


def test_a_long_secret_with_allow_short_secret_is_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """The switch alone is nothing to warn of."""
    assert issuer({**SHARED, "issuers[0].allow_short_secret": True}).algorithms == ("HS256",)
    assert [] == caplog.records


@pytest.mark.parametrize(
    "url", ["http://localhost/jwks", "http://127.1.2.3:8000/", "http://[::1]/", "https://id.example/?a=b"]
)
def test_keys_may_come_over_https_or_loopback(url: str) -> None:
    """http is for this machine."""
    assert issuer({"issuers[0].jwks_url": url}).key_material is not None


def test_the_trust_store_is_a_file_beside_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`http.ca_file` is relative as key files are, is looked at, and becomes absolute."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").write_text(certificate(), encoding="utf-8")
    assert str(tmp_path / "ca.pem") == read_settings(changed({"http.ca_file": "ca.pem"}), environ={}).http.ca_file


def certificate() -> str:
    """A certificate that signs itself."""
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    key = private_key("P-256")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
    signed = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("issuer_url", "url"),
    [
        ("https://id.example", "https://id.example/a/keys.json"),
        ("https://id.example/", "https://id.example/a/keys.json"),
        ("https://id.example/tenant", "https://id.example/tenant/a/keys.json"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/a/keys.json"),
    ],
)
def test_keys_may_be_at_a_path_below_the_issuer(issuer_url: str, url: str) -> None:
    """The URL is the configured issuer, less a final slash, and the path; how long keys live can be told."""
    read = issuer(
        {
            **WITHOUT_KEYS,
            "issuers[0].issuer": issuer_url,
            "issuers[0].jwks_path": "/a/keys.json",
            "issuers[0].key_source.ttl": 60,
        }
    )
    assert isinstance(read.key_material, JwksUrl)
    assert (url, KeySource(ttl=60)) == (read.key_material.url, read.key_source)


# Places.

BEARER = {"header": "Authorization", "scheme": "Bearer"}
RAW = {"header": "authorization"}


@pytest.mark.parametrize(
    ("places", "key", "message"),
    [
        pytest.param([BEARER, RAW], "token_from[1]", "with the scheme and scheme_optional = true", id="raw-and-scheme"),
        pytest.param([RAW, BEARER], "token_from[1]", "read raw and with a scheme", id="scheme-and-raw"),
        pytest.param(
            [BEARER, {**RAW, "scheme": "bearer", "scheme_optional": True}],
            "token_from[1]",
            "Write the same in both",
            id="optional-once",
        ),
        pytest.param(
            [{**BEARER, "scheme_optional": True}, {**RAW, "scheme": "JWT", "scheme_optional": True}],
            "token_from[1]",
            "Let one of them be required",
            id="two-optional",
        ),
    ],
)
def test_places_that_claim_the_same_value_are_refused(places: list[Any], key: str, message: str) -> None:
    """One header, read in two ways, would be two credentials; the names of headers have no case."""
    error = refused(changed({"token_from": places}))
    assert key == error.key
    assert message in str(error)
    raw = changed({"issuers[0].token_from": places[:1]})
    raw["issuers"].append({**raw["issuers"][0], "issuer": "b", "name": "b", "token_from": places[1:]})
    assert "issuers[1].token_from[0]" == refused(raw).key


@pytest.mark.parametrize(
    "places",
    [
        pytest.param([BEARER, {"header": "Authorization", "scheme": "JWT"}], id="two-schemes"),
        pytest.param(
            [BEARER, {"header": "Authorization", "scheme": "JWT", "scheme_optional": True}], id="one-optional"
        ),
        pytest.param([BEARER, {"header": "X-Token"}, {"query": "jwt"}, {"subprotocol": "bearer"}], id="all-kinds"),
    ],
)
def test_places_that_can_be_told_apart_are_accepted(places: list[Any]) -> None:
    """Several schemes of one header, several headers, a query parameter and a subprotocol go together."""
    assert len(places) == len(read_settings(changed({"token_from": places}), environ={}).token_from)


def test_the_global_places_count_only_where_an_issuer_uses_them() -> None:
    """An issuer's own places replace the default, so that a raw Authorization header meets no Bearer scheme."""
    raw = changed({"issuers[0].token_from": [RAW]})
    assert (Location(header="authorization"),) == read_settings(raw, environ={}).issuers[0].token_from
    raw["issuers"].append({**GOOD["issuers"][0], "issuer": "b", "name": "b"})
    assert "issuers[0].token_from[0]" == refused(raw).key


def test_two_issuers_may_share_a_place() -> None:
    """The very same place is one place."""
    raw = changed({"issuers[0].token_from": [BEARER]})
    raw["issuers"].append({**raw["issuers"][0], "issuer": "b", "name": "b"})
    assert 2 == len(read_settings(raw, environ={}).issuers)
