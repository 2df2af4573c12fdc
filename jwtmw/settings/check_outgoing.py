"""`outgoing`: which source has which keys, and what they may hold.

Owns: the sources' names, their keys, and the values of these.
Must never know: how a source comes by its tokens.
No error here quotes what it judges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jwtmw.client.hosts import host_problem
from jwtmw.client.sources import is_token as is_bearer_token
from jwtmw.errors import ConfigurationError
from jwtmw.issuers.fetch import url_problem
from jwtmw.proof.body import BODY_HASHES
from jwtmw.settings.check_vault import LOGINS, login_of
from jwtmw.settings.findings import Findings, each, one_of, plain_text, wrong, wrong_name
from jwtmw.settings.grammar import is_name, is_plain, is_scope, is_token, near
from jwtmw.settings.introspection import OF_A_KEY, PROOF_TEXTS, private_key_problems, proof_problems, way_of
from jwtmw.settings.schema_outgoing import Outgoing
from jwtmw.settings.schema_vault import Vault

_PROOF = ("auth", "client_id", "client_secret", *OF_A_KEY)
_TERMS = (*_PROOF, "scopes", "audience", "resource")
_OWN_KEY = ("private_key", "private_key_file", "key_id", "algorithm")

# Each source, the keys that it needs, and those that it may have beside them.
SOURCES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "client_credentials": (("token_url",), _TERMS),
    "exchange": (("token_url",), (*_TERMS, "subject_token_type")),
    "vault": (("vault", "role"), ()),
    "self_signed": (("issuer",), (*_OWN_KEY, "audience", "ttl", "body", "request_bound")),
    "pass_on": ((), ()),
    "file": (("file",), ()),
    "static": (("token",), ()),
}
# What proves a client to a token endpoint; `bearer` and `none` are for introspection.
WAYS = ("basic", "post", "private_key_jwt")

_COMMON = ("hosts", "source", "header", "scheme")


def outgoing_problems(tables: Mapping[str, Outgoing], vaults: Mapping[str, Vault]) -> Findings:
    """Everything that is wrong with the tables of outgoing calls."""
    for name, table in tables.items():
        key = f"outgoing.{name}"
        if not is_name(name):
            yield wrong_name("outgoing")
        yield from _call_problems(table, key)
        if table.source in SOURCES:
            yield from _belonging_problems(table, key)
            yield from _text_problems(table, key)
            yield from _PROBLEMS.get(table.source, _none)(table, key, vaults)
        else:
            yield from one_of(table.source, tuple(SOURCES), f"{key}.source")


def _call_problems(table: Outgoing, key: str) -> Findings:
    if not table.hosts:
        yield wrong(f"{key}.hosts", "names no host, so no token could go anywhere")
    for index, host in enumerate(table.hosts):
        if problem := host_problem(host):
            yield wrong(f"{key}.hosts[{index}]", problem)
    if not is_token(table.header):
        yield wrong(f"{key}.header", "is no name of a header: letters, digits and marks, no blank")
    if table.scheme and not is_token(table.scheme):
        yield wrong(f"{key}.scheme", "is no name of a scheme: one word, or nothing for the token alone")


def _belonging_problems(table: Outgoing, key: str) -> Findings:
    needed, allowed = SOURCES[table.source]
    for name in needed:
        if getattr(table, name) is None:
            yield wrong(f"{key}.{name}", f"is missing, and source {table.source} needs it")
    for name in table.__struct_fields__:
        is_given = getattr(table, name) not in {None, False}
        if is_given and name not in {*_COMMON, *needed, *allowed}:
            yield wrong(f"{key}.{name}", f"does not belong to source {table.source}", "Leave the key out")


def _text_problems(table: Outgoing, key: str) -> Findings:
    for name in (*PROOF_TEXTS, "role", "issuer", "file", "subject_token_type"):
        yield from plain_text(getattr(table, name), f"{key}.{name}")
    yield from each(table.scopes, f"{key}.scopes", is_scope, "is not one scope: visible ASCII, no blank")
    for name in ("audience", "resource"):
        yield from each(getattr(table, name), f"{key}.{name}", is_plain, "must be text without blanks around it")
    if table.token is not None and not is_bearer_token(table.token):
        yield wrong(f"{key}.token", "is no token that a header can hold")


def _asked(table: Outgoing, key: str, vaults: Mapping[str, Vault]) -> Findings:
    del vaults
    if table.token_url is not None and (problem := url_problem(table.token_url)):
        yield wrong(f"{key}.token_url", problem)
    auth = way_of(table)
    if auth is None:
        problem = "does not say how this service proves itself to the token endpoint"
        yield wrong(key, problem, "Give client_id with client_secret, or with private_key or private_key_file")
    elif auth not in WAYS:
        yield from one_of(auth, WAYS, f"{key}.auth")
    else:
        yield from proof_problems(table, auth, key)


def _vault(table: Outgoing, key: str, vaults: Mapping[str, Vault]) -> Findings:
    name = table.vault or ""
    if name not in vaults:
        meant = near(name, list(vaults))
        cure = f'Did you mean "{meant}"?' if meant else "Write a table [vault.NAME] with its url, and that NAME here"
        yield ConfigurationError(f"{key}.vault", "there is no such table of a Vault", cure)
    elif login_of(vaults[name]) is None:
        problem = "an identity token needs a login of this service, and nothing says how"
        yield wrong(f"{key}.vault", problem, f"Give [vault.{name}] one of {', '.join(LOGINS)}")


def _self_signed(table: Outgoing, key: str, vaults: Mapping[str, Vault]) -> Findings:
    del vaults
    yield from private_key_problems(table, key)
    if table.ttl is not None and not 1 <= table.ttl <= 86_400:
        yield wrong(f"{key}.ttl", "must be 1 to 86400 seconds")
    if table.body is not None:
        yield from one_of(table.body, tuple(BODY_HASHES), f"{key}.body")


def _none(table: Outgoing, key: str, vaults: Mapping[str, Vault]) -> Findings:
    del table, key, vaults
    yield from ()


_PROBLEMS: dict[str, Callable[[Outgoing, str, Mapping[str, Vault]], Findings]] = {
    "client_credentials": _asked,
    "exchange": _asked,
    "vault": _vault,
    "self_signed": _self_signed,
}
