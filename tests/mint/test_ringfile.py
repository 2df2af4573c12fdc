"""The file of a key ring: who may read it, how it is replaced, what is no ring."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from jwtmw.errors import ConfigurationError
from jwtmw.mint.ringfile import FILE, changing, read_ring, stamp_of, write_ring
from jwtmw.mint.rotation import first_ring

RING = first_ring("EdDSA", 600, 3600, 1_800_000_000)


def test_a_ring_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Nothing is lost on the way."""
    write_ring(tmp_path, RING)
    assert RING == read_ring(tmp_path)
    assert [tmp_path / FILE] == [*tmp_path.iterdir()]


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Whatever the umask is, nobody else can open it, at any moment."""
    before = os.umask(0)
    try:
        write_ring(tmp_path, RING)
    finally:
        os.umask(before)
    assert 0o600 == stat.S_IMODE((tmp_path / FILE).stat().st_mode)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601])
def test_a_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    """A private key that others may read, or write, is none; the error says what to do."""
    write_ring(tmp_path, RING)
    (tmp_path / FILE).chmod(mode)
    with pytest.raises(ConfigurationError, match=r"others than its owner may open it. chmod 600 it, and if anybody"):
        read_ring(tmp_path)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"version": 2, "ahead": 1, "lifetime": 1, "keys": []}', id="version"),
        pytest.param(b'{"version": 1, "ahead": "1", "lifetime": 1, "keys": []}', id="type"),
        pytest.param(b'{"version": 1, "version": 1, "ahead": 1, "lifetime": 1, "keys": []}', id="twice"),
        pytest.param(b'{"version": 1, "ahead": 1, "lifetime": 1, "keys": [{"kid": "CANARY"}]}', id="key"),
        pytest.param(b"\xff", id="utf-8"),
    ],
)
def test_what_is_no_ring_is_refused_without_a_word_of_it(tmp_path: Path, octets: bytes) -> None:
    """The error names the file, and neither it nor its context holds what stands there."""
    write_ring(tmp_path, RING)
    (tmp_path / FILE).write_bytes(octets)
    with pytest.raises(ConfigurationError, match="is no key ring of this version") as caught:
        read_ring(tmp_path)
    assert caught.value.__context__ is None
    assert str(tmp_path / FILE) == caught.value.key


def test_a_folder_without_a_ring_tells_how_to_make_one(tmp_path: Path) -> None:
    """The cure is the command."""
    with pytest.raises(ConfigurationError, match=f"no key ring. Make one: jwtmw keys new --dir {tmp_path}"):
        read_ring(tmp_path)
    assert stamp_of(tmp_path) is None


def test_a_ring_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """By the system's own word."""
    (tmp_path / FILE).mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        read_ring(tmp_path)


def test_a_failed_write_leaves_the_ring_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it leave a half of the new one lying about."""
    write_ring(tmp_path, RING)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(ConfigurationError, match="cannot be written: No space left on device"),
        changing(tmp_path),
    ):
        write_ring(tmp_path, first_ring("EdDSA", 600, 3600, 1_800_000_000))
    assert RING == read_ring(tmp_path)
    assert [tmp_path / FILE] == [*tmp_path.iterdir()]


@pytest.mark.parametrize(("user", "expected"), [(0, [(7, 8)]), (1000, [])], ids=["root", "another"])
def test_a_ring_that_root_writes_belongs_to_the_folders_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, expected: list
) -> None:
    """So that the service can still read it when root's cron job has rotated it; others cannot give files away."""
    given: list[tuple[int, int]] = []
    real = Path.stat

    def owned(path: Path, **rest: bool) -> os.stat_result:
        found = list(real(path, **rest))
        found[4:6] = [7, 8]
        return os.stat_result(found)

    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "fchown", lambda _, *owner: given.append(owner))
    monkeypatch.setattr(Path, "stat", owned)
    write_ring(tmp_path, RING)
    assert expected == given


@pytest.mark.parametrize(
    ("user", "folder", "file", "refused"),
    [(0, 7, 9, True), (0, 7, 0, True), (0, 7, 7, False), (0, 0, 7, False), (9, 7, 9, False)],
)
def test_root_reads_no_ring_that_is_not_the_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, folder: int, file: int, refused: bool
) -> None:
    """A folder's owner could put a link to another service's ring there, and root's rotation would hand it over."""
    write_ring(tmp_path, RING)
    look, look_at = os.fstat, Path.stat

    def owned(found: os.stat_result, owner: int) -> os.stat_result:
        return os.stat_result([*found[:4], owner, *found[5:]])

    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "fstat", lambda descriptor: owned(look(descriptor), file))
    monkeypatch.setattr(Path, "stat", lambda path, **keys: owned(look_at(path, **keys), folder))
    if refused:
        with pytest.raises(ConfigurationError, match="does not belong to the owner of its folder"):
            read_ring(tmp_path)
    else:
        assert read_ring(tmp_path) == RING


def test_writers_take_turns(tmp_path: Path) -> None:
    """Who holds the folder is alone with it, among threads as among processes."""
    entered, seen = threading.Event(), []

    def second() -> None:
        entered.set()
        with changing(tmp_path):
            seen.append("second")

    thread = threading.Thread(target=second)
    with changing(tmp_path):
        thread.start()
        assert entered.wait(10)
        seen.append("first")
    thread.join(10)
    assert ["first", "second"] == seen


def test_another_file_has_another_stamp(tmp_path: Path) -> None:
    """A ring in the place of another is told from it, as are other permissions."""
    write_ring(tmp_path, RING)
    first = stamp_of(tmp_path)
    write_ring(tmp_path, RING)
    second = stamp_of(tmp_path)
    assert first != second
    assert second == stamp_of(tmp_path)
