"""Columns for a terminal."""

from __future__ import annotations

from jwtmw.table import table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """Cells stand under each other, two blanks apart, and no line ends in a blank."""
    assert "a    bb\nccc  d\ne" == table([("a", "bb"), ("ccc", "d"), ("e", "")])


def test_no_rows_are_no_lines() -> None:
    """Nothing to show is shown as nothing."""
    assert "" == table([])
