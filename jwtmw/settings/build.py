"""From checked tables to `Settings`: defaults filled in, key files read.

Owns: what "checked and filled in" means.
Must never know: sources, the environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from jwtmw.errors import ConfigurationError
from jwtmw.issuers.fetch import HttpSettings
from jwtmw.settings.check import problems
from jwtmw.settings.check_issuers import algorithms_of, issuer_name
from jwtmw.settings.check_proof import warn_of_weak_hashes
from jwtmw.settings.environment import Modes
from jwtmw.settings.introspection import endpoint_of
from jwtmw.settings.keys import key_material, warn_of_weakness
from jwtmw.settings.material import KeyMaterial
from jwtmw.settings.outgoing import outgoing_terms
from jwtmw.settings.schema import Http, Settings, SettingsCommon, SettingsTable
from jwtmw.settings.schema_issuers import Issuer, IssuerCommon, IssuerTable, KeySource
from jwtmw.settings.table import Table
from jwtmw.settings.vaults import vault_material


def settings_of(
    table: SettingsTable, modes: Modes, source: str, folder: Path, opaque: frozenset[str] = frozenset()
) -> Settings:
    """The settings in force.

    `opaque` are the paths of references that nobody resolved: what stands there is neither judged nor handed on. They
    are given in non-secure mode, where no key file is read either. Raises ConfigurationError for the first problem.
    """
    for problem in problems(table):
        if problem.key not in opaque and not any(_is_in(path, problem.key) for path in opaque):
            raise problem
    if modes.secure and modes.inbound:
        _require_issuers(table)
        warn_of_weak_hashes(table.rules)
    issuers = (
        _issuer(issuer, table, f"issuers[{index}]", folder if modes.secure else None)
        for index, issuer in enumerate(table.issuers)
    )
    common = _common(table, SettingsCommon)
    if modes.secure:
        common["http"] = _http(table.http, folder)
    common |= {"secure": modes.secure, "inbound": modes.inbound, "report_only": modes.report_only}
    outgoing = {name: outgoing_terms(name, table, folder) if modes.secure else None for name in table.outgoing}
    return Settings(**_without(opaque, common), issuers=tuple(issuers), outgoing=outgoing, source=source)


def _is_in(path: str, key: str) -> bool:
    return path == key or path.startswith((f"{key}.", f"{key}["))


def _without(opaque: frozenset[str], common: dict[str, Any]) -> dict[str, Any]:
    """Without the top-level keys and the single rules that hold a reference which nobody resolved."""
    common["rules"] = tuple(
        rule
        for index, rule in enumerate(common["rules"])
        if not any(_is_in(path, f"rules[{index}]") for path in opaque)
    )
    return {
        key: value for key, value in common.items() if key == "rules" or not any(_is_in(path, key) for path in opaque)
    }


def _require_issuers(table: SettingsTable) -> None:
    needed = table.default == "authenticated" or any(
        rule.allow in ("authenticated", "optional") for rule in table.rules
    )
    if needed and not table.issuers:
        cure = "Write for example [[issuers]] with issuer and audience; where there is none, secure = false"
        raise ConfigurationError("issuers", "there is none, so no token could be good", cure)


def _common(table: Table, kind: type[Table]) -> dict[str, Any]:
    return {name: getattr(table, name) for name in kind.__struct_fields__}


def _issuer(table: IssuerTable, whole: SettingsTable, key: str, folder: Path | None) -> Issuer:
    algorithms = algorithms_of(table)
    material = None
    if folder is not None:
        warn_of_weakness(table, key, algorithms)
        material = _material(table, key, whole, folder)
    common = _common(table, IssuerCommon)
    common["token_types"] = tuple(_type(text) for text in table.token_types)
    return Issuer(
        **common,
        name=issuer_name(table) or "",
        audience=table.audience or (),
        algorithms=algorithms,
        subjects=table.subjects or (),
        leeway=whole.leeway if table.leeway is None else table.leeway,
        key_source=table.key_source or KeySource(),
        key_material=material,
        consumer_claim=table.consumer_claim or "key",
    )


def _material(table: IssuerTable, key: str, whole: SettingsTable, folder: Path) -> KeyMaterial:
    if table.introspection is not None:
        return endpoint_of(table, table.introspection, f"{key}.introspection", folder)
    if table.vault is not None:
        return vault_material(table.vault, whole, folder)
    return key_material(table, key, folder)


def _type(text: str) -> str:
    """RFC 7515, 4.1.9: `application/` may be left out where no other slash follows; case does not count."""
    short = text.lower().removeprefix("application/")
    return text.lower() if "/" in short else short


def _http(table: Http, folder: Path) -> Http:
    if table.ca_file is None:
        return table
    path = str(folder / table.ca_file)
    HttpSettings(ca_file=path)
    return msgspec.structs.replace(table, ca_file=path)
