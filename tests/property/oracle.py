"""What must hold, worked out the slow way: every rule in turn, segment by segment, by nothing but the documentation.

Owns: an answer to "may this caller have this endpoint at this path", independent of the one that is tested.
Must never know: jwtmw, frameworks.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from tests.property.model import Mark, PolicyDraw, Rule

STATUS = {
    "bad_path": 400,
    "bad_method": 400,
    "invalid_request": 400,
    "token_missing": 401,
    "token_invalid": 401,
    "insufficient_scope": 403,
    "forbidden": 403,
}
STANDARD = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"}
STRICTNESS = ("public", "optional", "authenticated", "deny")
HEX = set("0123456789abcdefABCDEF")


@dataclass(frozen=True)
class Caller:
    """What a caller presents: so many tokens, and what the one is worth: its scopes, None for a bad one."""

    tokens: int = 0
    scopes: frozenset[str] | None = None
    preflight: bool = False


@dataclass(frozen=True)
class Place:
    """Where a request is judged: method and path as a router goes by them; `raw` is what was received, if anything."""

    method: str
    path: str
    raw: bytes | None = None


def problem(policy: PolicyDraw, marks: tuple[Mark, ...], place: Place, caller: Caller) -> str | None:
    """The code of the refusal, None where the caller may pass."""
    if misleading(place.path) or (place.raw is not None and misreceived(place.raw)):
        return "bad_path"
    if place.method not in STANDARD.union(*(rule.methods for rule in policy.rules)):
        return "bad_method"
    if place.method == "OPTIONS" and caller.preflight:
        return None
    access, scopes = wanted(policy, marks, place)
    if access == "deny":
        return "forbidden"
    if access == "public" or (access == "optional" and caller.tokens == 0):
        return None
    if caller.tokens != 1:
        return "invalid_request" if caller.tokens else "token_missing"
    if caller.scopes is None:
        return "token_invalid"
    return None if scopes <= caller.scopes else "insufficient_scope"


def wanted(policy: PolicyDraw, marks: tuple[Mark, ...], place: Place) -> tuple[str, set[str]]:
    """What rule and marks want together; the default where neither speaks."""
    rule = best(policy.rules, place)
    scopes = {scope for mark in marks for scope in mark.scopes}
    levels = ["authenticated" if mark.access == "requires" else mark.access for mark in marks]
    marked = max(levels, key=STRICTNESS.index, default=policy.default)
    if rule is None:
        return marked, scopes
    if scopes or "authenticated" in levels:
        return max(marked, rule.allow, key=STRICTNESS.index), scopes | set(rule.scopes)
    return rule.allow, set(rule.scopes)


def best(rules: tuple[Rule, ...], place: Place) -> Rule | None:
    """The most specific rule that covers the method."""
    fitting = [(fit, rule) for rule in rules if (fit := fits(rule, place)) is not None]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def fits(rule: Rule, place: Place) -> tuple[list[int], int] | None:
    """How specific the rule is, the more the greater; None where it does not cover path and method."""
    named = place.method in rule.methods
    if rule.methods and not named and not (place.method == "HEAD" and "GET" in rule.methods):
        return None
    template, path = segments(rule.path), segments(place.path)
    ranks: list[int] = []
    for index, segment in enumerate(template):
        if segment == "**":
            return [*ranks, 0], 2 * named + bool(rule.methods)
        if index == len(path) or not (segment.startswith("{") or segment == path[index]):
            return None
        ranks.append(2 if segment.startswith("{") else 3)
    return ([*ranks, 1], 2 * named + bool(rule.methods)) if len(template) == len(path) else None


def segments(path: str) -> list[str]:
    """A trailing slash does not distinguish."""
    return path.removesuffix("/").split("/")[1:]


def misleading(path: str) -> bool:
    """Whether two readers could take a decoded path for different ones."""
    pieces = path.split("/")
    return (
        not path.startswith("/")
        or "" in pieces[1:-1]
        or "." in pieces
        or ".." in pieces
        or any(character in ";\\\u2028\u2029\ufffd" or control(ord(character)) for character in path)
        or any(escape(path[index + 1 :]) for index, character in enumerate(path) if character == "%")
    )


def control(code: int) -> bool:
    return code < 0x20 or 0x7F <= code < 0xA0


def escape(behind: str) -> bool:
    """Whether a percent sign before this would be decoded a second time, by those who decode %uXXXX too."""
    digits = behind[1:5] if behind[:1] == "u" else behind[:2]
    return len(digits) in (2, 4) and set(digits) <= HEX and (len(digits) == 4 or behind[:1] != "u")


def misreceived(raw: bytes) -> bool:
    """Whether the path on the wire is malformed, or hides a slash."""
    for index, byte in enumerate(raw):
        escaped = raw[index + 1 : index + 3].decode("latin-1")
        if not 0x21 <= byte <= 0x7E or byte == ord("#"):
            return True
        if byte == ord("%") and (len(escaped) < 2 or not set(escaped) <= HEX or escaped.lower() == "2f"):
            return True
    return False


def decoded(raw: bytes) -> str:
    """The path on the wire, once decoded."""
    return unquote(raw.decode("latin-1"), "utf-8", "replace")
