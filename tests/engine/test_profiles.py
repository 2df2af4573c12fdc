"""docs/profiles.md: a token of each product's shape, through the engine, under the configuration beside it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jwtmw import Policy, Principal
from jwtmw.adapter import Allow, Deny
from jwtmw.decision import Reason
from jwtmw.settings import read_settings
from jwtmw.settings.profiles import PROFILES
from jwtmw.testing import Clock, Signer
from tests.docs.test_snippets import blocks
from tests.engine.facts import Facts

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
SIGNER = Signer("ES256", kid="")


class Shape(NamedTuple):
    header: dict[str, Any]
    claims: dict[str, Any]
    config: dict[str, Any]


class Caller(NamedTuple):
    """What the principal must be: its scopes and roles as texts parted by blanks."""

    subject: str
    client_id: str | None
    scopes: str
    roles: str


CALLERS = {
    "auth0": Caller(
        "auth0|6553da60a54af58e29493993",
        "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja",
        "openid profile read:orders",
        "read:orders write:orders",
    ),
    "cognito": Caller("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "1example23456789", "openid orders/read", "clerks"),
    "descope": Caller("U2abcdefghij", "shop", "orders:read", "clerk"),
    "entra": Caller(
        "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
        "fe9b7e0e-2a35-4b3c-9d1f-0f3c6b1f7a52",
        "orders.read orders.write",
        "Orders.Clerk",
    ),
    "google": Caller("112010400000000710080", "112010400000000710080", "", ""),
    "keycloak": Caller(
        "36fa0f91-f94d-4a0c-afed-6b7d952e47da", "web-frontend", "email profile orders:read", "clerk offline_access"
    ),
    "okta": Caller("alice@shop.example", None, "openid orders:read", "clerks"),
    "openbao": Caller("94e1c2f3-5c2b-9a3b-0d2c-b2a8f8d0a1c7", None, "", "clerks"),
    "rfc9068": Caller("5ba552d67", "s6BhdRkqt3", "openid profile orders:read", "clerk"),
}


def shapes() -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    for section in PAGE.split("\n## ")[1:]:
        header, claims, config = (block for block in blocks(section) if block.language in ("json", "toml"))
        name = section.partition("\n")[0]
        found[name] = Shape(json.loads(header.text), json.loads(claims.text), tomllib.loads(config.text))
    return found


SHAPES = shapes()


def decided(shape: Shape, header: dict[str, Any] | None = None, **claims: Any) -> Allow | Deny:
    """The decision on the page's token, with these header members and claims laid over; `...` leaves one out."""
    (issuer,) = shape.config["issuers"]
    keyed = {key: value for key, value in issuer.items() if key != "jwks_url"} | {"public_key": SIGNER.public_pem}
    clock: Any = Clock(shape.claims["iat"])
    policy = Policy({**shape.config, "issuers": [keyed]}, clock=clock)
    members = {name: value for name, value in (shape.claims | claims).items() if value is not ...}
    # The page's tokens say RS256; a small key signs quicker and tells the same story.
    head = {"typ": None, "kid": None} | shape.header | {"alg": "ES256"} | (header or {})
    decision = policy.engine.decide_now(Facts(token=SIGNER.sign(members, head)))
    assert decision is not None
    return decision


def reason(decision: Allow | Deny) -> Reason | None:
    return decision.reason if isinstance(decision, Deny) else None


def test_every_profile_is_on_the_page() -> None:
    """Each profile has its token, and what its caller must be."""
    assert set(PROFILES) == set(SHAPES) == set(CALLERS)
    for name, shape in SHAPES.items():
        assert [name] == [issuer["profile"] for issuer in shape.config["issuers"]]


def test_the_table_of_the_page_is_right() -> None:
    """The page says of each profile what it sets, and nothing else."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line[:3] == "| `"]
    described = {
        name.strip("`"): {
            **{
                key: cell.strip("`")
                for key, cell in zip(("token_types", "scope_claim", "roles_claim"), cells, strict=True)
                if cell
            },
            **(dict([also.strip("`").split(" = ")]) if also else {}),
        }
        for name, *cells, also in rows
    }
    assert {
        name: {key: json.dumps(value) for key, value in keys.items()} for name, keys in PROFILES.items()
    } == described


@pytest.mark.parametrize("name", SHAPES)
def test_a_token_of_the_products_shape_is_good(name: str) -> None:
    """Subject, client, scopes and roles are found where the product has them."""
    decision = decided(SHAPES[name])
    assert isinstance(decision, Allow)
    caller: Principal = decision.principal
    found = (caller.subject, caller.client_id, *(" ".join(sorted(texts)) for texts in (caller.scopes, caller.roles)))
    wanted = CALLERS[name]
    expected = (wanted.subject, wanted.client_id, *(" ".join(sorted(text.split())) for text in wanted[2:]))
    assert expected == found


@pytest.mark.parametrize("name", SHAPES)
def test_a_token_for_another_service_is_refused(name: str) -> None:
    """No profile loosens the audience."""
    assert Reason.AUDIENCE_MISMATCH is reason(decided(SHAPES[name], aud=["another"]))


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "cognito"])
def test_a_token_without_an_audience_is_refused(name: str) -> None:
    """A missing audience is a wrong one; only Cognito's tokens have something in its place."""
    assert Reason.AUDIENCE_MISMATCH is reason(decided(SHAPES[name], aud=...))


@pytest.mark.parametrize(
    ("name", "typ"),
    [
        *((name, "dpop+jwt") for name in PROFILES),
        ("okta", "application/okta-internal-at+jwt"),
        ("entra", None),
        ("google", "at+jwt"),
        ("rfc9068", "JWT"),
        ("rfc9068", None),
    ],
)
def test_another_type_is_refused(name: str, typ: str | None) -> None:
    """A typ that the product's access tokens never have."""
    assert Reason.TYPE_REFUSED is reason(decided(SHAPES[name], {"typ": typ}))


@pytest.mark.parametrize("name", ["auth0", "keycloak", "okta"])
def test_the_rfcs_type_is_accepted_where_it_can_be_chosen(name: str) -> None:
    """Products that can be told to follow RFC 9068 keep working when somebody does."""
    assert None is reason(decided(SHAPES[name], {"typ": "at+jwt"}))


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param({}, None, id="client-id-alone"),
        pytest.param({"client_id": "another"}, Reason.AUDIENCE_MISMATCH, id="another-client"),
        pytest.param({"aud": "another"}, Reason.AUDIENCE_MISMATCH, id="wrong-aud-right-client"),
        pytest.param({"aud": []}, Reason.AUDIENCE_MISMATCH, id="empty-aud-right-client"),
        pytest.param({"aud": "1example23456789", "client_id": "another"}, None, id="right-aud-another-client"),
        pytest.param({"client_id": ...}, Reason.AUDIENCE_MISMATCH, id="neither"),
        pytest.param(
            {"aud": "1example23456789", "client_id": ..., "token_use": "id"}, Reason.CLAIM_REQUIRED, id="id-token"
        ),
    ],
)
def test_the_client_stands_for_an_audience_that_is_not_there(claims: dict[str, Any], expected: Reason | None) -> None:
    """Amazon's rule: `aud` counts alone if it is there, `client_id` only if it is not."""
    assert expected is reason(decided(SHAPES["cognito"], **claims))


@pytest.mark.parametrize(
    ("route", "expected"), [("1example23456789", None), ("another", Reason.ROUTE_AUDIENCE)], ids=["own", "another"]
)
def test_a_route_may_want_the_audience_that_the_client_stands_for(route: str, expected: Reason | None) -> None:
    """What counts as the audience for the issuer counts for rules too."""
    shape = SHAPES["cognito"]
    rules = [{"path": "/**", "audience": [route]}]
    assert expected is reason(decided(shape._replace(config={**shape.config, "rules": rules})))


def test_the_client_stands_for_nothing_unless_told() -> None:
    """Without `client_id_as_audience` a token without `aud` is refused."""
    shape = SHAPES["cognito"]
    (issuer,) = shape.config["issuers"]
    plain = shape._replace(config={"issuers": [issuer | {"client_id_as_audience": False}]})
    assert Reason.AUDIENCE_MISMATCH is reason(decided(plain))


@pytest.mark.parametrize("client", ["shop", "billing"])
def test_one_line_checks_the_client(client: str) -> None:
    """Descope's check of `client_id` against a list is one line of a rule."""
    assert None is reason(decided(SHAPES["descope"], client_id=client))


@pytest.mark.parametrize("client", ["kiosk", "sho", ...])
def test_one_line_refuses_other_clients(client: Any) -> None:
    """A good token of another client, or of none, is 403."""
    assert Reason.CLAIM_MISMATCH is reason(decided(SHAPES["descope"], client_id=client))


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("token_types", ["dpop+jwt"]),
        ("scope_claim", ["granted"]),
        ("roles_claim", "ranks"),
        ("client_id_as_audience", False),
    ],
)
def test_what_the_issuer_says_itself_wins(name: str, key: str, value: Any) -> None:
    """A profile lies under the issuer's own keys."""
    issuer = {"issuer": "https://id.example/", "audience": ["orders"], "profile": name, key: value}
    (read,) = read_settings({"issuers": [issuer]}, environ={}).issuers
    found = getattr(read, key)
    assert value == (list(found) if isinstance(found, tuple) else found)


def test_a_profile_may_be_a_reference() -> None:
    """As any text of the configuration; without it nothing is changed."""
    issuer = {"issuer": "https://id.example/", "audience": ["orders"], "profile": "$ENV://KIND"}
    (read,) = read_settings({"issuers": [issuer]}, environ={"KIND": "entra"}).issuers
    assert ("scp",) == read.scope_claim
    unresolved = read_settings({"issuers": [issuer], "secure": False}, environ={})
    assert ("scope", "scp") == unresolved.issuers[0].scope_claim
