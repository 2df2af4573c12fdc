"""The table of the forward-auth endpoint: its keys' names, types and defaults.

Owns: the shape of `[gateway]`.
Must never know: where it comes from, which values make sense, what is built from it.
"""

from __future__ import annotations

from jwtmw.settings.table import Table


class Gateway(Table, frozen=True, kw_only=True):
    """Which gateway asks, where, and how it reports the original request; "" is that gateway's usual header."""

    kind: str = ""
    path: str = "/auth"
    method_header: str = ""
    target_header: str = ""
    internal_header: str = "Authorization"
    map_status: dict[str, int] = {}  # noqa: RUF012 (msgspec copies it)
