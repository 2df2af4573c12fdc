"""What the log gets, and the counters."""

from __future__ import annotations

import logging

import pytest

from jwtmw.adapter import Deny, Reason
from jwtmw.errors import ConfigurationError
from jwtmw.metrics import Metrics
from jwtmw.policy.rules import RuleBook
from jwtmw.records import record_refusal, record_unforeseen

ASK = RuleBook().default_ask


@pytest.mark.parametrize(
    ("deny", "level", "message"),
    [
        pytest.param(Deny(Reason.EXPIRED, ASK), logging.INFO, "denied: expired (default)", id="caller's"),
        pytest.param(Deny(Reason.PATH_AMBIGUOUS), logging.INFO, "denied: path_ambiguous (-)", id="without a route"),
        pytest.param(
            Deny(Reason.KEYS_UNAVAILABLE, ASK), logging.WARNING, "denied: keys_unavailable (default)", id="outage"
        ),
        pytest.param(Deny(Reason.INTERNAL, ASK), logging.WARNING, "denied: internal (default)", id="bug"),
    ],
)
def test_a_refusal_is_counted_and_logged(
    caplog: pytest.LogCaptureFixture, deny: Deny, level: int, message: str
) -> None:
    """Callers' mistakes are information; what an operator must look at is a warning."""
    metrics = Metrics()
    with caplog.at_level(logging.DEBUG):
        record_refusal(metrics, deny, reported=False)
    assert [("jwtmw.decisions", level, message)] == caplog.record_tuples
    assert {"denied": {deny.reason.value: 1}} == {"denied": metrics.snapshot()["denied"]}


def test_a_refusal_has_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    """Structured logs get reason, code and route by name."""
    record_refusal(Metrics(), Deny(Reason.KEYS_UNAVAILABLE, ASK), reported=False)
    (record,) = caplog.records
    fields = {name: value for name, value in vars(record).items() if name.startswith("jwtmw_")}
    assert {
        "jwtmw_reason": "keys_unavailable",
        "jwtmw_code": "unavailable",
        "jwtmw_route": "default",
    } == fields


def test_a_refusal_that_is_only_reported_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It is counted apart, by route and reason."""
    metrics = Metrics()
    record_refusal(metrics, Deny(Reason.EXPIRED, ASK), reported=True)
    assert [("jwtmw.decisions", logging.WARNING, "would deny: expired (default)")] == caplog.record_tuples
    assert {
        "allowed": 0,
        "verified": 0,
        "denied": {},
        "would_deny": [{"route": "default", "reason": "expired", "count": 1}],
    } == metrics.snapshot()


def deep(levels: int) -> None:
    if levels:
        deep(levels - 1)
    raise KeyError("s3cret")


def test_the_unforeseen_is_logged_by_type_and_place(caplog: pytest.LogCaptureFixture) -> None:
    """Of a traceback the last frames by file, line and function; of the exception its type; never its message."""
    try:
        deep(20)
    except KeyError as error:
        record_unforeseen("a hook", error)
    (message,) = caplog.messages
    assert message.startswith("a hook failed with KeyError at test_records.py:")
    assert 6 == message.count("deep")
    assert "s3cret" not in message
    assert "/" not in message


def test_an_exception_that_was_never_raised_has_no_place(caplog: pytest.LogCaptureFixture) -> None:
    """Without a traceback the type is all there is."""
    record_unforeseen("a hook", KeyError())
    assert ["a hook failed with KeyError at "] == caplog.messages


def test_our_own_words_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The message of a configuration error is ours, and holds the cure."""
    record_unforeseen("the start", ConfigurationError("realm", "is empty", "Write one"))
    assert ["the start failed with ConfigurationError (realm: is empty. Write one) at "] == caplog.messages
