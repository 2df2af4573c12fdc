"""How this service proves itself to an issuer."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote_plus

import pytest

from jwtmw.issuers.client_auth import Credentials, basic, bearer, nobody, post, private_key_jwt


@pytest.mark.parametrize(
    ("client_id", "client_secret"),
    [("orders", "the secret"), ("a:b", "c:d"), ("é%", "ü+&= /\\"), ("s p", "~*-._")],
    ids=["plain", "colons", "signs", "unreserved"],
)
def test_basic_parts_are_form_encoded(client_id: str, client_secret: str) -> None:
    """RFC 6749 section 2.3.1: whatever they hold, the server reads the same two texts."""
    ((name, value),), form = basic(client_id, client_secret)()
    scheme, _, pair = value.partition(" ")
    left, _, right = base64.b64decode(pair, validate=True).decode("ascii").partition(":")
    assert ("Authorization", "Basic", {}) == (name, scheme, form)
    assert (client_id, client_secret) == (unquote_plus(left), unquote_plus(right))


def test_the_other_simple_ways() -> None:
    """By form fields, by a token, not at all."""
    assert ([], {"client_id": "orders", "client_secret": "s"}) == post("orders", "s")()
    assert ([("Authorization", "Bearer t")], {}) == bearer("t")()
    assert ([], {}) == nobody()


def test_an_assertion_is_made_for_each_request() -> None:
    """RFC 7523 section 3: who, to whom, for how long, and no two alike."""
    signed: list[dict[str, Any]] = []

    def sign(claims: Any) -> str:
        signed.append(dict(claims))
        return f"assertion-{len(signed)}"

    prove = private_key_jwt("orders", "https://id.example/", sign, lambda: 1000.9)
    proofs = [prove(), prove()]
    first, second = (claims.pop("jti") for claims in signed)
    assert first != second
    assert [{"iss": "orders", "sub": "orders", "aud": "https://id.example/", "iat": 1000, "exp": 1060}] * 2 == signed
    assert [
        (
            [],
            {
                "client_id": "orders",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": f"assertion-{number}",
            },
        )
        for number in (1, 2)
    ] == proofs


@pytest.mark.parametrize(
    "credentials", [basic("a", "canary"), post("a", "canary"), bearer("canary")], ids=["basic", "post", "bearer"]
)
def test_a_proof_is_never_shown(credentials: Credentials) -> None:
    """Neither as what makes it nor as what is sent."""
    assert "canary" not in f"{credentials!r} {credentials()!r}"
