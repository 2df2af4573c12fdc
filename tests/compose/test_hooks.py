"""`check`, `load_user`, `on_deny`: what the application may say, and what becomes of everything else."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest

from jwtmw import ConfigurationError, Policy, Principal, Request
from jwtmw.adapter import Allow, Deny, Reason
from jwtmw.testing import TestIssuer
from tests.engine.facts import Facts, policy_of


class Truthy:
    def __bool__(self) -> bool:
        return True


class Awaitable:
    def __await__(self) -> Any:
        raise AssertionError("it was awaited")


def outcome(value: Any) -> Any:
    """A hook that returns the value, or raises it."""

    def hook(*_: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    return hook


CHECKS = [
    pytest.param(True, None, id="true"),
    pytest.param(False, Reason.CHECK_REFUSED, id="false"),
    pytest.param(None, Reason.CHECK_REFUSED, id="forgotten return"),
    pytest.param(1, Reason.CHECK_REFUSED, id="one"),
    pytest.param("yes", Reason.CHECK_REFUSED, id="text"),
    pytest.param(Truthy(), Reason.CHECK_REFUSED, id="truthy object"),
    pytest.param(Awaitable(), Reason.CHECK_REFUSED, id="awaitable"),
    pytest.param(ValueError("s3cret"), Reason.CHECK_REFUSED, id="raises"),
    pytest.param(StopIteration(True), Reason.CHECK_REFUSED, id="stops an iteration"),
]


@pytest.mark.parametrize("seen", [False, True], ids=["new", "seen"])
@pytest.mark.parametrize(("value", "reason"), CHECKS)
def test_only_true_passes_a_check(
    jwtmw_issuer: TestIssuer, caplog: pytest.LogCaptureFixture, value: Any, reason: Reason | None, seen: bool
) -> None:
    """Anything else refuses with 401, also a token that was seen before; what was raised is not quoted."""
    policy = policy_of(jwtmw_issuer, check=outcome(value))
    request = Facts(token=jwtmw_issuer.token())
    decisions = [policy.engine.decide_now(request) for _ in range(2 if seen else 1)]
    assert [reason] * len(decisions) == [each.reason if isinstance(each, Deny) else None for each in decisions]
    assert 1 == policy.metrics()["verified"]
    assert "s3cret" not in caplog.text


def test_a_check_sees_who_is_verified_and_what_is_asked(jwtmw_issuer: TestIssuer) -> None:
    """The principal and the request's facts, before the route's requirement is judged."""
    seen: list[tuple[str | None, str]] = []

    def check(principal: Principal, request: Request) -> bool:
        seen.append((principal.subject, request.path))
        return True

    policy = policy_of(jwtmw_issuer, check=check, rules=[{"path": "/read", "scopes": ["read"]}])
    for request in (Facts("/read", token=jwtmw_issuer.token("alice")), Facts(), Facts(token=jwtmw_issuer.token(exp=1))):
        policy.engine.decide_now(request)
    assert [("alice", "/read")] == seen


USERS = [
    pytest.param({"id": 7}, None, id="user"),
    pytest.param(0, None, id="falsy user"),
    pytest.param(False, None, id="false"),
    pytest.param(None, Reason.USER_REFUSED, id="none"),
    pytest.param(ValueError("s3cret"), Reason.USER_REFUSED, id="raises"),
    pytest.param(Awaitable(), Reason.USER_REFUSED, id="awaitable of a plain function"),
]


@pytest.mark.parametrize("seen", [False, True], ids=["new", "seen"])
@pytest.mark.parametrize(("value", "reason"), USERS)
def test_a_user_is_loaded(
    jwtmw_issuer: TestIssuer, caplog: pytest.LogCaptureFixture, value: Any, reason: Reason | None, seen: bool
) -> None:
    """Whatever is not None is the user; None, an exception, or what nobody will await refuses with 401."""
    policy = policy_of(jwtmw_issuer, load_user=outcome(value))
    request = Facts(token=jwtmw_issuer.token())
    for _ in range(2 if seen else 1):
        decision = policy.engine.decide_now(request)
    if reason is None:
        assert isinstance(decision, Allow)
        assert value is decision.user
    else:
        assert isinstance(decision, Deny)
        assert reason is decision.reason
    assert "s3cret" not in caplog.text


def test_a_user_is_loaded_only_for_who_may_pass(jwtmw_issuer: TestIssuer) -> None:
    """Neither for the anonymous nor for callers whom the route refuses."""
    loaded: list[Principal] = []
    rules = [{"path": "/open", "allow": "public"}, {"path": "/read", "scopes": ["read"]}]
    policy = policy_of(jwtmw_issuer, load_user=loaded.append, rules=rules)
    token = jwtmw_issuer.token()
    for path in ("/open", "/read"):
        policy.engine.decide_now(Facts(path, token=token))
    assert [] == loaded


async def async_hook(*_: Any) -> Any:
    raise AssertionError("it was called")


class AsyncHook:
    async def __call__(self, *_: Any) -> Any:
        raise AssertionError("it was called")


ASYNC = [
    pytest.param(async_hook, id="coroutine function"),
    pytest.param(AsyncHook(), id="object"),
    pytest.param(functools.partial(async_hook, 7), id="partial"),
]


@pytest.mark.parametrize("hook", ASYNC)
@pytest.mark.parametrize("name", ["check", "on_deny"])
def test_a_hook_that_nobody_can_await_is_refused(jwtmw_issuer: TestIssuer, name: str, hook: Any) -> None:
    """At the start, not at the first request."""
    with pytest.raises(ConfigurationError) as raised:
        policy_of(jwtmw_issuer, **{name: hook})
    assert name == raised.value.key


@pytest.mark.parametrize("hook", ASYNC)
def test_an_async_load_user_is_noticed(jwtmw_issuer: TestIssuer, hook: Any) -> None:
    """It is never asked where nobody can wait."""
    policy = policy_of(jwtmw_issuer, load_user=hook)
    assert policy.engine.awaits_user
    assert None is policy.engine.decide_now(Facts(token=jwtmw_issuer.token()))


@pytest.mark.parametrize("name", ["check", "load_user", "on_deny"])
def test_a_hook_must_be_callable(name: str) -> None:
    """The error names it."""
    keys: dict[str, Any] = {name: "myapp.hooks"}
    with pytest.raises(ConfigurationError, match=f"{name}: cannot be called. Give a function"):
        Policy(default="deny", **keys)


def test_on_deny_writes_the_answer(jwtmw_issuer: TestIssuer) -> None:
    """It gets what the caller may know, and the request's facts."""
    policy = policy_of(
        jwtmw_issuer,
        on_deny=lambda problem, request: ("application/json", json.dumps([problem.code, request.path])),
    )
    response = policy.renderer.render(Deny(Reason.EXPIRED), Facts("/orders"))
    assert (401, ["token_invalid", "/orders"]) == (response.status, json.loads(response.body))
