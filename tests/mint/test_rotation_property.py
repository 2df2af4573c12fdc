"""Whatever is done to a ring, and whenever: a good token finds its key published, and a new key was published before.

A ring is driven through drawn histories by hand-turned time. Beside it stands a ledger of what was signed and of what
verifiers could have seen; it knows nothing of states.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import jwt
from hypothesis import given, settings
from hypothesis import strategies as st

from jwtmw.errors import ConfigurationError
from jwtmw.mint.keyring import KeyRing, rotate_ring
from tests.mint.rings import Hands, kids, published

AHEAD, LIFETIME, LEEWAY = 600, 3600, 300
# Seconds between two things that happen: around each bound, and anything.
PAUSES = st.sampled_from([0, 1, AHEAD - 1, AHEAD, LIFETIME - 1, LIFETIME, LIFETIME + LEEWAY - 1, LIFETIME + LEEWAY])
ACTS = st.sampled_from(
    [*["sign", "rotate"] * 4, *["sign-elsewhere"] * 3, "look", "reload", "rotate-by-another", "compromised"]
)


@dataclass
class Ledger:
    """Tokens as (kid, last second at which a verifier may take it), and when each key was first published."""

    tokens: list[tuple[str, float]] = field(default_factory=list)
    first_seen: dict[str, float] = field(default_factory=dict)
    disowned: set[str] = field(default_factory=set)

    def look(self, ring: KeyRing, now: float) -> set[str]:
        """As a verifier does, by the endpoint."""
        if ring.changed():
            ring.follow()
        kids = published(ring)
        for kid in kids:
            self.first_seen.setdefault(kid, now)
        return kids


def followed(ring: KeyRing, hands: Hands) -> None:
    """Let the ring look, and its thread read."""
    hands.now += 1
    ring.jwks()
    hands.run()


@settings(max_examples=60)
@given(history=st.lists(st.tuples(PAUSES, ACTS), max_size=16))
def test_every_good_token_finds_its_key(history: list[tuple[int, str]]) -> None:
    """At each moment all tokens that have not expired can be verified by what is published, but those of a stolen key;
    and no key signs before it was published for as long as was asked.
    """
    with TemporaryDirectory() as folder:
        hands, ledger = Hands(), Ledger()
        keys = Path(folder) / "keys"
        KeyRing.create(keys, "EdDSA", ahead=AHEAD, lifetime=LIFETIME, clock=hands)
        ring, elsewhere = hands.ring(keys), hands.ring(keys)
        ledger.look(ring, hands.now)
        for pause, act in history:
            hands.now += pause
            if act == "sign-elsewhere":
                sign(elsewhere, hands, ledger)
            happen(act, ring, keys, hands, ledger)
            seen = ledger.look(ring, hands.now)
            # Signed by a process that had not noticed yet: the key is disowned, as the token is.
            alive = {kid for kid, until in ledger.tokens if hands.now < until} - ledger.disowned
            assert alive <= seen, "a good token would be refused"
            assert set() == ledger.disowned & seen, "a stolen key is published"
            assert ring.kid in seen


def happen(act: str, ring: KeyRing, keys: Path, hands: Hands, ledger: Ledger) -> None:
    before = ring.kid
    if act in ("sign", "rotate"):
        # Before a rotation too: what lives longest is what a key signs at its last moment.
        sign(ring, hands, ledger)
    if act in ("rotate", "rotate-by-another"):
        try:
            rotate_ring(keys, hands.now)
        except ConfigurationError:
            return
        if act == "rotate":
            ledger.look(ring, hands.now)
            assert ring.kid != before
            assert hands.now - ledger.first_seen[ring.kid] >= AHEAD, "it signs too early"
    elif act == "compromised":
        ledger.disowned |= {kid for kid in published(hands.ring(keys)) if kid in private(keys)}
        rotate_ring(keys, hands.now, compromised=True)
        followed(ring, hands)
        for kid in published(ring):
            # Nobody could have had them before: that is the price.
            ledger.first_seen.setdefault(kid, hands.now - AHEAD)
    elif act == "reload":
        ring.reload()
    elif act == "look":
        followed(ring, hands)


def sign(ring: KeyRing, hands: Hands, ledger: Ledger) -> None:
    """A token of the longest life, by a process that may have been idle."""
    expires = int(hands.now) + LIFETIME
    kid = jwt.get_unverified_header(ring.sign({"exp": expires}))["kid"]
    ledger.tokens.append((kid, expires + LEEWAY))
    hands.run()


def private(keys: Path) -> set[str]:
    return {*kids(keys, "current"), *kids(keys, "next")}
