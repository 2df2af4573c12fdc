"""The base of every table of the configuration.

Owns: that tables are strict, immutable and silent.
Must never know: any key.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all: strict, immutable, silent about its values."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []
