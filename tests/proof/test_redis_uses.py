"""What is said to Redis of a used token, and how its answers are read; a real server answers in tests/system/replay."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import NoPermissionError
from redis.exceptions import TimeoutError as TooLate

from jwtmw.errors import StoreFailed
from jwtmw.proof.redis import RedisUses
from jwtmw.stores import redis_client

ALLOWED = "its user must be allowed set, on the keys that begin with replay.key"


class Client:
    """A client whose answers a test has written down."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[Any] = []

    def set(self, *arguments: Any, **options: Any) -> Any:
        self.calls.append((*arguments, options))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_one_command_spends_a_token() -> None:
    """Only if it is not there, and with its end, which is later than the token's by what clocks may differ."""
    client = Client(True, None)
    uses = RedisUses("redis://none", "app", 2.0, client=client)
    assert [True, False] == [uses.spend("digest", 59.9994) for _ in range(2)]
    assert [("app:digest", b"1", {"nx": True, "px": 360_000})] * 2 == client.calls


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            Disconnected("redis://:canary@host"),
            "the store does not answer: ConnectionError; check replay.url, and that the server is up",
        ),
        (TooLate("canary"), "the store does not answer: TimeoutError; check replay.url, and that the server is up"),
        (OSError("canary"), "the store does not answer: OSError; check replay.url, and that the server is up"),
        (NoPermissionError("canary"), f"the store does not answer: NoPermissionError; {ALLOWED}"),
        (b"canary", "the store answers with something else"),
        (False, "the store answers with something else"),
        (1, "the store answers with something else"),
    ],
)
def test_whatever_else_is_no_answer(answer: Any, text: str) -> None:
    """Nobody is the first because an answer was odd; neither the message nor a cause holds what the server said."""
    with pytest.raises(StoreFailed) as caught:
        RedisUses("redis://none", "app", 2.0, client=Client(answer)).spend("digest", 60.0)
    assert (text, None, None) == (str(caught.value), caught.value.__cause__, caught.value.__context__)


@pytest.mark.parametrize("retries", [0, 1])
def test_a_command_is_sent_again_only_where_that_changes_nothing(retries: int) -> None:
    """Reading a list twice harms nobody; spending a token twice would call the first time a replay."""
    client = redis_client("redis://127.0.0.1:1/0", 2.0, retries=retries)
    assert isinstance(client, Redis)
    with client:
        options = client.connection_pool.connection_kwargs
        assert (2.0, 2.0, retries) == (
            options["socket_timeout"],
            options["socket_connect_timeout"],
            options["retry"].get_retries(),
        )


def test_a_client_is_made_that_does_not_retry() -> None:
    """By the store itself; nothing of its address is in its repr."""
    uses = RedisUses("redis://:canary@127.0.0.1:1/0", "app", 2.0)
    assert 0 == uses._client.connection_pool.connection_kwargs["retry"].get_retries()
    assert "RedisUses(...)" == repr(uses)
    uses._client.close()
