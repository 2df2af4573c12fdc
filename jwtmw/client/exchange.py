"""The caller's token exchanged for one that is good elsewhere (RFC 8693).

Owns: what is asked for, how many exchanged tokens are held, and one back-off for all of an endpoint.
Must never know: HTTP, how the service proves itself. No key and no repr here has a caller's token.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

from jwtmw.client.call import Call
from jwtmw.client.callers import WhoCalls, callers_token
from jwtmw.client.held import Held, Job
from jwtmw.client.sources import Issued
from jwtmw.client.token_endpoint import Refused, TokenEndpoint, terms
from jwtmw.current import current_principal
from jwtmw.issuers import worker
from jwtmw.issuers.fetch import FetchFailed
from jwtmw.issuers.pool import Pool
from jwtmw.issuers.source import Clock, Flight

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"

# As many exchanges at once, and as many callers that wait for their turn.
THREADS = 8
WAITING = 1000
# After an outage of the endpoint nobody asks it for so long, for whichever caller.
PAUSE = 1.0


class Exchange:
    """For each caller a token of its own, held as long as it lives; of all callers the `size` last ones.

    `scopes`, `audience` and `resource` are what the token is asked for; `subject_token_type` is what the caller's is.
    Errors and the log call it `name`.
    """

    __slots__ = ("_clock", "_endpoint", "_form", "_held", "_name", "_paused", "_pool", "_size", "_who_calls")

    binds_body = False

    def __init__(
        self,
        endpoint: TokenEndpoint,
        *,
        scopes: Sequence[str] = (),
        audience: Sequence[str] = (),
        resource: Sequence[str] = (),
        subject_token_type: str = ACCESS_TOKEN,
        size: int = 10_000,
        name: str = "exchange",
        who_calls: WhoCalls = current_principal,
        clock: Clock = monotonic,
        launch: Callable[[Job], None] = worker.launch,
    ) -> None:
        self._endpoint = endpoint
        types = [("subject_token_type", subject_token_type), ("requested_token_type", ACCESS_TOKEN)]
        self._form = [("grant_type", GRANT), *types, *terms(scopes, audience, resource)]
        self._size = size
        self._name = name
        self._who_calls = who_calls
        self._clock = clock
        self._held: OrderedDict[bytes, Held] = OrderedDict()
        self._pool = Pool(THREADS, WAITING, launch)
        # Until when, and why, nobody is asked.
        self._paused = (0.0, "")

    def look_up(self, call: Call, after: Flight | None = None) -> str | Flight:
        """The caller's exchanged token, or a flight to wait for. Raises `TokenUnavailable`."""
        del call
        subject = callers_token(self._who_calls)
        return self._held_for(subject).look_up(after)

    def refuse(self, call: Call, token: str) -> bool:
        """Whether another token may be had."""
        del call
        return self._held_for(callers_token(self._who_calls)).refuse(token)

    def ask(self, subject: str, deadline: float) -> Issued:
        """One exchange, until an instant of `time.monotonic`. Raises `FetchFailed`."""
        until, reason = self._paused
        if self._clock() < until:
            raise FetchFailed(reason)
        try:
            return self._endpoint.ask([*self._form, ("subject_token", subject)], deadline)
        except Refused:
            # Of this caller's token: the endpoint is well.
            raise
        except FetchFailed as failure:
            self._paused = (self._clock() + PAUSE, failure.reason)
            raise

    def _held_for(self, subject: str) -> Held:
        digest = hashlib.sha256(subject.encode()).digest()
        held = self._held.get(digest) or self._held.setdefault(digest, self._new(subject))
        # Another thread may have taken it out, or the last one: then there is nothing to move or to drop.
        with suppress(KeyError):
            self._held.move_to_end(digest)
            if len(self._held) > self._size:
                self._held.popitem(last=False)
        return held

    def _new(self, subject: str) -> Held:
        timeout = self._endpoint.http.timeout
        # No partial: its repr would show the caller's token.
        ask = lambda deadline: self.ask(subject, deadline)  # noqa: E731
        return Held(self._name, ask, timeout, clock=self._clock, launch=self._launch)

    def _launch(self, job: Job) -> None:
        if not self._pool.submit(job):
            raise RuntimeError
