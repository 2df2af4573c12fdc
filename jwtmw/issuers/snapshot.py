"""What is known of an issuer's keys at one moment, and how a fetch that landed or failed changes it.

Owns: every duration of the key source: time to live, stale-if-error, back-off, cool-down, refresh ahead.
Must never know: threads, locks, clocks, HTTP. Everything here is immutable, and every instant is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from jwtmw.issuers.keys import KeySet

# An issuer that says max-age=0 is still not asked more often than this.
SHORTEST_TTL = 30.0
LONGEST_BACK_OFF = 30.0
LONGEST_RETRY_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How long what may last, in seconds.

    ttl        the longest that keys serve without a successful refresh
    max_stale  how much longer they serve while refreshing fails
    cooldown   the time between two refetches for the sake of unknown kids
    timeout    the longest that one fetch may take, and a request wait for it
    """

    ttl: float = 300.0
    max_stale: float = 3600.0
    cooldown: float = 30.0
    timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a key source. Instants are those of its monotonic clock.

    serial       one more with every change
    generation   one more with every change of the keys themselves
    refresh_at   from here on the keys are refreshed, while they still serve
    fresh_until  the end of their time to live
    serve_until  the end of their service: later than `fresh_until` only while refreshing fails
    retry_at     the end of the back-off after a failure
    cool_until   the end of the cool-down after a refetch for an unknown kid
    """

    serial: int = 0
    generation: int = 0
    keys: KeySet = KeySet(())  # noqa: RUF009 (immutable)
    etag: str | None = None
    refresh_at: float = -inf
    fresh_until: float = -inf
    serve_until: float = -inf
    retry_at: float = -inf
    cool_until: float = -inf
    failures: int = 0
    last_error: str | None = None

    def landed(
        self, timing: Timing, *, keys: KeySet, etag: str | None, max_age: float | None, started: float, jitter: float
    ) -> Snapshot:
        """After a fetch that began at `started` and brought `keys`. `jitter` is from 0 to 1."""
        changed = not keys.same_as(self.keys)
        ttl = timing.ttl if max_age is None else min(timing.ttl, max(max_age, SHORTEST_TTL))
        return Snapshot(
            serial=self.serial + 1,
            generation=self.generation + changed,
            keys=keys if changed else self.keys,
            etag=etag,
            refresh_at=started + _refresh_after(ttl, timing.timeout, jitter),
            fresh_until=started + ttl,
            serve_until=started + ttl,
            cool_until=self.cool_until,
        )

    def failed(self, timing: Timing, error: str, retry_after: float | None, at: float, jitter: float) -> Snapshot:
        """After a fetch that failed at the instant `at`; the keys stay as they are."""
        wait = max(back_off(self.failures, jitter), min(retry_after or 0.0, LONGEST_RETRY_AFTER))
        # Stale keys need a refresh that was tried and failed lately. In a process that slept through its next
        # try, this bound ends their service, and a request waits for one.
        trying_until = at + wait + 2 * timing.timeout
        return replace(
            self,
            serial=self.serial + 1,
            serve_until=min(self.fresh_until + timing.max_stale, max(self.fresh_until, trying_until)),
            retry_at=at + wait,
            failures=self.failures + 1,
            last_error=error,
        )

    def cooling(self, until: float) -> Snapshot:
        """The same, with no refetch for unknown kids until then."""
        return replace(self, cool_until=until)


def _refresh_after(ttl: float, timeout: float, jitter: float) -> float:
    """How long after its start a fetch is followed by the next: early enough for that one to fail in time."""
    margin = min(ttl / 2, max(ttl / 5, 2 * timeout))
    return (ttl - margin) * (1 - 0.1 * jitter)


def back_off(failures: int, jitter: float) -> float:
    """Seconds to wait: 1 to 2 after the first failure, twice that after the next, at last 15 to 30.

    `failures` were there before; `jitter` is from 0 to 1.
    """
    longest = min(LONGEST_BACK_OFF, float(2 << min(failures, 10)))
    return longest * (1 - jitter / 2)
