"""The error tree of jwtmw.

    JWTMWError
    ├── ConfigurationError (ValueError)    the configuration cannot work: nothing starts
    │   ├── NotSupportedError              a key of a feature that is still to come
    │   └── MarkError                      @public, @optional or @requires in a place where it cannot hold
    ├── NotInstalledError (RuntimeError)   the caller was asked for where no engine judged the request
    ├── RevocationFailed                   the list of what was revoked cannot be written, or read
    ├── CallNotSent                        a call to another service was to carry a token, and cannot
    │   ├── NotAllowedHost                 the host may not have it
    │   └── TokenUnavailable               there is none to be had now
    ├── MintFailed                         a token cannot be issued
    ├── Denied                             @requires refused inside the application
    ├── KeyRefused (ValueError)            internal: a key or a set of keys is unfit; carries the problem
    ├── StoreFailed                        internal: a store that a fleet shares does not answer
    ├── TokenRefused                       internal: a token failed one check; carries the Reason
    │   └── BodyUnreadable                 internal: a body that a token is bound to did not come whole
    └── Unavailable                        internal: nobody can say now whether the token is good; carries the Reason
        ├── KeysUnavailable                there are no keys
        ├── IntrospectionUnavailable       the issuer does not answer
        ├── RevocationsUnavailable         the list of what was revoked is missing or too old
        └── ReplaysUnavailable             nobody can say whether the token was used before

Owns: every exception that jwtmw raises on purpose; any other is a bug of ours and is answered with 500.
Must never know: HTTP, frameworks, tokens. No message here ever holds a token, a key, a claim or a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jwtmw.decision import Reason

if TYPE_CHECKING:
    from jwtmw.decision import Deny


class JWTMWError(Exception):
    """The base of the tree; never raised itself."""


class ConfigurationError(JWTMWError, ValueError):
    """The configuration cannot work, so nothing starts.

    `key` is the path of the offending key as in `rules[2].path`; `cure` says what to write instead.
    """

    def __init__(self, key: str, problem: str, cure: str = "") -> None:
        self.key = key
        self.problem = problem
        self.cure = cure
        super().__init__(key, problem, cure)

    def __str__(self) -> str:
        text = f"{self.key}: {self.problem}" if self.key else self.problem
        return f"{text}. {self.cure}" if self.cure else text


class NotSupportedError(ConfigurationError):
    """The key belongs to a feature that this version does not have: refused, never accepted and ignored."""


class MarkError(ConfigurationError):
    """A mark stands where it cannot hold; `key` names the endpoint."""


class NotInstalledError(JWTMWError, RuntimeError):
    """No engine judged this request: the middleware is missing, or this is no request at all."""


class RevocationFailed(JWTMWError):
    """Nothing was revoked, or it cannot be told what was; `reason` is one of our own texts."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class CallNotSent(JWTMWError):
    """A call to another service would go without its token, so it does not go; `reason` is one of our own texts."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class NotAllowedHost(CallNotSent):
    """The token may not be sent to this host, or by this way."""


class TokenUnavailable(CallNotSent):
    """The source has no token now. `retry_after` are the seconds until it tries again, None where that is not due."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class MintFailed(JWTMWError):
    """No token was issued; `reason` is one of our own texts. What a function of the user's raised is the cause."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Denied(JWTMWError):
    """`@requires` refused the caller inside the application. `decision` is the engine's `Deny`."""

    def __init__(self, decision: Deny) -> None:
        self.decision = decision
        super().__init__(decision.reason.value)


class KeyRefused(JWTMWError, ValueError):
    """A key, or a whole set of keys, is unfit to verify tokens; `problem` is a fixed text without key material."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


class TokenRefused(JWTMWError):
    """One check of the token failed; `reason` goes to the log and the metrics, never to the caller."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason.value)


class BodyUnreadable(TokenRefused):
    """Where the body ends cannot be told, or the caller went away before: no token can be bound to it."""

    def __init__(self) -> None:
        super().__init__(Reason.BODY_UNREADABLE)


class StoreFailed(JWTMWError):
    """A store did not do what it was asked; `reason` is one of our own texts."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Unavailable(JWTMWError):
    """What the verdict hangs on cannot be had now; `retry_after` is in seconds. Never raised itself."""

    reason: Reason

    def __init__(self, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(self.reason.value)


class KeysUnavailable(Unavailable):
    """No key can be had now."""

    reason = Reason.KEYS_UNAVAILABLE


class IntrospectionUnavailable(Unavailable):
    """The issuer cannot be asked about a token now."""

    reason = Reason.INTROSPECTION_UNAVAILABLE


class RevocationsUnavailable(Unavailable):
    """It cannot be told now what was revoked."""

    reason = Reason.REVOCATIONS_UNAVAILABLE


class ReplaysUnavailable(Unavailable):
    """It cannot be told now whether a token was used before."""

    reason = Reason.REPLAYS_UNAVAILABLE
