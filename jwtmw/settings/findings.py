"""How a check says what is wrong.

Owns: the few forms that a problem takes.
Must never know: which key is checked for what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jwtmw.errors import ConfigurationError
from jwtmw.settings.examples import example_of
from jwtmw.settings.grammar import is_plain, near

Findings = Iterator[ConfigurationError]


def wrong(key: str, problem: str, cure: str = "") -> ConfigurationError:
    """The problem with a cure: the given one, else a right example of the key."""
    return ConfigurationError(key, problem, cure or f"Write for example {example_of(key)}")


def wrong_name(key: str) -> ConfigurationError:
    """The problem of a table whose name is none; what was written there is not shown."""
    return wrong(key, "has a table whose name is none", "Name it with letters, digits, - and _ only")


def one_of(value: str, known: tuple[str, ...], key: str) -> Findings:
    """A problem where `value` is none of the `known`."""
    if value not in known:
        meant = near(value, known)
        cure = f'Did you mean "{meant}"?' if meant else f"Write one of {', '.join(known)}"
        yield ConfigurationError(key, "has no such value", cure)


def each(values: tuple[str, ...] | None, key: str, holds: Callable[[str], bool], problem: str) -> Findings:
    """A problem for an empty list, and for each text of which `holds` is not true."""
    if values == ():
        yield wrong(key, "is an empty list", "Name at least one, or leave the key out")
    for index, value in enumerate(values or ()):
        if not holds(value):
            yield wrong(f"{key}[{index}]", problem)


def plain_text(value: str | None, key: str) -> Findings:
    """A problem for a text that is empty, unprintable or has blanks around it."""
    if value is not None and not is_plain(value):
        yield wrong(key, "must be text without control characters and blanks around it, and not empty")


def audiences(values: tuple[str, ...] | None, key: str) -> Findings:
    """Audiences are compared exactly: no patterns, and a list instead of commas."""
    yield from each(values, key, is_plain, "must be text without control characters and blanks around it")
    for index, value in enumerate(values or ()):
        if "," in value:
            yield wrong(
                f"{key}[{index}]",
                "holds a comma",
                f'Two audiences are two texts: {key.rpartition(".")[2]} = ["a", "b"]',
            )
        if "*" in value or value.startswith("^") or value.endswith("$"):
            yield wrong(f"{key}[{index}]", "looks like a pattern", "Audiences are compared exactly; write each in full")
