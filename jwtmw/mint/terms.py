"""What is asked of whoever issues tokens, before the first one.

Owns: which issuer, audience and lifetime can be meant, and which spellings of a claim's name are one.
Must never know: what the tokens are for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from jwtmw.errors import ConfigurationError
from jwtmw.mint.signer import Signs
from jwtmw.token.claims import is_safe


def check_issuer(issuer: str) -> str:
    """The text for `iss`. Raises `ConfigurationError`."""
    if not isinstance(issuer, str) or not issuer or not is_safe(issuer):
        raise ConfigurationError("issuer", "is no name", "Give the text that verifiers have as issuer")
    return issuer


def check_audience(audience: str | Sequence[str]) -> str | list[str]:
    """What `aud` says: a text, or a list where there are several. Raises `ConfigurationError`."""
    names = [audience] if isinstance(audience, str) else list(audience)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ConfigurationError("audience", "is no name, and no list of names", "Name who is to take the tokens")
    return names[0] if len(names) == 1 else names


def check_ttl(ttl: int, signs: Signs | None, key: str = "ttl") -> int:
    """Whole seconds, no more than the key ring allows. Raises `ConfigurationError`."""
    if isinstance(ttl, bool) or not isinstance(ttl, int) or ttl < 1:
        raise ConfigurationError(key, "is no lifetime", "Give whole seconds, at least one")
    longest = getattr(signs, "lifetime", None)
    if longest is not None and ttl > longest:
        cure = f"Give at most {longest}, or make a ring with a longer lifetime"
        raise ConfigurationError(key, "is longer than the key ring's lifetime", cure)
    return ttl


def claimed(names: Iterable[str], reserved: Collection[str]) -> set[str]:
    """Those of the names that a reader may take for a reserved one.

    JSON's names have a case, but Go's `encoding/json` finds `sub` in `SUB` as well, even where an s is a long one
    (U+017F), and goes by the last that it finds.
    """
    folded = {name.casefold() for name in reserved}
    return {name for name in names if name.casefold() in folded}
