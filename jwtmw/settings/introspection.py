"""How this service proves itself to an endpoint: that of `issuers[].introspection`, and those that issue tokens.

Owns: the ways of client authentication, which keys belong to which, and what is filled in.
Must never know: HTTP, how an answer is judged.
No error here quotes what it judges.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from jwtmw.errors import ConfigurationError
from jwtmw.issuers.fetch import url_problem
from jwtmw.mint.signer import Signer
from jwtmw.settings.files import read_text
from jwtmw.settings.findings import Findings, one_of, plain_text, wrong
from jwtmw.settings.grammar import is_header_word, is_positive, is_within
from jwtmw.settings.material import IntrospectionUrl
from jwtmw.settings.schema_issuers import Introspection, IssuerTable
from jwtmw.settings.schema_outgoing import ClientProof

# Each way, and the keys that it needs and may have beside them.
NEEDED: dict[str, tuple[str, ...]] = {
    "basic": ("client_id", "client_secret"),
    "post": ("client_id", "client_secret"),
    "private_key_jwt": ("client_id",),
    "bearer": ("token",),
    "none": (),
}
OF_A_KEY = ("private_key", "private_key_file", "key_id", "algorithm", "assertion_audience")
_PROOFS = ("client_id", "client_secret", *OF_A_KEY, "token")
PROOF_TEXTS = ("client_id", "client_secret", "private_key_file", "key_id", "assertion_audience")
# RFC 7518 section 3.1 and RFC 8037; for an RSA key the first is what every server takes.
SIGNING = ("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA")


def introspection_problems(table: Introspection | None, key: str) -> Findings:
    """Everything that is wrong with the table at `key`."""
    if table is None:
        return
    if problem := url_problem(table.url):
        yield wrong(f"{key}.url", problem)
    if not is_positive(table.ttl):
        yield wrong(f"{key}.ttl", "must be a number of seconds above 0")
    if not is_within(table.negative_ttl, 0):
        yield wrong(f"{key}.negative_ttl", "must be a number of seconds, 0 or more")
    for name in PROOF_TEXTS:
        yield from plain_text(getattr(table, name), f"{key}.{name}")
    if table.token is not None and not is_header_word(table.token):
        yield wrong(f"{key}.token", "must be visible ASCII, as a header can hold it")
    auth = way_of(table)
    if auth is None:
        problem = "does not say how this service proves itself to the endpoint"
        yield wrong(key, problem, 'Give client_id and client_secret, a private_key or a token, or say auth = "none"')
    elif auth not in NEEDED:
        yield from one_of(auth, tuple(NEEDED), f"{key}.auth")
    else:
        yield from proof_problems(table, auth, key)


def endpoint_of(table: IssuerTable, introspection: Introspection, key: str, folder: Path) -> IntrospectionUrl:
    """The checked table, filled in: the way, the private key's text, its algorithm, and whom assertions are for.

    Raises ConfigurationError where the file cannot be read or holds no key that can sign.
    """
    auth = way_of(introspection)
    filled: dict[str, Any] = {"auth": auth}
    if auth == "private_key_jwt":
        pem = private_key_of(introspection, key, folder)
        filled |= {
            "private_key": pem,
            "algorithm": signing_algorithm(pem, introspection.algorithm),
            # An issuer takes its own name as the audience of an assertion (RFC 7523 section 3).
            "assertion_audience": introspection.assertion_audience or table.issuer or introspection.url,
        }
    return IntrospectionUrl(msgspec.structs.replace(introspection, **filled))


def way_of(table: ClientProof) -> str | None:
    """The way in use: the one that is named, else the one whose keys are there; None where that is none."""
    if table.auth is not None:
        return table.auth
    if table.token is not None:
        return "bearer"
    if table.private_key is not None or table.private_key_file is not None:
        return "private_key_jwt"
    return None if table.client_secret is None else "basic"


def signing_algorithm(pem: str, wanted: str | None) -> str | None:
    """The algorithm in which this private key signs, the `wanted` one if it can; None where it cannot sign so."""
    for algorithm in SIGNING if wanted is None else (wanted,):
        try:
            return Signer(algorithm, key=pem).algorithm
        except ValueError:
            continue
    return None


def private_key_of(table: ClientProof, key: str, folder: Path) -> str:
    """The private key's text. Raises ConfigurationError where its file cannot be read or holds no key that can sign."""
    if table.private_key_file is None:
        return table.private_key or ""
    name = table.private_key_file
    text = read_text(folder / name, f"{key}.private_key_file", name)
    if signing_algorithm(text, table.algorithm) is None:
        raise _no_key(f"{key}.private_key_file", f"{name} is", table.algorithm)
    return text


def proof_problems(table: ClientProof, auth: str, key: str) -> Findings:
    """What is wrong with the keys of one way, which is one of `NEEDED`."""
    allowed = NEEDED[auth] + (OF_A_KEY if auth == "private_key_jwt" else ())
    for name in NEEDED[auth]:
        if getattr(table, name) is None:
            yield wrong(f"{key}.{name}", f"is missing, and auth {auth} needs it")
    for name in _PROOFS:
        if getattr(table, name) is not None and name not in allowed:
            yield wrong(f"{key}.{name}", f"does not belong to auth {auth}", "Leave the key out")
    if auth == "private_key_jwt":
        yield from private_key_problems(table, key)


def private_key_problems(table: ClientProof, key: str) -> Findings:
    """What is wrong with the key that this service signs with; its file is read later."""
    if table.algorithm is not None:
        yield from one_of(table.algorithm, SIGNING, f"{key}.algorithm")
    if (table.private_key is None) == (table.private_key_file is None):
        yield wrong(f"{key}.private_key", "one of private_key and private_key_file is needed, and not both")
    elif table.private_key is not None and signing_algorithm(table.private_key, table.algorithm) is None:
        yield _no_key(f"{key}.private_key", "is", table.algorithm)


def _no_key(key: str, where: str, algorithm: str | None) -> ConfigurationError:
    kind = f"private key for {algorithm}" if algorithm else "RSA, EC or Ed25519 private key"
    return wrong(key, f"{where} no unencrypted {kind} in PEM")
