"""A token in a file that something else refreshes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jwtmw.client import Outgoing, TokenFile, TokenUnavailable
from jwtmw.client.sources import MOST_TOKEN_BYTES

HERALD = "https://herald.example"


class World:
    """A file, and a clock to turn."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1000.0
        self.out = Outgoing(TokenFile(path, clock=lambda: self.now), hosts=[HERALD])

    def write(self, content: str | bytes) -> None:
        """As whoever refreshes it should: beside it, and then in its place."""
        beside = self.path.with_suffix(".new")
        beside.write_bytes(content if isinstance(content, bytes) else content.encode())
        beside.replace(self.path)

    def token(self) -> str | None:
        return self.out.token(HERALD)

    def problem(self) -> str:
        with pytest.raises(TokenUnavailable) as caught:
            self.token()
        return caught.value.reason


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "token")
    made.write("first")
    return made


@pytest.mark.parametrize("content", ["first", "first\n", "first\r\n"])
def test_the_file_is_the_token(world: World, content: str) -> None:
    """Less one final newline."""
    world.write(content)
    assert "first" == world.token()


def test_a_new_token_is_seen_within_a_second(world: World) -> None:
    """And the file is not looked at by every call."""
    world.token()
    world.write("second")
    world.now += 0.9
    assert "first" == world.token()
    world.now += 0.2
    assert "second" == world.token()


def test_a_file_that_has_not_changed_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is only looked at."""
    world.token()
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    world.now += 5
    assert "first" == world.token()


def test_a_link_that_is_turned_is_followed(tmp_path: Path) -> None:
    """As Kubernetes does it."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(f"in-{name}")
    link = tmp_path / "data"
    link.symlink_to("one")
    world = World(link / "token")
    assert "in-one" == world.token()
    beside = tmp_path / "data.new"
    beside.symlink_to("two")
    beside.replace(link)
    world.now += 1
    assert "in-two" == world.token()


@pytest.mark.parametrize(
    "content",
    ["", "\n", "\n\n", "two words", "a\nb", "a\n\n", " a", "tök", b"\x00", "a" * (MOST_TOKEN_BYTES + 1), "a" * 10**6],
    ids=range(11),
)
def test_what_is_no_token_is_not_used(world: World, content: str | bytes) -> None:
    """Nor is the one before it; what replaces it is used at once."""
    world.token()
    world.write(content)
    world.now += 1
    assert "file: the token file is empty, or holds what is no token" == world.problem()
    world.write("second")
    assert "second" == world.token()


def test_the_largest_token(world: World) -> None:
    """With a newline of two bytes behind it."""
    world.write("a" * MOST_TOKEN_BYTES + "\r\n")
    assert MOST_TOKEN_BYTES == len(world.token() or "")


def test_a_file_that_is_gone_gives_no_token(world: World) -> None:
    """Whoever took it away meant it."""
    world.token()
    world.path.unlink()
    world.now += 1
    assert "file: the token file cannot be read: No such file or directory" == world.problem()


def test_after_401_the_file_is_looked_at_at_once(world: World) -> None:
    """There may be another already; where there is not, the call is not made again."""
    call = world.out.call("GET", HERALD, {}, None)
    world.token()
    assert not world.out.refuse(call, "first")
    world.write("second")
    assert world.out.refuse(call, "first")
    assert "second" == world.token()


def test_a_path_may_be_text(world: World) -> None:
    """As configurations have it."""
    assert "first" == Outgoing(TokenFile(os.fspath(world.path)), hosts=[HERALD]).token(HERALD)
