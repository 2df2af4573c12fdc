"""The documentation runs: every ```python and ```toml block of README.md and docs/**/*.md.

The python blocks of one page run in their order in one namespace, in an empty folder, with the environment variables
of a test issuer that serves; the name `issuer` is that `jwtmw.testing.TestIssuer`. An HTML comment that opens with
`<!-- check` is a python block that readers do not see: assertions about the blocks before it.

A toml block is parsed. After a line `<!-- load -->` it must load as a policy too.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from jwtmw.testing import TestIssuer

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {"python", "toml", "sh", "json", "http", "text", "mermaid", "nginx", "yaml", "caddyfile"}
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)(?P<rest>.*)$")


class Block(NamedTuple):
    language: str
    text: str
    line: int
    """Of the block's first line, from 1."""
    loaded: bool


def blocks(page: str) -> list[Block]:
    """The blocks of a page; raises ValueError for one that is not closed or whose language nobody knows."""
    found: list[Block] = []
    lines = iter(enumerate(page.splitlines(), start=1))
    before = ""
    for number, line in lines:
        if line.startswith("<!-- check"):
            found.append(Block("python", _until("-->", lines, number), number + 1, loaded=False))
        elif fence := FENCE.match(line):
            language = fence["language"]
            if language not in LANGUAGES or fence["rest"]:
                raise ValueError(f"line {number}: ```{language}{fence['rest']} is none of {sorted(LANGUAGES)}")
            text = _until(f"{fence['indent']}```", lines, number, len(fence["indent"]))
            found.append(Block(language, text, number + 1, before == "<!-- load -->"))
        before = line.strip()
    return found


def _until(end: str, lines, opened: int, indent: int = 0) -> str:
    taken: list[str] = []
    for _, line in lines:
        if line == end:
            return "\n".join(taken) + "\n"
        taken.append(line[indent:])
    raise ValueError(f"line {opened}: the block is never closed")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page shows as Python runs as it stands."""
    monkeypatch.chdir(tmp_path)
    with TestIssuer() as issuer:
        for variable, value in issuer.environment().items():
            monkeypatch.setenv(variable, value)
        namespace = {"__name__": "snippet", "issuer": issuer}
        for block in blocks(page.read_text(encoding="utf-8")):
            if block.language == "python":
                # Blank lines in front, so that a traceback shows the page's own line numbers.
                exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_toml_blocks_are_what_they_say(page: Path, tmp_path: Path) -> None:
    """What a page shows as TOML parses, and what it marks as a policy loads as one."""
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language == "toml":
            assert tomllib.loads(block.text), f"line {block.line}"
            if block.loaded:
                from jwtmw import Policy

                file = tmp_path / f"line-{block.line}.toml"
                file.write_text(block.text, encoding="utf-8")
                Policy.load(file)


def test_blocks_are_found_where_they_are() -> None:
    """Fences, indented ones, marks and hidden checks are read with their first line's number."""
    page = "# a\n```python\nx = 1\n```\n<!-- check\nassert x\n-->\n\n"
    page += "<!-- load -->\n```toml\na = 1\n```\n  ```sh\n  ls\n  ```\n"
    assert [
        Block("python", "x = 1\n", 3, loaded=False),
        Block("python", "assert x\n", 6, loaded=False),
        Block("toml", "a = 1\n", 11, loaded=True),
        Block("sh", "ls\n", 14, loaded=False),
    ] == blocks(page)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        pytest.param("```python\nx\n", "line 1: the block is never closed", id="open-fence"),
        pytest.param("a\n<!-- check\nx\n", "line 2: the block is never closed", id="open-check"),
        pytest.param("```py\n```\n", "line 1: ```py is none of", id="unknown-language"),
        pytest.param("```python no-run\n```\n", "line 1: ```python no-run is none of", id="attribute"),
        pytest.param("```\n```\n", "line 1: ``` is none of", id="no-language"),
    ],
)
def test_a_block_cannot_slip_through(page: str, message: str) -> None:
    """A block that would not be run for its spelling is an error."""
    with pytest.raises(ValueError, match=re.escape(message)):
        blocks(page)
