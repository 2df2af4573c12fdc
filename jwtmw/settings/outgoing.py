"""From the tables of outgoing calls to what their sources are made of: keys read, Vaults and defaults filled in.

Owns: what "checked and filled in" means here.
Must never know: how a source comes by its tokens, HTTP clients.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from jwtmw.settings.introspection import private_key_of, signing_algorithm, way_of
from jwtmw.settings.material import OutgoingTerms
from jwtmw.settings.schema import SettingsTable
from jwtmw.settings.schema_outgoing import Outgoing
from jwtmw.settings.vaults import login_for, server_of


def outgoing_terms(name: str, whole: SettingsTable, folder: Path) -> OutgoingTerms:
    """The checked table `name`, filled in. Raises ConfigurationError for a file that is none."""
    table = whole.outgoing[name]
    if table.source == "vault":
        vault = whole.vault[table.vault or ""]
        return OutgoingTerms(table, server_of(table.vault or "", vault, whole.http, folder), login_for(vault, folder))
    return OutgoingTerms(msgspec.structs.replace(table, **_filled(table, f"outgoing.{name}", folder)))


def _filled(table: Outgoing, key: str, folder: Path) -> dict[str, Any]:
    if table.source == "file":
        return {"file": str(folder / (table.file or ""))}
    if table.source == "self_signed" or way_of(table) == "private_key_jwt":
        pem = private_key_of(table, key, folder)
        # The endpoint's own URL is an audience that every one takes (RFC 7523 section 3).
        audience = table.assertion_audience or table.token_url
        signing = {"private_key": pem, "algorithm": signing_algorithm(pem, table.algorithm)}
        return {**signing, "auth": way_of(table), "assertion_audience": audience}
    return {"auth": way_of(table)}
