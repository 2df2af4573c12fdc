"""The renderer: status, challenge and body of each refusal, in each format."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from jwtmw import Problem, adapter
from jwtmw.adapter import Code, Deny, Reason
from jwtmw.challenge import Renderer
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Rule, RuleBook
from tests.engine.facts import Facts

BEARER = b'Bearer realm="api"'
INVALID = BEARER + b', error="invalid_token", error_description="The access token was refused"'
# status, title, challenge
SHOWN: dict[Code, tuple[int, str, bytes | None]] = {
    Code.TOKEN_MISSING: (401, "Unauthorized", BEARER),
    Code.INVALID_REQUEST: (400, "Bad Request", BEARER + b', error="invalid_request"'),
    Code.BAD_PATH: (400, "Bad Request", None),
    Code.BAD_METHOD: (400, "Bad Request", None),
    Code.BAD_HEADER: (400, "Bad Request", None),
    Code.TOKEN_INVALID: (401, "Unauthorized", INVALID),
    Code.INSUFFICIENT_SCOPE: (403, "Forbidden", BEARER + b', error="insufficient_scope"'),
    Code.FORBIDDEN: (403, "Forbidden", None),
    Code.CSRF: (403, "Forbidden", None),
    Code.BODY_TOO_LARGE: (413, "Content Too Large", None),
    Code.UNAVAILABLE: (503, "Service Unavailable", None),
    Code.INTERNAL_ERROR: (500, "Internal Server Error", None),
}
APISIX = {
    Code.TOKEN_MISSING: "Missing JWT token in request",
    Code.INVALID_REQUEST: "JWT token invalid",
    Code.TOKEN_INVALID: "failed to verify jwt",
}


def headers_of(response: adapter.Response) -> dict[bytes, bytes]:
    assert len(response.headers) == len(dict(response.headers))
    return dict(response.headers)


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.value)
def test_each_reason_is_shown_as_its_code(reason: Reason) -> None:
    """Status, challenge and body tell the code and nothing of the reason."""
    status, title, challenge = SHOWN[reason.code]
    response = Renderer().render(Deny(reason), Facts())
    shown = json.loads(response.body)
    assert status == response.status
    assert {
        b"content-type": b"application/problem+json",
        b"content-length": b"%d" % len(response.body),
        b"cache-control": b"no-store",
        **({} if challenge is None else {b"www-authenticate": challenge}),
    } == headers_of(response)
    assert ["type", "title", "status", "detail", "code"] == list(shown)
    assert ("about:blank", title, status, reason.code.value) == (
        shown["type"],
        shown["title"],
        shown["status"],
        shown["code"],
    )


def test_reasons_of_one_code_look_the_same() -> None:
    """Nobody can tell from outside which check a token failed."""
    for code in Code:
        responses = {Renderer().render(Deny(reason), Facts()) for reason in Reason if reason.code is code}
        assert 1 == len(responses)


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.value)
@pytest.mark.parametrize(
    ("error_format", "members"),
    [
        pytest.param(
            "message", lambda code, shown: {"message": APISIX.get(code, shown["detail"])}, id="message: APISIX's texts"
        ),
        pytest.param(
            "edgex",
            lambda code, shown: {"apiVersion": "v3", "message": shown["detail"], "statusCode": shown["status"]},
            id="edgex",
        ),
    ],
)
@pytest.mark.parametrize("expose", [False, True], ids=["", "exposed"])
def test_other_formats_tell_the_same(
    reason: Reason, error_format: str, members: Callable[[Code, Any], Any], expose: bool
) -> None:
    """Only the body differs, and the reason is added where it is exposed."""
    plain = Renderer().render(Deny(reason), Facts())
    response = Renderer(error_format=error_format, expose_reason=expose).render(Deny(reason), Facts())
    added = {"reason": reason.value} if expose else {}
    assert members(reason.code, json.loads(plain.body)) | added == json.loads(response.body)
    assert plain.status == response.status
    assert b"application/json" == headers_of(response)[b"content-type"]
    assert headers_of(plain).get(b"www-authenticate") == headers_of(response).get(b"www-authenticate")


def test_the_reason_is_shown_where_it_is_exposed() -> None:
    """For development only."""
    response = Renderer(expose_reason=True).render(Deny(Reason.EXPIRED), Facts())
    assert "expired" == json.loads(response.body)["reason"]


def test_an_empty_answer_has_no_content() -> None:
    """No body, no content type; the length says so."""
    response = Renderer(error_format="empty").render(Deny(Reason.EXPIRED), Facts())
    assert b"" == response.body
    assert {b"content-length": b"0", b"cache-control": b"no-store", b"www-authenticate": INVALID} == headers_of(
        response
    )


def test_head_gets_the_headers_of_the_answer() -> None:
    """RFC 9110, section 9.3.2: the same headers, no body."""
    get, head = (Renderer().render(Deny(Reason.EXPIRED), Facts(method=method)) for method in ("GET", "HEAD"))
    assert (get.headers, b"") == (head.headers, head.body)


def test_a_retry_is_named_in_seconds() -> None:
    """Where keys are not there, the caller is told when to come again."""
    response = Renderer().render(Deny(Reason.KEYS_UNAVAILABLE, retry_after=3), None)
    assert b"3" == headers_of(response)[b"retry-after"]


def test_the_scopes_wanted_are_named() -> None:
    """RFC 6750, section 3: all that the route wants, for 403 only."""
    requirement = Requirement.of(scopes=["b", "a"], any_scope=["c"])
    rules = RuleBook([Rule("/x", requirement=requirement)])
    ask = rules.ask(rules.find("GET", "/x"), None)
    challenge = headers_of(Renderer().render(Deny(Reason.SCOPE_MISSING, ask), None))[b"www-authenticate"]
    assert BEARER + b', error="insufficient_scope", scope="b a c"' == challenge
    assert INVALID == headers_of(Renderer().render(Deny(Reason.EXPIRED, ask), None))[b"www-authenticate"]
    default = Deny(Reason.ROLE_MISSING, RuleBook().default_ask)
    assert SHOWN[Code.INSUFFICIENT_SCOPE][2] == headers_of(Renderer().render(default, None))[b"www-authenticate"]


def test_a_realm_is_quoted() -> None:
    """RFC 9110, section 5.6.4: a quote or a backslash in it ends nothing."""
    challenge = headers_of(Renderer('a "b" \\').render(Deny(Reason.TOKEN_MISSING), None))[b"www-authenticate"]
    assert b'Bearer realm="a \\"b\\" \\\\"' == challenge


# on_deny

DENY = Deny(Reason.EXPIRED)


@pytest.mark.parametrize(
    ("answer", "content_type", "body"),
    [
        pytest.param(("text/plain", "no"), b"text/plain", b"no", id="text"),
        pytest.param(("text/html; charset=utf-8", "n\u00e9"), b"text/html; charset=utf-8", b"n\xc3\xa9", id="utf-8"),
        pytest.param(("application/cbor", b"\xa0"), b"application/cbor", b"\xa0", id="bytes"),
        pytest.param(("", ""), None, b"", id="nothing"),
        pytest.param(["text/plain", "no"], b"text/plain", b"no", id="a list of two"),
    ],
)
def test_the_application_writes_the_body(answer: Any, content_type: bytes | None, body: bytes) -> None:
    """Content type and body are the hook's; status and challenge stay."""
    response = Renderer(on_deny=lambda problem, request: answer).render(DENY, Facts())
    headers = headers_of(response)
    assert (401, body, content_type) == (response.status, response.body, headers.get(b"content-type"))
    assert (INVALID, b"no-store") == (headers[b"www-authenticate"], headers[b"cache-control"])
    assert b"%d" % len(body) == headers[b"content-length"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ZeroDivisionError("s3cret"), id="raises"),
        pytest.param(None, id="none"),
        pytest.param("text/plain", id="one text"),
        pytest.param(("text/plain", "a", "b"), id="three"),
        pytest.param(("text/plain\r\nset-cookie: a=b", ""), id="header injected"),
        pytest.param(("text/pl\u00e4in", ""), id="content type beyond ascii"),
        pytest.param((" text/plain", ""), id="content type with a blank before"),
        pytest.param((b"text/plain", ""), id="content type of bytes"),
        pytest.param((None, ""), id="no content type"),
        pytest.param(("text/plain", None), id="no body"),
        pytest.param(("text/plain", 100_000_000_000), id="a number as body"),
        pytest.param(("text/plain", {"a": 1}), id="a table as body"),
        pytest.param(("text/plain", "\ud800"), id="text that has no bytes"),
    ],
)
def test_a_hook_that_fails_changes_nothing(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The default answer is sent; the log has the kind of the failure, not its words."""

    def on_deny(problem: Problem, request: adapter.Request) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert Renderer().render(DENY, Facts()) == Renderer(on_deny=on_deny).render(DENY, Facts())
    assert "on_deny failed with" in caplog.text
    assert "s3cret" not in caplog.text


def test_the_hook_gets_the_problem_and_the_request() -> None:
    """The problem is what the caller may know; the reason is in it where it is exposed."""
    seen: list[tuple[Problem, adapter.Request]] = []

    def on_deny(problem: Problem, request: adapter.Request) -> tuple[str, str]:
        seen.append((problem, request))
        return "text/plain", ""

    request = Facts()
    Renderer(on_deny=on_deny).render(DENY, request)
    Renderer(on_deny=on_deny, expose_reason=True).render(DENY, request)
    hidden, exposed = (problem for problem, _ in seen)
    assert (401, "token_invalid", "Unauthorized", "The access token was refused.", None) == (
        hidden.status,
        hidden.code,
        hidden.title,
        hidden.detail,
        hidden.reason,
    )
    assert "expired" == exposed.reason
    assert [request, request] == [each for _, each in seen]


def test_without_a_request_there_is_no_hook() -> None:
    """What happens before there are facts is answered by default."""

    def on_deny(problem: Problem, request: adapter.Request) -> tuple[str, str]:
        raise AssertionError("it was asked")

    assert Renderer().render(DENY, None) == Renderer(on_deny=on_deny).render(DENY, None)


def test_a_format_that_does_not_exist_cannot_be_made() -> None:
    """A renderer that could not answer is never built."""
    with pytest.raises(KeyError):
        Renderer(error_format="xml")
