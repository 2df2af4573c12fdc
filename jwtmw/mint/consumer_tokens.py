"""The sign endpoint for consumers, in the shape that APISIX once had: a token in a consumer's name, for who may ask.

    GET /apisix/plugin/jwt/sign?key=jack-key&payload=%7B%22plan%22%3A%22pro%22%7D
    200, text/plain: the token {"plan": "pro", "key": "jack-key", "iat": ..., "exp": ...}

It is nowhere unless it is mounted, and does not start without a guard: whoever passes it can act as any consumer.

Owns: who may ask, what a payload may say, and what the token of a consumer is like.
Must never know: frameworks, how consumers are kept.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator, Mapping
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import parse_qsl

from jwtmw.current import current_principal
from jwtmw.endpoints.endpoint import NO_STORE, Asked, Call, Endpoint, Flow, Response, json_response
from jwtmw.errors import ConfigurationError, KeysUnavailable
from jwtmw.hooks import is_async
from jwtmw.issuers.consumers import Consumer
from jwtmw.issuers.issuer import Issuer
from jwtmw.issuers.source import Flight
from jwtmw.mint.clock import TellsTime
from jwtmw.mint.signer import Signer, Signs
from jwtmw.mint.terms import check_ttl, claimed
from jwtmw.policy.marks import mark_of, requires
from jwtmw.strict_json import read_json
from jwtmw.waiting import wait_for

if TYPE_CHECKING:
    from jwtmw.compose import Policy

# A function of the request, sync or async; or what `requires(...)` gives: the caller's token must then meet that.
Guard = Callable[..., Any]

# Who signs, for whom, for how long, and what binds the token: never the payload's to say.
RESERVED = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "cnf", "act"})
_LONGEST_QUERY = 8192


class _Question(NamedTuple):
    key: str
    payload: Mapping[str, Any]


class SignEndpoint(Endpoint):
    """Tokens in the names of consumers; GET and HEAD.

    policy      the one that verifies them
    issuer      the name of the policy's issuer whose consumers they are
    guard       who may ask: a function of the request, sync or async, that returns True, or `requires("tokens:sign")`,
                which the policy's own middleware must stand in front for
    expires_in  seconds; less where the consumer, or the issuer's `max_lifetime`, says so
    keys        for consumers with a public key: what signs for them, by their `key`

    Statuses: 400 without exactly one `key`, or with a payload that is no JSON object; 403 from a guard; 404 for a key
    that no consumer has, or whose private half is not here; 503 where the consumers' store does not answer, and in
    non-secure mode. Raises `ConfigurationError`.
    """

    name = "sign"
    public = False

    def __init__(
        self,
        policy: Policy,
        *,
        issuer: str,
        guard: Guard | None,
        expires_in: int = 86_400,
        keys: Mapping[str, Signs] | None = None,
        clock: TellsTime = time,
    ) -> None:
        if not callable(guard):
            problem = "whoever reaches this endpoint can act as any consumer"
            raise ConfigurationError("guard", problem, 'Give a function of the request, or requires("a-scope")')
        self._issuer = _issuer_of(policy, issuer)
        self._lock: Callable[[], None] | None = guard(lambda: None) if _is_requirement(guard) else None
        self._wanted = mark_of(self._lock, "GET")
        self._guard = guard
        self._expires_in = check_ttl(expires_in, None, "expires_in")
        self._keys = keys or {}
        self._clock = clock
        self.awaits = is_async(guard)

    def respond(self, asked: Asked) -> Flow:
        """The token, or why there is none."""
        if not (yield from self._passes(asked)):
            return _refused(403, "access_denied")
        question = _read(asked.query)
        if question is None:
            return _refused(400, "invalid_request")
        if self._issuer is None:
            return _refused(503, "unavailable")
        try:
            consumer: Consumer | None = yield Call(_find, (self._issuer, question.key))
        except KeysUnavailable:
            return _refused(503, "unavailable")
        signs = self._signs(consumer)
        if consumer is None or signs is None:
            return _refused(404, "unknown_key")
        token = self._signed(self._issuer, consumer, signs, question)
        return Response(200, {"Content-Type": "text/plain", **NO_STORE}, token.encode())

    def _passes(self, asked: Asked) -> Generator[Call, Any, bool]:
        """Whether the guard lets the caller in. Raises `Denied`, which whoever stands in front answers."""
        if self._lock is None or self._wanted is None:
            return (yield Call(self._guard, (asked,))) is True
        self._lock()
        # Report-only and non-secure mode open the lock to everybody; a token made here opens the doors of others, too.
        caller = current_principal()
        return caller.is_authenticated and self._wanted.requirement.unmet(caller) is None

    def _signs(self, consumer: Consumer | None) -> Signs | None:
        """What signs for the consumer: its secret, or a private key that was given for it. Raises ValueError."""
        if consumer is None or consumer.key is None or consumer.credential is None:
            return None
        credential = consumer.credential
        if credential.kty == "oct":
            return Signer(min(credential.algorithms), key=credential.material)
        signs = self._keys.get(consumer.key)
        if signs is not None and signs.algorithm not in credential.algorithms:
            raise ValueError("the key that was given for a consumer is none that verifiers know it by")
        return signs

    def _signed(self, issuer: Issuer, consumer: Consumer, signs: Signs, question: _Question) -> str:
        now = int(self._clock.time())
        longest = min(self._expires_in, consumer.expires_in or inf, issuer.max_lifetime or inf)
        own: dict[str, Any] = {"iat": now, "exp": now + int(longest)}
        if issuer.issuer is not None:
            own["iss"] = issuer.issuer
        if issuer.audience:
            own["aud"] = sorted(issuer.audience)
        named_in_header = issuer.consumer_claim == "kid"
        if not named_in_header:
            own[issuer.consumer_claim] = question.key
        refused = claimed(question.payload, RESERVED | own.keys())
        payload = {name: value for name, value in question.payload.items() if name not in refused}
        header = {"typ": _type_of(issuer), "kid": question.key if named_in_header else None}
        return signs.sign({**payload, **own}, header)


def _is_requirement(guard: object) -> bool:
    """Whether this is what `requires(...)` gives."""
    return isinstance(guard, functools.partial) and guard.func is cast("functools.partial[Any]", requires()).func


def _issuer_of(policy: Policy, name: str) -> Issuer | None:
    """The issuer; None where the policy judges nothing, and so knows no secret."""
    settings = policy.settings
    if not (settings.secure and settings.inbound):
        return None
    issuer = policy.engine.verifier.issuers.by_name.get(name)
    if issuer is None or issuer.consumers is None:
        raise ConfigurationError("issuer", "the policy has no issuer of this name with consumers", "Name one that has")
    return issuer


def _find(issuer: Issuer, key: str) -> Consumer | None:
    """Whose key this is; may wait for the store. Raises `KeysUnavailable`."""
    assert issuer.consumers is not None, "_issuer_of has seen to that"  # noqa: S101
    found = issuer.consumers.find(key)
    if isinstance(found, Flight):
        wait_for(found)
        found = issuer.consumers.find(key, found)
    assert not isinstance(found, Flight), "none follows a flight"  # noqa: S101
    return found.consumer


def _read(query: str) -> _Question | None:
    """What is asked for; None for what cannot be read in one way only."""
    if len(query) > _LONGEST_QUERY or not query.isascii():
        return None
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=16)
        parameters = dict(pairs)
        payload = read_json(parameters.get("payload", "{}").encode())
    except ValueError:
        return None
    key = parameters.get("key")
    if not key or len(parameters) < len(pairs) or not isinstance(payload, dict):
        return None
    return _Question(key, payload)


def _type_of(issuer: Issuer) -> str | None:
    """A `typ` that the issuer's tokens may have."""
    return "JWT" if "jwt" in issuer.token_types else min(issuer.token_types - {""}, default=None)


def _refused(status: int, error: str) -> Response:
    return json_response(status, {"error": error}, NO_STORE)
