"""An issuer as configured, and the look-up of the one whose token this is.

Owns: what an issuer's tokens must be like, and that `iss` and the token's place choose the issuer.
Must never know: policy, how a token is parsed, how keys are fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from jwtmw.decision import Reason
from jwtmw.errors import ConfigurationError, TokenRefused

if TYPE_CHECKING:
    from jwtmw.issuers.consumers import Consumers
    from jwtmw.issuers.introspection import Introspector
    from jwtmw.issuers.source import KeySource
    from jwtmw.token.locate import Place


@dataclass(frozen=True, slots=True)
class Issuer:
    """What this service asks of one issuer's tokens. Durations are in seconds.

    name          what rules, logs and metrics call it
    issuer        the exact `iss`; None where its tokens have none
    audience      the values of which `aud` must hold one; where `require_audience` is False, only if there is an `aud`
    client_id_as_audience  whether `client_id` stands for an `aud` that is not there
    algorithms    the names that a token's `alg` may have
    token_types   the values that the header's `typ` may have, lower-case and without "application/"; "" for none
    subjects      the values that `sub` may have, a trailing * stands for any rest; empty for any
    scope_claim   the names under which scopes are looked for; the first that is there counts
    roles_claim   the name of the roles' claim, or a dotted path to it
    max_lifetime  the longest `exp - iat`; None for any
    max_age       the longest time since `iat`; None for any
    places        where its tokens count; None for the policy's own places
    introspector  asks the issuer about each token, instead of a key; None where keys tell
    consumers     those who sign its tokens, each with a key of its own; None where the issuer itself does
    consumer_claim  what of a token names its consumer: a claim, or "kid" for the header's
    """

    name: str
    issuer: str | None
    audience: frozenset[str]
    require_audience: bool
    algorithms: frozenset[str]
    token_types: frozenset[str]
    require_expiry: bool
    required_claims: tuple[str, ...]
    max_lifetime: float | None
    max_age: float | None
    subjects: tuple[str, ...]
    scope_claim: tuple[str, ...]
    roles_claim: str
    leeway: float
    require_issuer: bool
    places: frozenset[Place] | None
    keys: KeySource = field(repr=False)
    introspector: Introspector | None = field(default=None, repr=False)
    client_id_as_audience: bool = False
    consumers: Consumers | None = field(default=None, repr=False)
    consumer_claim: str = "key"

    @property
    def takes_any_iss(self) -> bool:
        """Whether `iss` names one of its consumers, so that none can be the issuer's own."""
        return self.consumers is not None and self.consumer_claim == "iss"


class Issuers:
    """All issuers of a policy. `places` are the policy's own, which hold for issuers that name none.

    Raises `ConfigurationError` for two issuers of one name or one `iss`, for one that no token can reach, and for
    two that take tokens without `iss`, or with any, or opaque tokens, in one place.
    """

    __slots__ = ("_any_iss", "_by_iss", "_by_place", "_opaque", "by_name")

    def __init__(self, issuers: Sequence[Issuer], places: Iterable[Place]) -> None:
        common = frozenset(places)
        self.by_name: Mapping[str, Issuer] = MappingProxyType(_by_name(issuers))
        self._by_iss = _by_iss(issuers, common)
        self._by_place = _by_place(issuers, common)
        self._opaque = _opaque(issuers, common)
        self._any_iss = _any_iss(issuers, common)

    def find(self, iss: str | None, place: Place) -> Issuer:
        """The issuer of a token with this `iss`, found in this place; one dict look-up however many there are.

        Raises `TokenRefused`: ISSUER_UNKNOWN, or PLACE_REFUSED where the issuer's tokens do not count in the place.
        """
        if iss is None:
            return _taking(self._by_place, place)
        found = self._by_iss.get(iss)
        if found is None:
            # Known to be a consumer's or not: only the issuer says, and it takes as long either way.
            return _taking(self._any_iss, place)
        issuer, allowed = found
        if place not in allowed:
            raise TokenRefused(Reason.PLACE_REFUSED)
        return issuer

    def of_opaque(self, place: Place) -> tuple[Issuer, Introspector] | None:
        """The one issuer that can be asked about an opaque token found in this place; None where there is none."""
        return self._opaque.get(place)


def _taking(issuers: Mapping[Place, Issuer], place: Place) -> Issuer:
    issuer = issuers.get(place)
    if issuer is None:
        raise TokenRefused(Reason.ISSUER_UNKNOWN)
    return issuer


def _by_name(issuers: Sequence[Issuer]) -> dict[str, Issuer]:
    found: dict[str, Issuer] = {}
    for index, issuer in enumerate(issuers):
        if found.setdefault(issuer.name, issuer) is not issuer:
            raise ConfigurationError(
                f"issuers[{index}].name", "another issuer has this name", "Give each issuer a name of its own."
            )
    return found


def _by_iss(issuers: Sequence[Issuer], common: frozenset[Place]) -> dict[str, tuple[Issuer, tuple[Place, ...]]]:
    found: dict[str, tuple[Issuer, tuple[Place, ...]]] = {}
    for index, issuer in enumerate(issuers):
        if issuer.issuer in found:
            raise ConfigurationError(
                f"issuers[{index}].issuer", "another entry has this issuer", "Write one entry per issuer."
            )
        if issuer.issuer is not None:
            # A tuple: a few places are compared by identity first, which is quicker than one hash of a place.
            found[issuer.issuer] = (issuer, tuple(_places(issuer, common)))
        elif issuer.require_issuer and not issuer.takes_any_iss:
            raise ConfigurationError(
                f"issuers[{index}].issuer",
                "no token could be of this issuer",
                "Set issuer to the exact iss of its tokens, or require_issuer = false where they have none.",
            )
    return found


def _by_place(issuers: Sequence[Issuer], common: frozenset[Place]) -> dict[Place, Issuer]:
    found: dict[Place, Issuer] = {}
    for index, issuer in enumerate(issuers):
        for place in () if issuer.require_issuer else _places(issuer, common):
            if found.setdefault(place, issuer) is not issuer:
                raise ConfigurationError(
                    f"issuers[{index}].require_issuer",
                    "another issuer takes tokens without iss in the same place",
                    "Give one of the two a token_from of its own.",
                )
    return found


def _opaque(issuers: Sequence[Issuer], common: frozenset[Place]) -> dict[Place, tuple[Issuer, Introspector]]:
    found: dict[Place, tuple[Issuer, Introspector]] = {}
    for index, issuer in enumerate(issuers):
        introspector = issuer.introspector
        if introspector is None or not introspector.takes_opaque:
            continue
        for place in _places(issuer, common):
            if found.setdefault(place, (issuer, introspector))[0] is not issuer:
                raise ConfigurationError(
                    f"issuers[{index}].introspection",
                    "another issuer takes opaque tokens in the same place, and nothing in them tells whose they are",
                    "Give one of the two a token_from of its own.",
                )
    return found


def _any_iss(issuers: Sequence[Issuer], common: frozenset[Place]) -> dict[Place, Issuer]:
    found: dict[Place, Issuer] = {}
    for index, issuer in enumerate(issuers):
        for place in _places(issuer, common) if issuer.takes_any_iss else ():
            if found.setdefault(place, issuer) is not issuer:
                raise ConfigurationError(
                    f"issuers[{index}].consumer_claim",
                    "another issuer finds its consumers by iss in the same place",
                    "Give one of the two a token_from of its own.",
                )
    return found


def _places(issuer: Issuer, common: frozenset[Place]) -> frozenset[Place]:
    return common if issuer.places is None else issuer.places
