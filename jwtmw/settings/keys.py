"""An issuer's key material: secrets decoded and judged, key files read.

Owns: the way from configured text to key material that the importer takes.
Must never know: JWK and PEM themselves; those are the importer's.
No error here quotes what it judges.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from jwtmw.errors import ConfigurationError, KeyRefused
from jwtmw.issuers.consumers import Consumer
from jwtmw.issuers.discovery import metadata_url
from jwtmw.issuers.importer import import_jwk_set, import_pem, secret_key
from jwtmw.issuers.keys import SYMMETRIC
from jwtmw.issuers.stored_consumers import Terms
from jwtmw.settings.files import read_text
from jwtmw.settings.material import (
    ConsumerList,
    ConsumerTerms,
    JwkSet,
    JwksUrl,
    KeyMaterial,
    MetadataUrl,
    Pem,
    Secret,
)
from jwtmw.settings.schema_issuers import ConsumerTable, IssuerTable
from jwtmw.strict_json import read_json

logger = logging.getLogger("jwtmw.settings")

ENCODINGS = ("base64", "base64url", "hex")

# What tutorials and templates use; compared without case. The importer knows the long ones.
_WELL_KNOWN = frozenset(
    b"""
    secret secretkey secret-key secret_key mysecret my-secret my_secret topsecret supersecret super-secret super_secret
    supersecretkey jwtsecret jwt-secret jwt_secret your-secret your_secret your-secret-key your_secret_key
    your_jwt_secret your-256-bit-secret your-384-bit-secret your-512-bit-secret changeme change-me change_me changeit
    password passw0rd admin default development example test key private qwerty 123456 12345678 1234567890 shhhhh
    """.split()
)


def key_material(issuer: IssuerTable, key: str, folder: Path) -> KeyMaterial:
    """The material of a checked issuer. `folder` is what relative paths are relative to.

    Raises ConfigurationError where a file cannot be read or does not hold what it should.
    """
    if issuer.jwks_url is not None:
        return JwksUrl(issuer.jwks_url)
    if issuer.consumers is not None:
        members = tuple(
            _consumer(issuer, consumer, f"{key}.consumers[{index}]", folder)
            for index, consumer in enumerate(issuer.consumers)
        )
        _warn_of_shared_keys(members, key)
        return ConsumerList(members)
    if (store := issuer.consumer_store) is not None:
        return ConsumerTerms(Terms(store.ttl, store.negative_ttl, store.max_stale, store.size))
    if issuer.jwks_path is not None:
        return JwksUrl((issuer.issuer or "").removesuffix("/") + issuer.jwks_path)
    if issuer.secret is not None:
        return Secret(_encoded(issuer.secret, issuer.secret_encoding))
    if issuer.public_key_file is not None:
        return Pem(_pem_file(issuer.public_key_file, f"{key}.public_key_file", folder))
    if issuer.jwks_file is not None:
        return JwkSet(_jwks_file(issuer.jwks_file, f"{key}.jwks_file", folder))
    if issuer.jwks is not None:
        return JwkSet(issuer.jwks)
    if issuer.public_key is not None:
        return Pem(issuer.public_key)
    return MetadataUrl(issuer.discovery_url or metadata_url(issuer.issuer or ""))


def secret_problem(text: str, encoding: str | None, algorithms: tuple[str, ...], allow_short: bool) -> str | None:
    """Why the secret cannot be used, None where it can."""
    try:
        secret = _encoded(text, encoding)
    except ValueError:
        return f"is not {encoding or 'text'}"
    if not allow_short and secret.lower() in _WELL_KNOWN:
        return "is one of the well-known secrets that attackers try first"
    try:
        secret_key(secret, sorted(SYMMETRIC.intersection(algorithms)) or ("HS256",), allow_short)
    except KeyRefused as error:
        return str(error)
    return None


def warn_of_weakness(issuer: IssuerTable, key: str, algorithms: tuple[str, ...]) -> None:
    """Log what `allow_short_secret` lets through."""
    short = 0
    for consumer in (issuer.consumers or ()) if issuer.allow_short_secret else ():
        encoding, algorithm = consumer.secret_encoding, consumer.algorithm or "HS256"
        short += bool(consumer.secret and secret_problem(consumer.secret, encoding, (algorithm,), allow_short=False))
    if short:
        logger.warning("%s.consumers: %s of them have weak secrets; allow_short_secret lets them through", key, short)
    if issuer.secret is not None and issuer.allow_short_secret:
        weakness = secret_problem(issuer.secret, issuer.secret_encoding, algorithms, allow_short=False)
        if weakness:
            text = "%s.secret: %s; allow_short_secret lets it through"
            logger.warning(text, key, weakness, extra={"code": "short_secret"})


def _warn_of_shared_keys(consumers: Iterable[Consumer], key: str) -> None:
    names: dict[bytes, set[str]] = {}
    for consumer in consumers:
        if consumer.credential is not None:
            names.setdefault(consumer.credential.thumbprint, set()).add(consumer.name)
    sharing = sum(len(found) for found in names.values() if len(found) > 1)
    if sharing:
        text = "%s.consumers: %s of them share a secret or public key, and can pass for each other"
        logger.warning(text, key, sharing)


def public_key_problem(text: str, algorithm: str | None = None) -> str | None:
    """Why the text is no public key in PEM that can be used, for the algorithm if one is given; None where it is."""
    try:
        import_pem(text, algorithm)
    except KeyRefused as error:
        return f"cannot be used: {error}"
    return None


def jwks_problem(document: object) -> str | None:
    """Why the document is no JWK set with a usable key, None where it is one."""
    try:
        import_jwk_set(document)
    except KeyRefused as error:
        return f"cannot be used: {error}"
    return None


def _consumer(issuer: IssuerTable, table: ConsumerTable, key: str, folder: Path) -> Consumer:
    credential = None
    if table.secret is not None:
        octets = _encoded(table.secret, table.secret_encoding)
        credential = secret_key(octets, (table.algorithm or "HS256",), issuer.allow_short_secret)
    elif table.public_key is not None:
        credential = import_pem(table.public_key, table.algorithm)
    elif table.public_key_file is not None:
        text = _pem_file(table.public_key_file, f"{key}.public_key_file", folder, table.algorithm)
        credential = import_pem(text, table.algorithm)
    if credential and issuer.algorithms is not None and not credential.algorithms.intersection(issuer.algorithms):
        problem = "its key does none of the issuer's algorithms"
        raise ConfigurationError(f"{key}.algorithm", problem, "Drop the issuer's algorithms, or add one that it does")
    return Consumer(table.name, table.key, credential, table.custom_id, table.expires_in)


def _encoded(text: str, encoding: str | None) -> bytes:
    match encoding:
        case "hex":
            return binascii.unhexlify(text.encode("ascii"))
        case "base64":
            return _base64(text, b"+/")
        case "base64url":
            return _base64(text, b"-_")
        case _:
            return text.encode("utf-8")


def _base64(text: str, last_two: bytes) -> bytes:
    digits = text.encode("ascii").rstrip(b"=")
    padding = b"=" * (-len(digits) % 4)
    if len(text) not in (len(digits), len(digits + padding)) or any(
        byte in b"+/-_" for byte in digits.translate(None, last_two)
    ):
        raise ValueError
    return base64.b64decode(digits + padding, altchars=last_two, validate=True)


def _pem_file(name: str, key: str, folder: Path, algorithm: str | None = None) -> str:
    text = read_text(folder / name, key, name)
    problem = public_key_problem(text, algorithm)
    if problem:
        raise ConfigurationError(key, f"{name} {problem}", "Name a file with the right public key")
    return text


def _jwks_file(name: str, key: str, folder: Path) -> dict[str, Any]:
    text = read_text(folder / name, key, name)
    document: Any = None
    with suppress(ValueError):
        document = read_json(text.encode())
    problem = jwks_problem(document)
    if problem:
        raise ConfigurationError(key, f"{name} {problem}", 'Name a file with {"keys": [...]}')
    members: dict[str, Any] = document
    return members
