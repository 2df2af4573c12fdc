"""Who is calling: the `Principal` that applications see, made of a verified token.

Owns: which claims become subject, client, scopes and roles, and that the token itself is shown nowhere.
Must never know: policy, HTTP, how the token was verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from jwtmw.claimpath import claim_at
from jwtmw.token.claims import ClaimSet, is_safe
from jwtmw.token.frozen import FrozenDict
from jwtmw.token.verify import stand_in_audience

if TYPE_CHECKING:
    from jwtmw.issuers.consumers import Consumer
    from jwtmw.issuers.issuer import Issuer


class Principal:
    """The caller, read-only. Who it is is told by `issuer`, `subject` and `client_id` together, never by one alone;
    where there is a `consumer`, by that: it wrote the rest itself.

    subject           `sub`, None without one
    issuer            `iss`; where the token has none, the configured one, else the issuer's configured name
    issuer_name       what the configuration calls the issuer
    client_id         `client_id`, else `azp`
    audience          `aud`; `client_id` where the issuer's `client_id_as_audience` lets it stand for a missing one
    scopes, roles     from the claims that the issuer's `scope_claim` and `roles_claim` name
    claims            all claims, read-only at every level; `dict(claims)` is a copy to write in
    expires_at        `exp` in epoch seconds, None without one
    is_authenticated  False where no token was read: then everything else is empty
    consumer          whose key verified the token, where the issuer has consumers; its name, key and custom_id
    token             the token as received, to call on in the caller's name; in no repr, and not pickled
    """

    __slots__ = (
        "audience",
        "claims",
        "client_id",
        "consumer",
        "expires_at",
        "is_authenticated",
        "issuer",
        "issuer_name",
        "roles",
        "scopes",
        "subject",
        "token",
    )

    subject: str | None
    issuer: str
    issuer_name: str
    client_id: str | None
    audience: frozenset[str]
    scopes: frozenset[str]
    roles: frozenset[str]
    claims: Mapping[str, Any]
    expires_at: float | None
    is_authenticated: bool
    token: str
    consumer: Consumer | None

    def __init__(
        self,
        *,
        subject: str | None = None,
        issuer: str = "",
        issuer_name: str = "",
        client_id: str | None = None,
        audience: frozenset[str] = frozenset(),
        scopes: frozenset[str] = frozenset(),
        roles: frozenset[str] = frozenset(),
        claims: FrozenDict = FrozenDict(),  # noqa: B008 - read-only
        expires_at: float | None = None,
        is_authenticated: bool = False,
        token: str = "",
        consumer: Consumer | None = None,
    ) -> None:
        assign = object.__setattr__
        assign(self, "subject", subject)
        assign(self, "issuer", issuer)
        assign(self, "issuer_name", issuer_name)
        assign(self, "client_id", client_id)
        assign(self, "audience", audience)
        assign(self, "scopes", scopes)
        assign(self, "roles", roles)
        assign(self, "claims", claims)
        assign(self, "expires_at", expires_at)
        assign(self, "is_authenticated", is_authenticated)
        assign(self, "token", token)
        assign(self, "consumer", consumer)

    @property
    def identity(self) -> str:
        """The consumer's name, else the subject, else the client, else "" (Starlette's `BaseUser`).

        A consumer writes its tokens itself: by a `sub` of its choice it must not pass for another one.
        """
        return self.consumer.name if self.consumer else self.subject or self.client_id or ""

    @property
    def display_name(self) -> str:
        """The same as `identity` (Starlette's `BaseUser`)."""
        return self.identity

    def __repr__(self) -> str:
        return f"Principal(issuer_name={self.issuer_name!r})" if self.is_authenticated else "Principal(anonymous)"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Principal is read-only")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Principal is read-only")

    def __copy__(self) -> Principal:
        return self

    def __deepcopy__(self, memo: object) -> Principal:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Principal is not pickled: it holds the caller's token")


ANONYMOUS = Principal()


def principal_of(token: ClaimSet, issuer: Issuer, raw: bytes, consumer: Consumer | None = None) -> Principal:
    """The caller that `token`, verified for `issuer` by the key of `consumer` and received as `raw`, speaks for."""
    claims = token.claims
    return Principal(
        subject=token.subject,
        issuer=token.issuer or issuer.issuer or issuer.name,
        issuer_name=issuer.name,
        client_id=_client_id(claims),
        audience=token.audience or stand_in_audience(token, issuer),
        scopes=_scopes(claims, issuer.scope_claim),
        roles=_roles(claim_at(claims, issuer.roles_claim)),
        claims=claims,
        expires_at=token.expires_at,
        is_authenticated=True,
        token=raw.decode("ascii"),
        consumer=consumer,
    )


def _client_id(claims: FrozenDict) -> str | None:
    """`client_id` (RFC 9068), else `azp` (OpenID Connect) where it is what a `client_id` could be."""
    client_id: str | None = claims.get("client_id")
    party = claims.get("azp")
    return party if client_id is None and isinstance(party, str) and party and is_safe(party) else client_id


def _scopes(claims: FrozenDict, names: tuple[str, ...]) -> frozenset[str]:
    """The first of the claims that is there; RFC 6749, section 3.3: parted by exactly U+0020."""
    for name in names:
        value = claim_at(claims, name)
        if value is not None:
            return _texts(value.split(" ") if isinstance(value, str) else value)
    return _NONE


def _roles(value: object) -> frozenset[str]:
    """A text is one role: role names may have spaces."""
    return _NONE if value is None else _texts([value] if isinstance(value, str) else value)


_NONE: frozenset[str] = frozenset()


def _texts(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        return _NONE
    for item in value:
        if not isinstance(item, str):
            return _NONE
    texts = frozenset(value)
    return texts - {""} if "" in texts else texts
