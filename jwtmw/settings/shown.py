"""A configuration as it may be shown: TOML, with the references as they are written, and without secrets.

Owns: which texts are harmless. What is not in the lists here is hidden, so that a new key is hidden until somebody
decides.
Must never know: what a reference stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jwtmw.settings.grammar import is_variable
from jwtmw.settings.schema import TABLES, Settings, SettingsTable

HIDDEN = "(hidden)"

_PLACES = "header scheme query cookie subprotocol"
_WANTED = "scopes any_scope roles any_role issuers audience"
_HARMLESS = {
    "": "secure_env disable_inbound_env default realm error_format origins identity_headers external_url",
    "token_from[]": _PLACES,
    "http": "ca_file",
    "revocation": "store key",
    "gateway": "kind path method_header target_header internal_header map_status",
    "replay": "store key",
    "issuers[]": "name issuer audience algorithms subjects profile jwks_path jwks_file public_key_file secret_encoding"
    " required_claims token_types scope_claim roles_claim consumer_claim anonymous_consumer",
    "issuers[].token_from[]": _PLACES,
    "issuers[].introspection": "auth client_id private_key_file key_id algorithm assertion_audience",
    "issuers[].vault": "name verify client_id",
    "issuers[].consumers[]": "name secret_encoding public_key_file algorithm",
    "rules[]": f"path methods allow body {_WANTED}",
    "rules[].any_of[]": _WANTED,
    "outgoing.*": "hosts source header scheme auth client_id private_key_file key_id algorithm assertion_audience"
    " scopes audience resource subject_token_type vault role issuer body file",
    "vault.*": "namespace token_file kv_mount ca_file",
    "vault.*.userpass": "mount",
    "vault.*.approle": "mount",
}
SHOWN = frozenset(f"{section}.{key}".removeprefix(".") for section, keys in _HARMLESS.items() for key in keys.split())
"""The paths of the texts that are shown, but for what a URL among them may hide."""
URLS = frozenset(
    (
        *("http.proxy", "revocation.url", "replay.url", "issuers[].jwks_url", "issuers[].discovery_url"),
        *("issuers[].introspection.url", "vault.*.url", "outgoing.*.token_url"),
    )
)
"""The paths of texts that are shown as far as they are URLs: without userinfo, query and fragment."""

_SWITCHES = ("secure", "inbound", "report_only")
_CLAIMS = ("rules[].claims", "rules[].any_of[].claims")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def shown(raw: dict[str, Any], settings: Settings) -> str:
    """What is written, `raw`, and what became of it, `settings`: TOML under comments that say where it came from."""
    written = {name: raw.get(name, getattr(SettingsTable(), name)) for name in _SWITCHES}
    overridden = {name: getattr(settings, name) for name in _SWITCHES if getattr(settings, name) != written[name]}
    comments = [f"# {_escaped(settings.source)}", *(f"# {name} is what the environment says" for name in overridden)]
    return "\n".join([*comments, *toml(without_secrets(raw | overridden))])


def without_secrets(raw: dict[str, Any]) -> dict[str, Any]:
    """A copy with `HIDDEN` in the place of every value that is not known to be harmless."""
    return {key: _shown(member, key) for key, member in raw.items()}


def toml(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """The lines of a table that is made of dict, list, str, bool, int and float."""
    nested = {key: member for key, member in table.items() if isinstance(member, dict) or _is_list_of_tables(member)}
    yield from (f"{_key(key)} = {_value(member)}" for key, member in table.items() if key not in nested)
    for key, member in nested.items():
        name = ".".join(map(_key, (*path, key)))
        header = f"[{name}]" if isinstance(member, dict) else f"[[{name}]]"
        for each in [member] if isinstance(member, dict) else member:
            yield ""
            yield header
            yield from toml(each, (*path, key))


def _shown(value: Any, place: str) -> Any:
    """The value at a place of the schema, as in `issuers[].name`."""
    if isinstance(value, dict):
        return _table(value, place)
    if isinstance(value, list):
        return [_shown(member, f"{place}[]") for member in value]
    if isinstance(value, str):
        return _text(value, place.removesuffix("[]"))
    return value if isinstance(value, bool | int | float) else HIDDEN


def _table(table: dict[str, Any], place: str) -> Any:
    if place in {"vault", "outgoing"}:
        return {name: _shown(member, f"{place}.*") for name, member in table.items()}
    if place in TABLES:
        return {key: _shown(member, f"{place}.{key}") for key, member in table.items()}
    if place in SHOWN:
        return {key: _shown(member, place) for key, member in table.items()}
    if place in _CLAIMS:  # their names are shown, as `jwtmw check` has it; what a token must say may be secret
        return {key: _shown(member, "") if isinstance(member, str) else HIDDEN for key, member in table.items()}
    return HIDDEN


def _text(text: str, place: str) -> str:
    if _is_reference(text):
        return text
    if place in URLS or (place in SHOWN and "://" in text):
        return _public_part(text)
    return text if place in SHOWN else HIDDEN


def _is_reference(text: str) -> bool:
    """Whether it leads to a value; in non-secure mode, where nobody follows it, a text may only look like one."""
    scheme, _, rest = text.partition("://")
    return is_variable(rest) if scheme == "$ENV" else scheme in ("$FILE", "$secret")


def _public_part(url: str) -> str:
    """The URL (RFC 3986) without userinfo, query and fragment; nothing of a text that only looks like one."""
    match = _URL.fullmatch(url)
    # A password with a bare "/", "?" or "#" ends the authority too early.
    if match is None or "@" in url[match.end(2) :]:
        return HIDDEN
    scheme, authority, path, query, fragment = match.groups("")
    userinfo, at, host = authority.rpartition("@")
    parts = (scheme, userinfo and HIDDEN, at, host, path, query and f"?{HIDDEN}", fragment and f"#{HIDDEN}")
    return "".join(parts)


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and value != [] and all(isinstance(member, dict) for member in value)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else f'"{_escaped(key)}"'


def _value(value: Any) -> str:
    if isinstance(value, str):
        return f'"{_escaped(value)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"[{', '.join(map(_value, value))}]" if isinstance(value, list) else repr(value)


def _escaped(text: str) -> str:
    """What a basic string of TOML holds; nothing that plays tricks on a terminal."""
    return "".join(map(_escaped_character, text))


def _escaped_character(character: str) -> str:
    if character in ('"', "\\"):
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
