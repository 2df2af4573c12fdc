"""`introspection`: what is filled in, and files with private keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jwtmw.errors import ConfigurationError
from jwtmw.settings import IntrospectionUrl, read_settings
from tests.issuers.material import pem, private_pem
from tests.settings.configurations import changed

URL = "https://id.example/introspect"


def filled(**keys: Any) -> Any:
    """The table as the rest of jwtmw gets it."""
    raw = changed({"issuers[0].jwks_url": None, "issuers[0].introspection": {"url": URL, **keys}})
    material = read_settings(raw, environ={}).issuers[0].key_material
    assert isinstance(material, IntrospectionUrl)
    assert URL == material.url
    return material.table


@pytest.mark.parametrize(
    ("keys", "auth"),
    [
        ({"client_id": "a", "client_secret": "b"}, "basic"),
        ({"client_id": "a", "client_secret": "b", "auth": "post"}, "post"),
        ({"token": "a"}, "bearer"),
        ({"auth": "none"}, "none"),
        ({"client_id": "a", "private_key": private_pem("P-256")}, "private_key_jwt"),
    ],
    ids=["basic", "post", "bearer", "none", "private_key_jwt"],
)
def test_the_keys_say_which_way_is_meant(keys: dict[str, Any], auth: str) -> None:
    """`auth` is needed where two ways have the same keys, or none has any."""
    assert auth == filled(**keys).auth


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("rsa", "RS256"), ("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("ed25519", "EdDSA")],
)
def test_the_key_says_how_it_signs(tmp_path: Path, kind: str, algorithm: str) -> None:
    """From a file, whose last newline is dropped, or as text; the assertion is for the issuer unless told otherwise."""
    file = tmp_path / "key.pem"
    file.write_text(private_pem(kind), encoding="utf-8")
    table = filled(client_id="a", private_key_file=str(file))
    assert (algorithm, "https://id.example/") == (table.algorithm, table.assertion_audience)
    assert private_pem(kind).rstrip("\n") == table.private_key


def test_an_rsa_key_can_sign_otherwise() -> None:
    """PSS where the server wants it."""
    assert "PS256" == filled(client_id="a", private_key=private_pem("rsa"), algorithm="PS256").algorithm


@pytest.mark.parametrize("content", ["nothing of the kind", pem("P-256")], ids=["text", "public"])
def test_a_file_without_a_private_key_is_refused(tmp_path: Path, content: str) -> None:
    """The error names the file and shows nothing of it."""
    file = tmp_path / "key.pem"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        filled(client_id="a", private_key_file=str(file))
    assert "issuers[0].introspection.private_key_file" == caught.value.key
    assert "key.pem is no unencrypted RSA, EC or Ed25519 private key in PEM" in str(caught.value)
    assert "nothing of the kind" not in str(caught.value)


def test_secrets_that_stand_in_a_file_are_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each of them, where it is no reference."""
    file = tmp_path / "jwtmw.toml"
    file.write_text(
        f"""
[[issuers]]
issuer = "https://id.example/"
audience = ["orders"]
introspection = {{ url = "{URL}", client_id = "orders", client_secret = "canary" }}
""",
        encoding="utf-8",
    )
    read_settings(file, environ={})
    (text,) = caplog.messages
    assert text.startswith("issuers[0].introspection.client_secret stands in ")
    assert "canary" not in text
