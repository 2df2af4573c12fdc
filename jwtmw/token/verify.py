"""What an issuer asks of a token: algorithm, type, audience, times, subject, claims; and then the signature.

Owns: the rules of RFC 7519, RFC 8725 and RFC 9068 for one token of one issuer.
Must never know: where keys come from, the clock (the time is given), policy. Whoever calls has settled `iss` and place.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from jwtmw.claimpath import claim_at
from jwtmw.decision import Reason
from jwtmw.errors import TokenRefused
from jwtmw.token.claims import ClaimSet
from jwtmw.token.parse import ParsedToken

if TYPE_CHECKING:
    from jwtmw.issuers.issuer import Issuer
    from jwtmw.issuers.keys import Key

# RFC 9864 names what RFC 8037 called EdDSA; for an Ed25519 key they are one algorithm.
_SAME_ALGORITHM = {"EdDSA": "Ed25519", "Ed25519": "EdDSA"}


def check_claims(token: ParsedToken, issuer: Issuer, now: float) -> None:
    """All that can be said of `token` at `now` (epoch seconds) without a key.

    Raises `TokenRefused` with the first reason found, in this order: algorithm, type, and then as `check_content`.
    """
    if token.alg not in issuer.algorithms and _SAME_ALGORITHM.get(token.alg) not in issuer.algorithms:
        raise TokenRefused(Reason.ALGORITHM_REFUSED)
    if token.typ not in issuer.token_types:
        raise TokenRefused(Reason.TYPE_REFUSED)
    check_content(token, issuer, now)


def check_content(token: ClaimSet, issuer: Issuer, now: float) -> None:
    """What an issuer asks of claims, whoever says them, at `now`. Raises `TokenRefused`.

    In this order: audience, times, subject, required claims.
    """
    if not _is_meant(token, issuer):
        raise TokenRefused(Reason.AUDIENCE_MISMATCH)
    _check_times(token, issuer, now)
    if issuer.subjects and not any(_fits(token.subject, subject) for subject in issuer.subjects):
        raise TokenRefused(Reason.SUBJECT_REFUSED)
    if any(claim_at(token.claims, name) is None for name in issuer.required_claims):
        raise TokenRefused(Reason.CLAIM_REQUIRED)


def check_lifetime(token: ClaimSet, longest: float, now: float) -> None:
    """Raise `TokenRefused` (LIFETIME_TOO_LONG) for what lives longer than `longest` seconds, from `iat` or from now."""
    expires = inf if token.expires_at is None else token.expires_at
    if expires - (now if token.issued_at is None else token.issued_at) > longest:
        raise TokenRefused(Reason.LIFETIME_TOO_LONG)


def check_signature(token: ParsedToken, keys: Sequence[Key]) -> Key:
    """The first of `keys` that verifies the signature. Raises `TokenRefused` (SIGNATURE_INVALID) if none does."""
    for key in keys:
        if key.verify(token.alg, token.signing_input, token.signature):
            return key
    raise TokenRefused(Reason.SIGNATURE_INVALID)


def valid_from(token: ClaimSet, issuer: Issuer) -> float:
    """The first instant, in epoch seconds, at which `check_claims` finds the times in order; -inf if always."""
    starts = [start for start in (token.not_before, token.issued_at) if start is not None]
    return max(starts) - issuer.leeway if starts else -inf


def valid_until(token: ClaimSet, issuer: Issuer) -> float:
    """The instant, in epoch seconds, at which `check_claims` stops finding the times in order; inf if never."""
    until = inf if token.expires_at is None else token.expires_at + issuer.leeway
    if issuer.max_age is not None and token.issued_at is not None:
        until = min(until, token.issued_at + issuer.max_age + issuer.leeway)
    return until


def stand_in_audience(token: ClaimSet, issuer: Issuer) -> frozenset[str]:
    """What stands for a missing `aud`: with `client_id_as_audience` the `client_id`, as AWS has it; else nothing."""
    if not issuer.client_id_as_audience or "aud" in token.claims:
        return frozenset()
    client_id: str | None = token.claims.get("client_id")
    return frozenset(() if client_id is None else (client_id,))


def _is_meant(token: ClaimSet, issuer: Issuer) -> bool:
    """Exact code points, no normal form. An issuer that needs no audience still honours one it has configured."""
    audience = token.audience or stand_in_audience(token, issuer)
    if not issuer.require_audience and not (issuer.audience and audience):
        return True
    return not issuer.audience.isdisjoint(audience)


def _check_times(token: ClaimSet, issuer: Issuer, now: float) -> None:
    expires, starts, issued = token.expires_at, token.not_before, token.issued_at
    leeway = issuer.leeway
    if expires is None:
        if issuer.require_expiry:
            raise TokenRefused(Reason.EXPIRY_MISSING)
        expires = inf
    # RFC 7519, section 4.1.4: expired "on or after" exp.
    if now >= expires + leeway:
        raise TokenRefused(Reason.EXPIRED)
    if starts is not None and (starts > now + leeway or starts > expires):
        raise TokenRefused(Reason.NOT_YET_VALID)
    if issued is not None and (issued > now + leeway or issued > expires):
        raise TokenRefused(Reason.ISSUED_IN_FUTURE)
    if issuer.max_lifetime is not None:
        check_lifetime(token, issuer.max_lifetime, now)
    if issuer.max_age is not None and (issued is None or now - issued > issuer.max_age + leeway):
        raise TokenRefused(Reason.TOO_OLD)


def _fits(subject: str | None, wanted: str) -> bool:
    if subject is None:
        return False
    return subject.startswith(wanted[:-1]) if wanted.endswith("*") else subject == wanted
