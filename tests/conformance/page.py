"""The table as the docs keep it: themes by surfaces, and the servers on whose wire it is run.

Owns: docs/conformance.md, its two tables, and comparing or writing them.
Must never know: how a case is run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from tests.conformance.cases import THEMES
from tests.conformance.drivers import Driver
from tests.conformance.schema import Case

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
IN_PROCESS, ON_THE_WIRE = "in process", "on the wire"


def by_theme(drivers: Collection[Driver]) -> Iterator[str]:
    """A row for each theme: how many cases there are, and how many each surface is asked."""
    yield _line(["theme", "cases", *(driver.name for driver in drivers)])
    yield _line(["---", *["--:"] * (len(drivers) + 1)])
    rows = {**THEMES, "all": [case for cases in THEMES.values() for case in cases]}
    for theme, cases in rows.items():
        yield _line([theme.replace("_", " "), str(len(cases)), *(str(_asked(each, cases)) for each in drivers)])


def by_server(asked: Iterable[tuple[Driver, Collection[Case]]]) -> Iterator[str]:
    """A row for each server and what stands behind it: how many cases it is asked."""
    yield _line(["server, and what it serves", "cases"])
    yield _line(["---", "--:"])
    for driver, cases in asked:
        yield _line([driver.name, str(_asked(driver, cases))])


def kept(which: str) -> list[str]:
    """The lines of this table in the docs."""
    return _parts(which)[1].splitlines()


def keep(which: str, lines: Iterable[str]) -> None:
    """Write this table into the docs."""
    before, _, after = _parts(which)
    PAGE.write_text(before + "\n".join(lines) + "\n" + after, encoding="utf-8")


def _asked(driver: Driver, cases: Iterable[Case]) -> int:
    return sum(driver.cannot(case) is None for case in cases)


def _parts(which: str) -> tuple[str, str, str]:
    text = PAGE.read_text(encoding="utf-8")
    mark = f"<!-- {which} -->\n"
    start = text.index(mark) + len(mark)
    end = text.index("<!-- end -->", start)
    return text[:start], text[start:end], text[end:]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
