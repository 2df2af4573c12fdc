"""What the application is shown, in a WSGI environ and in what the conformance table cannot send."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from jwtmw import Consumer, Policy
from jwtmw.decision import Allow
from jwtmw.engine import PASS
from jwtmw.gateway.disclosure import Disclosure
from jwtmw.token.frozen import FrozenDict
from jwtmw.token.locate import Place
from jwtmw.token.principal import Principal

IDENTITY = {"X-User": "sub", "X_Groups": "groups"}
HEADER, QUERY, COOKIE = Place("header", "X-Token"), Place("query", "jwt"), Place("cookie", "jwt")
REST = {"REQUEST_METHOD": "GET", "HTTP_X_USERS": "7", "x_user": "8", "wsgi.url_scheme": "http"}


def allow(place: Place | None = None, **claims: Any) -> Allow:
    """A caller with these claims, whose token was there."""
    principal = cast("Principal", SimpleNamespace(claims=claims))
    return Allow(principal, principal, place)


def shown(disclosure: Disclosure, decision: Allow, **environ: str) -> dict[str, Any]:
    """What is left of an environ, without what belongs to none of it."""
    members: dict[str, Any] = {**REST, **environ}
    disclosure.environ(members, decision)
    assert REST == {key: members.pop(key, None) for key in REST}
    return members


@pytest.mark.parametrize("key", ["HTTP_X_USER", "HTTP_X.USER", "HTTP_x-user", "HTTP_X\xd6USER"])
def test_an_environ_loses_what_could_pass_for_identity(key: str) -> None:
    """Whatever mark a server lets stand in a name, it is the caller's and goes."""
    assert {} == shown(Disclosure(IDENTITY, False), PASS, **{key: "admin", "HTTP_X_GROUPS": "all"})


@pytest.mark.parametrize("name", [b"x-pa\xdf", b"X_Pa\xdf", b"x-pas\x53"])
def test_a_name_that_capitals_make_the_same_is_the_same(name: bytes) -> None:
    """Who makes an environ of a scope writes names in capitals, and a sharp s as two."""
    scope = {"headers": [(name, b"admin"), (b"x-pa", b"7")]}
    Disclosure({"X-Pass": "sub"}, False).scope(scope, PASS)
    assert [(b"x-pa", b"7")] == scope["headers"]


def test_a_name_outside_of_latin_1_is_nobodys() -> None:
    """What no server can have put there does no harm."""
    assert {"HTTP_ł": "x"} == shown(Disclosure(IDENTITY, False), PASS, HTTP_ł="x")


def test_an_environ_gains_the_verified_identity() -> None:
    """The caller's own values are replaced, under the one key that a header has."""
    found = shown(Disclosure(IDENTITY, False), allow(sub="ann", groups=[]), HTTP_X_USER="admin", HTTP_COOKIE="a=1")
    assert {"HTTP_X_USER": "ann", "HTTP_X_GROUPS": "W10", "HTTP_COOKIE": "a=1"} == found


def test_a_header_leaves_an_environ() -> None:
    """The header that held the token, and no other."""
    found = shown(Disclosure({}, True), allow(HEADER), HTTP_X_TOKEN="t", HTTP_AUTHORIZATION="Basic x")
    assert {"HTTP_AUTHORIZATION": "Basic x"} == found


def test_a_query_leaves_an_environ_wherever_the_server_wrote_it() -> None:
    """The raw target is rewritten too: frameworks and access logs read it."""
    found = shown(
        Disclosure({}, True), allow(QUERY), QUERY_STRING="a=1&jwt=t", RAW_URI="/x?a=1&jwt=t", REQUEST_URI="/x?jwt=t"
    )
    assert {"QUERY_STRING": "a=1", "RAW_URI": "/x?a=1", "REQUEST_URI": "/x"} == found


def test_a_target_without_query_stays() -> None:
    """Nothing is added where a server gives only the path."""
    found = shown(Disclosure({}, True), allow(QUERY), QUERY_STRING="jwt=t", RAW_URI="/x")
    assert {"QUERY_STRING": "", "RAW_URI": "/x"} == found


def test_an_environ_that_no_server_makes_is_no_error() -> None:
    """Characters that stand for no byte, and a target that is no text, are not what a credential is made of."""
    found = shown(Disclosure({}, True), allow(QUERY), QUERY_STRING="a=ł&jwt=t", RAW_URI="/x?b=ł&jwt=t", HTTP_COOKIE="ł")
    assert {"QUERY_STRING": "a=?", "RAW_URI": "/x?b=?", "HTTP_COOKIE": "ł"} == found
    raw: dict[str, Any] = {"QUERY_STRING": "jwt=t", "REQUEST_URI": b"/x?jwt=t"}
    Disclosure({}, True).environ(raw, allow(QUERY))
    assert {"QUERY_STRING": "", "REQUEST_URI": b"/x?jwt=t"} == raw
    assert {"HTTP_COOKIE": "a=?"} == shown(Disclosure({}, True), allow(COOKIE), HTTP_COOKIE="a=ł; jwt=t")


def test_a_cookie_leaves_an_environ() -> None:
    """The others stay byte for byte; without others there is no header."""
    disclosure = Disclosure({}, True)
    assert {"HTTP_COOKIE": "a=1; b"} == shown(disclosure, allow(COOKIE), HTTP_COOKIE="a=1; jwt=t; b")
    assert {} == shown(disclosure, allow(COOKIE), HTTP_COOKIE="jwt=t")


def test_nothing_used_is_nothing_hidden() -> None:
    """A public route, and a subprotocol, which its adapter hides."""
    kept = {"HTTP_X_TOKEN": "t", "QUERY_STRING": "jwt=t"}
    assert kept == shown(Disclosure({}, True), PASS, **kept)
    assert kept == shown(Disclosure({}, True), allow(Place("subprotocol", "bearer")), **kept)
    assert kept == shown(Disclosure(IDENTITY, False), allow(HEADER), **kept)


def test_a_scope_is_given_new_headers() -> None:
    """Lists that a server or an outer middleware may hold are never written into; a scope may lack headers."""
    headers = [(b"x-user", b"admin"), (b"x-token", b"t"), (b"host", b"a")]
    scope: dict[str, Any] = {"headers": headers}
    Disclosure(IDENTITY, True).scope(scope, allow(HEADER, sub="ann"))
    assert [(b"host", b"a"), (b"x-user", b"ann")] == scope["headers"]
    assert 3 == len(headers)
    bare: dict[str, Any] = {}
    Disclosure(IDENTITY, True).scope(bare, PASS)
    assert {"headers": []} == bare


def test_the_same_request_can_be_shown_again() -> None:
    """A later decision on the same request replaces what an earlier one showed."""
    scope: dict[str, Any] = {"headers": [(b"x-user", b"admin")]}
    disclosure = Disclosure(IDENTITY, True)
    for decision, expected in ((allow(sub="ann"), [(b"x-user", b"ann")]), (PASS, [])):
        disclosure.scope(scope, decision)
        assert expected == scope["headers"]


def test_a_policy_that_shows_everything_costs_nothing() -> None:
    """Without either key there is nothing for adapters to do."""
    assert Policy({"secure": False}).disclosure is None
    assert Policy({"secure": False, "hide_credentials": True}).disclosure is not None
    assert Policy({"secure": False, "identity_headers": {"X-User": "sub"}}).disclosure is not None


FACTS = {
    "X-Name": "@consumer.name",
    "X-Key": "@consumer.key",
    "X-Id": "@consumer.custom_id",
    "X-Anonymous": "@consumer.anonymous",
}


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        pytest.param(
            Principal(consumer=Consumer("jack", "k", None, "7"), is_authenticated=True),
            {"HTTP_X_NAME": "jack", "HTTP_X_KEY": "k", "HTTP_X_ID": "7"},
            id="authenticated",
        ),
        pytest.param(
            Principal(consumer=Consumer("guest")), {"HTTP_X_NAME": "guest", "HTTP_X_ANONYMOUS": "true"}, id="anonymous"
        ),
        pytest.param(Principal(is_authenticated=True), {}, id="no-consumer"),
        pytest.param(
            Principal(is_authenticated=True, claims=FrozenDict({"@consumer.name": "admin"})),
            {},
            id="a-claim-of-the-name",
        ),
        pytest.param(Principal(), {}, id="nobody"),
    ],
)
def test_a_consumer_is_told_by_the_configuration(principal: Principal, expected: dict[str, str]) -> None:
    """Never by a claim, whatever it is called; what a caller sends under the headers' names is gone."""
    decision = Allow(principal, principal)
    assert expected == shown(Disclosure(FACTS, False), decision, HTTP_X_NAME="admin", HTTP_X_ANONYMOUS="false")
