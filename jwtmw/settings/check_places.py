"""`token_from`: each place by itself, and all places that are read together.

Owns: which places can be told apart.
Must never know: requests, tokens.
"""

from __future__ import annotations

from collections.abc import Iterator

from jwtmw.settings.examples import example_of
from jwtmw.settings.findings import Findings, wrong
from jwtmw.settings.grammar import is_origin, is_plain, is_token
from jwtmw.settings.schema import SettingsTable
from jwtmw.settings.schema_issuers import Location

_KINDS = ("header", "query", "cookie", "subprotocol")
_CURES = {
    "cookie": "A cookie is a place of its own: { cookie = ... }",
    "sec-websocket-protocol": 'Write { subprotocol = "bearer" }',
}


def location_problems(places: tuple[Location, ...] | None, key: str) -> Findings:
    """What is wrong with one list of places, looked at by itself."""
    if places == ():
        yield wrong(key, "is an empty list", "Name at least one place, or leave the key out")
    for index, place in enumerate(places or ()):
        yield from _kind_problems(place, f"{key}[{index}]")
        yield from _name_problems(place, f"{key}[{index}]")


def conflicts(table: SettingsTable) -> Findings:
    """Places of one header that claim the same value. The global list counts only where an issuer uses it."""
    seen: dict[str, list[Location]] = {}
    for place, key in _places_in_use(table):
        if place.header is not None:
            others = seen.setdefault(place.header.lower(), [])
            if problem := next(filter(None, (_conflict(place, other) for other in others)), None):
                yield wrong(key, *problem)
            others.append(place)


def origin_problems(table: SettingsTable) -> Findings:
    """A cookie travels with requests that other people's pages make, so its places need `origins`, and only they."""
    cookies = [key for place, key in _all_places(table) if place.cookie is not None]
    if cookies and not table.origins:
        cure = f"Name the origins of your pages: {example_of('origins')}"
        yield wrong("origins", f"a token in a cookie needs it ({cookies[0]})", cure)
    elif table.origins and not cookies:
        yield wrong("origins", "no place in token_from is a cookie", "Leave the key out, or add { cookie = ... }")
    for index, origin in enumerate(table.origins):
        if not is_origin(origin):
            problem = "must be one origin as browsers send it: scheme://host[:port], lower-case, without a default port"
            yield wrong(f"origins[{index}]", problem)


def _all_places(table: SettingsTable) -> Iterator[tuple[Location, str]]:
    yield from ((place, f"token_from[{index}]") for index, place in enumerate(table.token_from))
    for number, issuer in enumerate(table.issuers):
        yield from (
            (place, f"issuers[{number}].token_from[{index}]") for index, place in enumerate(issuer.token_from or ())
        )


def _places_in_use(table: SettingsTable) -> Iterator[tuple[Location, str]]:
    if not table.issuers or any(issuer.token_from is None for issuer in table.issuers):
        yield from ((place, f"token_from[{index}]") for index, place in enumerate(table.token_from))
    for number, issuer in enumerate(table.issuers):
        for index, place in enumerate(issuer.token_from or ()):
            yield place, f"issuers[{number}].token_from[{index}]"


def _conflict(one: Location, other: Location) -> tuple[str, str] | None:
    """The problem and its cure; the very same place twice, for two issuers, is none."""
    first, second = (one.scheme or "").lower(), (other.scheme or "").lower()
    if bool(first) != bool(second):
        cure = "Write one place, with the scheme and scheme_optional = true"
        return "the same header is read raw and with a scheme", cure
    if first == second and one.scheme_optional != other.scheme_optional:
        return "the same place has scheme_optional only once", "Write the same in both"
    if first != second and one.scheme_optional and other.scheme_optional:
        return "two schemes of one header are optional", "Let one of them be required"
    return None


def _kind_problems(place: Location, key: str) -> Findings:
    kinds = [kind for kind in _KINDS if getattr(place, kind) is not None]
    if len(kinds) != 1:
        given = " and ".join(kinds) or "none of them"
        yield wrong(key, f"must have exactly one of {', '.join(_KINDS)}, but has {given}", "Make each place a table")
    if place.scheme is not None and place.header is None:
        yield wrong(f"{key}.scheme", "only a header has a scheme", "Leave the scheme out")
    if place.scheme_optional and place.scheme is None:
        yield wrong(f"{key}.scheme_optional", "there is no scheme that could be optional", "Name the scheme")


def _name_problems(place: Location, key: str) -> Findings:
    for kind in ("header", "scheme", "cookie", "subprotocol"):
        name = getattr(place, kind)
        if name is not None and not is_token(name):
            yield wrong(f"{key}.{kind}", "must be a token of RFC 9110: letters, digits and marks, no blank")
    if place.query is not None and not is_plain(place.query):
        yield wrong(f"{key}.query", "must be the parameter's name, not empty, without control characters")
    if cure := _CURES.get((place.header or "").lower()):
        yield wrong(f"{key}.header", "this header holds more than a token", cure)
