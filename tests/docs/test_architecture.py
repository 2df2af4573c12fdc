"""docs/architecture.md is kept true: what it names exists, and it names every room."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
PATHS = [text for text in QUOTED if re.fullmatch(r"[\w.]+/[\w./]*|\w+\.(?:py|toml|md|ini)", text)]
ROOMS = {path.name.removesuffix(".py") for path in (ROOT / "jwtmw").iterdir() if path.suffix in ("", ".py")} - {
    "__init__",
    "__main__",
    "__pycache__",
}
NAMES = [text for text in QUOTED if re.fullmatch(r"\w+(?:\.\w+)+", text) and text.partition(".")[0] in ROOMS]


@pytest.mark.parametrize("path", PATHS)
def test_what_it_names_by_path_exists(path: str) -> None:
    """Each path is there; a bare file name is one somewhere below tests/."""
    assert (ROOT / path).exists() or ("/" not in path and any((ROOT / "tests").rglob(path)))


@pytest.mark.parametrize("name", NAMES)
def test_what_it_names_by_name_exists(name: str) -> None:
    """Each dotted name can be imported from the package."""
    assert resolve_name(f"jwtmw.{name}") is not None


def test_it_names_every_room() -> None:
    """A new module or package of jwtmw/ finds its place on the page."""
    rooms = {f"jwtmw/{name}.py" if (ROOT / "jwtmw" / f"{name}.py").exists() else f"jwtmw/{name}/" for name in ROOMS}
    assert set() == {room for room in rooms if f"`{room}`" not in PAGE}


def test_there_is_something_to_check() -> None:
    """The patterns above find paths and names, the engine's among them."""
    assert "jwtmw/engine.py" in PATHS
    assert "engine.Engine.decide_now" in NAMES
    assert importlib.import_module("jwtmw.engine")
