"""JWK sets, PEM texts and secrets -> keys.

Owns: which set is usable, which keys of it are skipped, and when a secret is too weak to be one.
Must never know: where the documents come from, tokens, policy. No text here repeats key material.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import HMACAlgorithm
from jwt.exceptions import InvalidKeyError

from jwtmw.errors import KeyRefused
from jwtmw.issuers.jwk import fit_algorithms, import_jwk, narrowed
from jwtmw.issuers.keys import SECRET_LENGTHS, SYMMETRIC, Key, KeySet, PublicMaterial, public_key, shared_key

MOST_KEYS = 64

# Long enough, and known to everybody: the examples of jwt.io.
_PUBLISHED_SECRETS = frozenset(
    {
        b"a-string-secret-at-least-256-bits-long",
        b"a-valid-string-secret-that-is-at-least-384-bits-long",
        b"a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    }
)


@dataclass(frozen=True, slots=True)
class Imported:
    """The usable keys of a set, and why the others were skipped: texts such as `keys[2]: use is not sig`."""

    keys: KeySet
    skipped: Sequence[str]


class _Placed(NamedTuple):
    position: int
    key: Key


def import_jwk_set(document: object, allow_symmetric: bool = False) -> Imported:
    """The keys of a JWK set (RFC 7517 section 5), as parsed from JSON.

    One bad key is skipped, the rest serve. Raises `KeyRefused` where there is no usable key or there are more
    than 64, or where `allow_symmetric` let secrets and public keys meet.
    """
    found, skipped = _read(_members(document), allow_symmetric)
    kept = _without_conflicts(found, skipped)
    if not kept:
        raise KeyRefused("no usable key" + "".join(f"; {text}" for text in skipped))
    keys = KeySet(placed.key for placed in kept)
    if len({key.kty == "oct" for key in keys.keys}) > 1:
        raise KeyRefused("symmetric and public keys in one set")
    return Imported(keys, tuple(skipped))


def _members(document: object) -> list[object]:
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise KeyRefused("not a JWK set: an object with a list named keys")
    if len(keys) > MOST_KEYS:
        raise KeyRefused(f"more than {MOST_KEYS} keys")
    return keys


def _read(members: list[object], allow_symmetric: bool) -> tuple[list[_Placed], list[str]]:
    found: list[_Placed] = []
    skipped: list[str] = []
    for index, member in enumerate(members):
        try:
            found.append(_Placed(index, import_jwk(member, allow_symmetric)))
        except KeyRefused as refusal:
            skipped.append(f"keys[{index}]: {refusal.problem}")
    return found, skipped


def _without_conflicts(found: list[_Placed], skipped: list[str]) -> list[_Placed]:
    """Drop every key whose kid and kty name another key too: nobody can say which of them is meant."""
    thumbprints: defaultdict[tuple[str | None, str], set[bytes]] = defaultdict(set)
    for _, key in found:
        thumbprints[key.kid, key.kty].add(key.thumbprint)
    kept: dict[object, _Placed] = {}
    for placed in found:
        key = placed.key
        if key.kid is not None and len(thumbprints[key.kid, key.kty]) > 1:
            skipped.append(f"keys[{placed.position}]: another key has the same kid and kty")
        else:
            kept.setdefault(key.identity, placed)
    return list(kept.values())


def import_pem(text: str, algorithm: str | None = None) -> Key:
    """The public key of one PEM block (`PUBLIC KEY` or `RSA PUBLIC KEY`), for `algorithm` alone if one is given.

    Raises `KeyRefused`.
    """
    if "PRIVATE KEY-----" in text:
        raise KeyRefused("a private key: give only the public one")
    if "-----BEGIN CERTIFICATE" in text:
        raise KeyRefused("a certificate: give its public key, as `openssl x509 -pubkey -noout` prints it")
    if text.count("-----BEGIN ") != 1:
        raise KeyRefused("not exactly one PEM block")
    material = _loaded(text)
    if material is None:
        raise KeyRefused("not a PEM public key of a supported kind")
    algorithms = fit_algorithms(material)
    return public_key(material, None, algorithms if algorithm is None else narrowed(algorithms, algorithm))


def _loaded(text: str) -> PublicMaterial | None:
    try:
        material = load_pem_public_key(text.strip().encode())
    except (UnsupportedAlgorithm, ValueError):
        return None
    return material if isinstance(material, PublicMaterial) else None


def secret_key(secret: bytes, algorithms: Collection[str] = ("HS256",), allow_short: bool = False) -> Key:
    """The key of a shared secret for these HMAC algorithms.

    Raises `KeyRefused` where the secret is shorter than one of their hashes (unless `allow_short`), is known to
    everybody, or is a PEM, an SSH key, a certificate or a JWK: those were meant for another algorithm.
    """
    if not algorithms or not SYMMETRIC.issuperset(algorithms):
        raise KeyRefused("a secret does HS256, HS384 and HS512 only")
    if not secret:
        raise KeyRefused("the secret is empty")
    if not _is_plain(secret):
        raise KeyRefused("a PEM, SSH key, certificate or JWK is no secret")
    if secret in _PUBLISHED_SECRETS or len(set(secret)) == 1:
        raise KeyRefused("a secret that everybody knows or can guess")
    needed = max(SECRET_LENGTHS[name] for name in algorithms)
    if len(secret) < needed and not allow_short:
        raise KeyRefused(f"the secret is shorter than the hash: {needed} bytes are needed")
    return shared_key(secret, None, frozenset(algorithms))


def _is_plain(secret: bytes) -> bool:
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except InvalidKeyError:
        return False
    return True
