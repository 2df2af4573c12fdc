"""What a route wants in words, for people who ask.

Owns: the words.
Must never know: how a requirement is met. Of claims it names the names only: values may come from a secret store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Access, Ask
from jwtmw.proof.evidence import Proofs


def ask_in_words(ask: Ask) -> str:
    """As `a token with scope orders:read`; `nothing` where everybody passes."""
    match ask.access:
        case Access.DENY:
            return "nobody passes"
        case Access.PUBLIC:
            return "nothing"
        case Access.OPTIONAL:
            words = "no token, or one"
        case _:
            words = "a token"
    if not ask.requirement.is_empty:
        words = f"{words} with {in_words(ask.requirement)}"
    return words if ask.proofs is None else f"{words}, {proofs_in_words(ask.proofs)}"


def in_words(requirement: Requirement) -> str:
    """As `scope orders:read and role clerk`; "nothing more" where every verified caller meets it."""
    return " and ".join(_parts(requirement)) or "nothing more"


def proofs_in_words(proofs: Proofs) -> str:
    """As `bound to the body by sha-256, for one use`."""
    body = [] if proofs.body is None else [f"bound to the body by {proofs.body}"]
    return ", ".join([*body, "for one use"] if proofs.single_use else body)


def _parts(wanted: Requirement) -> Iterator[str]:
    yield from (f"issuer {_either(names)}" for names in wanted.issuers)
    yield from (f"audience {_either(names)}" for names in wanted.audience)
    yield from (f"scope {name}" for name in wanted.scopes)
    yield from (f"scope {_either(names)}" for names in wanted.any_scope)
    yield from (f"role {name}" for name in wanted.roles)
    yield from (f"role {_either(names)}" for names in wanted.any_role)
    yield from (f"claim {name}" for name, _ in wanted.claims)
    yield from (_either([in_words(each) for each in group], "either (", ") or (", ")") for group in wanted.any_of)


def _either(texts: Sequence[str], before: str = "", between: str = " or ", behind: str = "") -> str:
    return texts[0] if len(texts) == 1 else f"{before}{between.join(texts)}{behind}"
