"""What is remembered of an issuer's answers: for a short time, in bounded memory."""

from __future__ import annotations

import pytest

from jwtmw.issuers.verdicts import BYTES_PER_ANSWER_BYTE, ENTRY_BYTES, Answer, Verdict, Verdicts

GOOD = Answer(True, {"sub": "canary"}, 100)


def digest(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_a_verdict_counts_until_its_time() -> None:
    """And not at it."""
    verdicts = Verdicts(10, 10**6)
    verdicts.put(digest(1), Verdict(GOOD, 5.0))
    assert [Verdict(GOOD, 5.0), None, None] == [
        verdicts.get(digest(1), 4.9),
        verdicts.get(digest(1), 5.0),
        verdicts.get(digest(2), 0.0),
    ]


def test_the_newer_of_two_verdicts_counts() -> None:
    """A token may be asked about again before it is forgotten."""
    verdicts = Verdicts(2, 10**6)
    verdicts.put(digest(1), Verdict(GOOD, 5.0))
    verdicts.put(digest(1), Verdict(GOOD, 9.0))
    assert (Verdict(GOOD, 9.0), 2) == (verdicts.get(digest(1), 0.0), len(verdicts))


def test_the_number_is_bounded() -> None:
    """What was put in first is forgotten first."""
    verdicts = Verdicts(10, 10**9)
    for number in range(1000):
        verdicts.put(digest(number), Verdict(GOOD, 5.0))
        assert len(verdicts) <= 10
    assert [True] * 5 == [verdicts.get(digest(number), 0.0) is not None for number in range(995, 1000)]


def test_the_memory_is_bounded() -> None:
    """Large answers are fewer."""
    cost = ENTRY_BYTES + BYTES_PER_ANSWER_BYTE * GOOD.weight
    verdicts = Verdicts(1000, 8 * cost)
    for number in range(100):
        verdicts.put(digest(number), Verdict(GOOD, 5.0))
        assert len(verdicts) <= 8


@pytest.mark.parametrize(("weight", "kept"), [(100, 1), (101, 0)])
def test_one_answer_never_takes_more_than_half(weight: int, kept: int) -> None:
    """Larger than that, and it is not kept at all."""
    verdicts = Verdicts(10, 2 * (ENTRY_BYTES + BYTES_PER_ANSWER_BYTE * 100))
    verdicts.put(digest(1), Verdict(Answer(True, {}, weight), 5.0))
    assert kept == len(verdicts)


def test_nothing_of_an_answer_is_shown() -> None:
    """Claims are for the application."""
    assert "canary" not in repr(Verdict(GOOD, 5.0))
