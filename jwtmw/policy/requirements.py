"""What a verified caller must have: scopes, roles, claims, and which issuer and audience count.

Owns: how requirements are built, added up, and compared with a caller.
Must never know: paths, tokens, how a refusal is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from jwtmw.claimpath import claim_at
from jwtmw.decision import Code, Reason
from jwtmw.errors import ConfigurationError
from jwtmw.policy.values import Claims, Scalar, Texts, holds, read_claims, read_scopes, read_texts

_KEYS: Final = ("scopes", "any_scope", "roles", "any_role", "claims", "issuers", "audience")


class Caller(Protocol):
    """What is read of a principal; `issuer_name` is the configured name, `audience` the token's."""

    @property
    def issuer_name(self) -> str: ...  # noqa: D102
    @property
    def audience(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def scopes(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def roles(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def claims(self) -> Mapping[str, Any]: ...  # noqa: D102


_Check = Callable[[Caller], Reason | None]


@dataclass(frozen=True, slots=True)
class Requirement:
    """A conjunction: every member must be met. Build it with `Requirement.of`, add up with `&`.

    Members that are met by one of several texts hold one tuple for each requirement that was added up.
    """

    scopes: Texts = ()
    roles: Texts = ()
    any_scope: tuple[Texts, ...] = ()
    any_role: tuple[Texts, ...] = ()
    claims: Claims = ()
    issuers: tuple[Texts, ...] = ()
    audience: tuple[Texts, ...] = ()
    any_of: tuple[tuple[Requirement, ...], ...] = ()
    _checks: tuple[_Check, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_checks", tuple(_checks(self)))

    @classmethod
    def of(
        cls,
        *,
        scopes: Iterable[str] | None = None,
        any_scope: Iterable[str] | None = None,
        roles: Iterable[str] | None = None,
        any_role: Iterable[str] | None = None,
        claims: Mapping[str, Any] | None = None,
        issuers: Iterable[str] | None = None,
        audience: Iterable[str] | None = None,
        any_of: Iterable[Mapping[str, Any] | Requirement] | None = None,
        key: str = "",
    ) -> Requirement:
        """One requirement from the configuration's keys; None is a key that was not written.

        `key` is the configuration key that holds them. Raises `ConfigurationError` for what cannot be meant, such as
        an empty list: nobody could meet it, or everybody.
        """
        return cls(
            scopes=read_scopes(scopes, _join(key, "scopes")),
            roles=read_texts(roles, _join(key, "roles")),
            any_scope=_group(read_scopes(any_scope, _join(key, "any_scope"))),
            any_role=_group(read_texts(any_role, _join(key, "any_role"))),
            claims=read_claims(claims, _join(key, "claims")),
            issuers=_group(read_texts(issuers, _join(key, "issuers"))),
            audience=_group(read_texts(audience, _join(key, "audience"))),
            any_of=_read_alternatives(any_of, _join(key, "any_of")),
        )

    def __and__(self, other: Requirement) -> Requirement:
        """Both must be met."""
        return Requirement(
            scopes=_union(self.scopes, other.scopes),
            roles=_union(self.roles, other.roles),
            any_scope=_union(self.any_scope, other.any_scope),
            any_role=_union(self.any_role, other.any_role),
            claims=_union(self.claims, other.claims),
            issuers=_union(self.issuers, other.issuers),
            audience=_union(self.audience, other.audience),
            any_of=_union(self.any_of, other.any_of),
        )

    @property
    def is_empty(self) -> bool:
        """Whether every verified caller meets it."""
        return not self._checks

    @property
    def scopes_wanted(self) -> Texts:
        """Every scope that is named, for the challenge: `scopes`, then `any_scope`, then those of `any_of`."""
        inner = [alternative.scopes_wanted for group in self.any_of for alternative in group]
        return _union(self.scopes, *self.any_scope, *inner)

    @property
    def issuer_names(self) -> frozenset[str]:
        """Every issuer that is named."""
        inner = [alternative.issuer_names for group in self.any_of for alternative in group]
        return frozenset().union(*self.issuers, *inner)

    def unmet(self, caller: Caller) -> Reason | None:
        """None where `caller` meets everything, else why not.

        A caller of another issuer or audience (401) is told so before one who lacks scopes, roles or claims (403).
        """
        lacking = None
        for check in self._checks:
            reason = check(caller)
            if reason is not None and reason.code is Code.TOKEN_INVALID:
                return reason
            lacking = lacking or reason
        return lacking


def _checks(wanted: Requirement) -> Iterator[_Check]:
    for names in wanted.issuers:
        yield partial(_check_issuer, frozenset(names))
    for names in wanted.audience:
        yield partial(_check_audience, frozenset(names))
    if wanted.scopes:
        yield partial(_check_scopes, frozenset(wanted.scopes))
    for names in wanted.any_scope:
        yield partial(_check_any_scope, frozenset(names))
    if wanted.roles:
        yield partial(_check_roles, frozenset(wanted.roles))
    for names in wanted.any_role:
        yield partial(_check_any_role, frozenset(names))
    for name, allowed in wanted.claims:
        yield partial(_check_claim, name, allowed)
    for alternatives in wanted.any_of:
        yield partial(_check_any_of, alternatives)


def _check_issuer(names: frozenset[str], caller: Caller) -> Reason | None:
    return None if caller.issuer_name in names else Reason.ROUTE_ISSUER


def _check_audience(names: frozenset[str], caller: Caller) -> Reason | None:
    return Reason.ROUTE_AUDIENCE if names.isdisjoint(caller.audience) else None


def _check_scopes(names: frozenset[str], caller: Caller) -> Reason | None:
    return None if names <= caller.scopes else Reason.SCOPE_MISSING


def _check_any_scope(names: frozenset[str], caller: Caller) -> Reason | None:
    return Reason.SCOPE_MISSING if names.isdisjoint(caller.scopes) else None


def _check_roles(names: frozenset[str], caller: Caller) -> Reason | None:
    return None if names <= caller.roles else Reason.ROLE_MISSING


def _check_any_role(names: frozenset[str], caller: Caller) -> Reason | None:
    return Reason.ROLE_MISSING if names.isdisjoint(caller.roles) else None


def _check_claim(name: str, allowed: frozenset[Scalar], caller: Caller) -> Reason | None:
    return None if holds(claim_at(caller.claims, name), allowed) else Reason.CLAIM_MISMATCH


def _check_any_of(alternatives: tuple[Requirement, ...], caller: Caller) -> Reason | None:
    """None where one alternative is met, else the most telling reason: 403 where one lacks only what can be granted."""
    reasons: list[Reason] = []
    for alternative in alternatives:
        reason = alternative.unmet(caller)
        if reason is None:
            return None
        reasons.append(reason)
    return next((reason for reason in reasons if reason.code is Code.INSUFFICIENT_SCOPE), reasons[0])


def _read_alternatives(
    values: Iterable[Mapping[str, Any] | Requirement] | None, key: str
) -> tuple[tuple[Requirement, ...], ...]:
    if values is None:
        return ()
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise ConfigurationError(key, "must be a list of requirements", 'Write [{ scopes = ["a"] }, { roles = ["b"] }]')
    group = tuple(_read_alternative(value, f"{key}[{index}]") for index, value in enumerate(values))
    if not group:
        raise ConfigurationError(key, "no alternative is given, so nobody can pass", "Name at least one")
    return (group,)


def _read_alternative(value: object, key: str) -> Requirement:
    if isinstance(value, Mapping):
        for name in value:
            if name not in _KEYS:
                raise ConfigurationError(f"{key}.{name}", "no such key in an alternative", f"Use {', '.join(_KEYS)}")
        value = Requirement.of(**value, key=key)
    if not isinstance(value, Requirement):
        raise ConfigurationError(key, "must be a requirement", 'Write { scopes = ["a"] }')
    if value.any_of:
        raise ConfigurationError(key, "an alternative cannot hold any_of itself", "Alternatives have one level")
    if value.is_empty:
        raise ConfigurationError(key, "an empty alternative lets everybody in", "Name what it requires, or drop it")
    return value


def _group(texts: Texts) -> tuple[Texts, ...]:
    return (texts,) if texts else ()


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _union(*members: tuple[Any, ...]) -> tuple[Any, ...]:
    """All elements in their order, each once."""
    return tuple(dict.fromkeys(element for member in members for element in member))
