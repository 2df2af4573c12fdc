"""The login: what it takes for credentials, what it answers, and what it never says."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from jwtmw import ConfigurationError
from jwtmw.mint import KeyRing, Login, Signer
from jwtmw.mint.login import _Credentials
from jwtmw.testing import Clock
from tests.conformance.schema import Answer
from tests.endpoints.doors import ASYNC_DOORS, DOORS, ask, policy
from tests.mint.rings import START

PAIR = Signer("EdDSA", kid="login-1")
MINE = "https://login.example"
JSON, FORM = ("Content-Type", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")
USERS = {"alice": "opén sesame", "bob": "hunter2 & more"}


def check(username: str, password: str) -> dict[str, Any] | None:
    return {"sub": f"u-{username}", "scope": "orders:read"} if USERS.get(username) == password else None


def login(function: Any = check, **keys: Any) -> Login:
    return Login(PAIR, function, **{"issuer": MINE, "audience": "orders", "clock": Clock(START), **keys})


def post(document: Any, header: tuple[str, str] = JSON, door: str = "wsgi", endpoint: Login | None = None) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return ask(DOORS[door](endpoint or login(), policy()), header, method="POST", body=body)


def said(answer: Answer) -> dict[str, Any]:
    key = jwt.PyJWK.from_dict(PAIR.public_jwk)
    options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    return jwt.decode(json.loads(answer.body)["access_token"], key, options=options)  # type: ignore[arg-type]


ALICE = {"username": "alice", "password": USERS["alice"]}
AS_FORM = b"grant_type=password&username=bob&password=hunter2+%26+more"


@pytest.mark.parametrize("door", DOORS)
def test_a_right_password_is_answered_with_a_token(door: str) -> None:
    """In the shape of RFC 6749 section 5.1, without a token needed before, kept by nobody, for JSON and for a form."""
    answer = post(ALICE, door=door)
    assert (200, b"application/json") == (answer.status, answer.header(b"content-type"))
    assert (b"no-store", b"no-cache") == (answer.header(b"cache-control"), answer.header(b"pragma"))
    document = json.loads(answer.body)
    assert ("Bearer", 3600, "orders:read") == tuple(document[name] for name in ("token_type", "expires_in", "scope"))
    claims = said(answer)
    assert claims.pop("jti")
    assert {
        "sub": "u-alice",
        "scope": "orders:read",
        "iss": MINE,
        "aud": "orders",
        "iat": START,
        "exp": START + 3600,
    } == claims
    assert "u-bob" == said(post(AS_FORM, FORM, door))["sub"]


@pytest.mark.parametrize("door", DOORS)
def test_an_unknown_name_and_a_wrong_password_are_one_answer(door: str) -> None:
    """Byte for byte, header for header."""
    wrong, unknown = post({**ALICE, "password": "x"}, door=door), post({**ALICE, "username": "mallory"}, door=door)
    assert (401, b'{"error": "invalid_grant"}') == (wrong.status, wrong.body)
    assert b'Bearer realm="login"' == wrong.header(b"www-authenticate")
    assert b"no-store" == wrong.header(b"cache-control")
    assert (wrong.status, wrong.headers, wrong.body) == (unknown.status, unknown.headers, unknown.body)


@pytest.mark.parametrize("door", DOORS)
def test_only_post_is_answered(door: str) -> None:
    """Credentials in a URL are read by nobody: GET is no login, and a query is not looked at."""
    mounted = DOORS[door](login(lambda *_: pytest.fail("asked")), policy(default="public"))
    assert 405 == ask(mounted, query="username=alice&password=x").status
    assert 400 == ask(mounted, JSON, method="POST", query="username=alice&password=x", body=b"{}").status


@pytest.mark.parametrize(
    "header",
    [
        "text/plain",
        "",
        "application/jsonp",
        "application/json; charset=latin-1",
        "application/json; charset=utf-8; x=y",
        "multipart/form-data; boundary=x",
        "application/json, application/json",
    ],
)
def test_another_content_type_is_415_and_asks_nobody(header: str) -> None:
    """Two kinds are read, and no other is guessed."""
    endpoint = login(lambda *_: pytest.fail("asked"))
    assert 415 == post(ALICE, ("Content-Type", header), endpoint=endpoint).status


def test_a_body_in_another_coding_is_415() -> None:
    """What would have to be unpacked is not read."""
    mounted = DOORS["wsgi"](login(lambda *_: pytest.fail("asked")), policy())
    packed = ask(mounted, JSON, ("Content-Encoding", "gzip"), method="POST", body=json.dumps(ALICE).encode())
    assert 415 == packed.status


@pytest.mark.parametrize("header", ["application/json;charset=UTF-8", "APPLICATION/JSON", "application/json ; "])
def test_a_content_type_is_read_as_it_is_meant(header: str) -> None:
    """Letters' case, blanks and UTF-8 make no other type."""
    assert 200 == post(ALICE, ("Content-Type", header)).status


BROKEN: dict[str, tuple[bytes, tuple[str, str]]] = {
    "empty": (b"", JSON),
    "no-json": (b"{", JSON),
    "list": (b'["alice", "x"]', JSON),
    "username-twice": (b'{"username":"a","username":"alice","password":"x"}', JSON),
    "number": (b'{"username":"alice","password":7}', JSON),
    "null": (b'{"username":null,"password":"x"}', JSON),
    "no-password": (b'{"username":"alice"}', JSON),
    "empty-password": (b'{"username":"alice","password":""}', JSON),
    "surrogate": (b'{"username":"\\ud800","password":"x"}', JSON),
    "latin-1": (b'{"username":"\xe9","password":"x"}', JSON),
    "form-empty": (b"", FORM),
    "form-twice": (b"username=alice&password=x&password=y", FORM),
    "form-no-password": (b"username=alice&password=", FORM),
    "form-no-utf-8": (b"username=%ff&password=x", FORM),
    "form-raw-bytes": ("username=é&password=x".encode(), FORM),
    "form-of-many": (b"username=alice&password=x" + b"&a=b" * 20, FORM),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_holds_no_credentials_is_400_and_asks_nobody(name: str) -> None:
    """Two texts, each there once and not empty, or the function is not called."""
    body, header = BROKEN[name]
    assert 400 == post(body, header, endpoint=login(lambda *_: pytest.fail("asked"))).status


def test_a_large_body_is_413_and_asks_nobody() -> None:
    """Nobody's password is longer than that."""
    large = {**ALICE, "password": "x" * 5000}
    assert 413 == post(large, endpoint=login(lambda *_: pytest.fail("asked"))).status


@pytest.mark.parametrize("door", ASYNC_DOORS)
def test_the_function_may_be_async(door: str) -> None:
    """Where an event loop serves; elsewhere it does not start."""

    async def slow(username: str, password: str) -> dict[str, Any] | None:
        return check(username, password)

    assert 200 == post(ALICE, door=door, endpoint=login(slow)).status
    assert 401 == post({**ALICE, "password": "x"}, door=door, endpoint=login(slow)).status


@pytest.mark.parametrize("door", DOORS)
def test_a_function_that_fails_is_500_and_no_token(door: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the answer nor the log holds the name, the password or the message."""

    def breaks(username: str, password: str) -> dict[str, Any]:
        raise LookupError(f"{username} {password}")

    answer = post(ALICE, door=door, endpoint=login(breaks))
    assert (500, b'{"error": "server_error"}') == (answer.status, answer.body)
    assert [] == [word for word in ("alice", "sesame") if word in caplog.text]


@pytest.mark.parametrize(
    "returned",
    [True, False, "alice", {}, {"sub": None}, {"sub": 7}, {"sub": ""}, {"sub": "a\n"}, {"sub": "x" * 256}, []],
    ids=repr,
)
def test_what_is_nobodys_claims_is_no_token(returned: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A function that says only that a password is right has not said whose it is."""
    assert 500 == post(ALICE, endpoint=login(lambda *_: returned)).status


def test_for_whom_and_how_long_is_not_the_functions_to_say() -> None:
    """Reserved claims win; what they are not set to, they are not at all."""
    reserved = ("iss", "aud", "exp", "nbf", "iat", "jti", "cnf")
    greedy = dict.fromkeys((*reserved, *map(str.upper, reserved)), "x") | {"sub": "a", "plan": "pro"}
    claims = said(post(ALICE, endpoint=login(lambda *_: greedy)))
    assert (MINE, "orders", START + 3600, "pro") == tuple(claims[name] for name in ("iss", "aud", "exp", "plan"))
    assert set() == {"nbf", "cnf", *map(str.upper, reserved)} & claims.keys()
    assert "x" != claims["jti"]
    assert "scope" not in json.loads(post(ALICE, endpoint=login(lambda *_: greedy)).body)


def test_what_cannot_work_does_not_start(tmp_path: Any) -> None:
    """Each by its name."""
    with pytest.raises(ConfigurationError, match="check: cannot be called"):
        login(None)
    with pytest.raises(ConfigurationError, match="ttl: is longer than the key ring's lifetime"):
        Login(KeyRing.create(tmp_path / "k", "EdDSA", lifetime=60), check, issuer=MINE, audience="orders")


def test_credentials_are_shown_nowhere() -> None:
    """Not by those who print the locals of a frame."""
    assert "_Credentials(...)" == repr(_Credentials("alice", "secret"))
