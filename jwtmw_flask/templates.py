"""How paths of the policy's rules and routes of Flask lie to each other, for people who read a table of routes.

Owns: which rules speak for some values of a route's variables and not for others.
Must never know: requests. What a request needs is never decided here.
"""

from __future__ import annotations

from jwtmw.adapter import Rule


def may_cover(rule: Rule, method: str, route: str) -> bool:
    """Whether the rule speaks for this route only where its variables have some values and not others."""
    if rule.methods is not None and method not in rule.methods and not (method == "HEAD" and "GET" in rule.methods):
        return False
    return _by_value(_segments(rule.path), _segments(route)) is True


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _by_value(wanted: list[str], given: list[str]) -> bool | None:
    """None: never; False: for all values alike; True: it depends on the values."""
    depends = False
    for index, segment in enumerate(given):
        rest = wanted[index:]
        if rest == ["**"]:
            return depends
        if not rest:
            return None
        if segment.startswith("<path"):
            # It may be any number of segments: only what is behind a tail is covered alike.
            return True
        if not rest[0].startswith("{") and rest[0] != segment:
            if "<" not in segment:
                return None
            depends = True
    left = wanted[len(given) :]
    return depends if left in ([], ["**"]) else None
