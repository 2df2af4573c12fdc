"""The stand-in's identity tokens: named keys, roles, signed JWTs, JWKS, discovery, introspection.

Owns: signing and rotation. All of it is on https://openbao.org/api-docs/secret/identity/tokens.
Must never know: how anybody logs in.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt

from jwtmw.mint.signer import Signer
from tests.vault.standin.dispatch import Answer, Refused, Request, endpoint

if TYPE_CHECKING:
    from tests.vault.standin.vault import StandIn

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA")
RESERVED = {"iat", "aud", "exp", "iss", "sub", "namespace", "nonce", "auth_time", "at_hash", "c_hash"}
DAY = 86_400


@dataclass
class NamedKey:
    """`retired` are the keys that signed before, each with the instant at which it is no longer published."""

    algorithm: str
    signer: Signer
    rotation_period: int = DAY
    verification_ttl: int = DAY
    allowed_client_ids: list[str] = field(default_factory=list)
    retired: list[tuple[Signer, float]] = field(default_factory=list)


@dataclass
class Role:
    key: str
    template: str
    client_id: str
    ttl: int


class Oidc:
    """Keys and roles by name. `issuer` is what `oidc/config` sets; without it the server's api_addr counts."""

    def __init__(self, vault: StandIn) -> None:
        self._vault = vault
        self.issuer = ""
        self.keys: dict[str, NamedKey] = {}
        self.roles: dict[str, Role] = {}

    @property
    def effective_issuer(self) -> str:
        return f"{self.issuer or self._vault.api_addr}/v1/identity/oidc"

    def signers(self) -> list[Signer]:
        """Every key that is published now."""
        now = self._vault.now()
        retired = [signer for key in self.keys.values() for signer, until in key.retired if now < until]
        return [key.signer for key in self.keys.values()] + retired


def _fresh(algorithm: str) -> Signer:
    return Signer(algorithm, kid=str(uuid.uuid4()))


@endpoint("POST", "identity/oidc/config", "issuer")
def write_config(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/tokens#configure-the-identity-tokens-backend"""
    request.vault.oidc.issuer = request.text("issuer", "")
    return Answer({}, warnings=['If "issuer" is set explicitly, all tokens must be validated against that address'])


@endpoint(
    *("POST", "identity/oidc/key/:name"), *("rotation_period", "verification_ttl", "allowed_client_ids", "algorithm")
)
def write_key(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/tokens#create-a-named-key"""
    keys, name = request.vault.oidc.keys, request.parameters["name"]
    algorithm = request.text("algorithm", keys[name].algorithm if name in keys else "RS256")
    if algorithm not in ALGORITHMS:
        raise Refused(400, f'unknown signing algorithm "{algorithm}"')
    key = keys[name] if name in keys else NamedKey(algorithm, _fresh(algorithm))
    if algorithm != key.algorithm:
        key.algorithm, key.signer = algorithm, _fresh(algorithm)
    key.rotation_period = request.seconds("rotation_period", key.rotation_period)
    key.verification_ttl = request.seconds("verification_ttl", key.verification_ttl)
    if key.rotation_period < 60:
        raise Refused(400, "rotation_period must be at least one minute")
    if key.verification_ttl > 10 * key.rotation_period:
        raise Refused(400, "verification_ttl cannot be longer than 10x rotation_period")
    if "allowed_client_ids" in request.fields:
        key.allowed_client_ids = request.texts("allowed_client_ids")
    keys[name] = key


@endpoint("GET", "identity/oidc/key/:name")
def read_key(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/tokens#read-a-named-key"""
    key = request.vault.oidc.keys.get(request.parameters["name"])
    if key is None:
        raise Refused(404)
    return {
        "algorithm": key.algorithm,
        "rotation_period": key.rotation_period,
        "verification_ttl": key.verification_ttl,
        "allowed_client_ids": key.allowed_client_ids,
    }


@endpoint("POST", "identity/oidc/key/:name/rotate", "verification_ttl")
def rotate_key(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/tokens#rotate-a-named-key"""
    key = request.vault.oidc.keys.get(request.parameters["name"])
    if key is None:
        raise Refused(400, "no named key found")
    ttl = request.seconds("verification_ttl", key.verification_ttl)
    key.retired.append((key.signer, request.vault.now() + ttl))
    key.signer = _fresh(key.algorithm)


@endpoint("POST", "identity/oidc/role/:name", "key", "template", "client_id", "ttl")
def write_role(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/tokens#create-or-update-a-role"""
    oidc, name = request.vault.oidc, request.parameters["name"]
    old = oidc.roles.get(name, Role("", "", secrets.token_hex(13), DAY))
    key = oidc.keys.get(request.text("key", old.key))
    if key is None:
        raise Refused(400, f'cannot find key "{request.text("key", old.key)}"')
    ttl = request.seconds("ttl", old.ttl)
    if ttl > key.verification_ttl:
        raise Refused(400, "a role's token ttl cannot be longer than the verification_ttl of the key it references")
    template = _template(request.text("template", old.template))
    oidc.roles[name] = Role(request.text("key", old.key), template, request.text("client_id", old.client_id), ttl)


def _template(text: str) -> str:
    with suppress(binascii.Error, UnicodeDecodeError):
        text = base64.b64decode(text, validate=True).decode() if text else text
    try:
        claims = json.loads(text or "{}")
    except ValueError:
        raise Refused(400, "error parsing template JSON") from None
    if reserved := RESERVED.intersection(claims):
        raise Refused(400, f'top level key "{min(reserved)}" not allowed')
    return text


@endpoint("GET", "identity/oidc/token/:name")
def generate_token(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/tokens#generate-a-signed-id-token"""
    vault, token = request.vault, request.token
    assert token is not None
    role = vault.oidc.roles.get(request.parameters["name"])
    if role is None:
        raise Refused(400, f'role "{request.parameters["name"]}" not found')
    key = vault.oidc.keys[role.key]
    if not {"*", role.client_id}.intersection(key.allowed_client_ids):
        raise Refused(400, "the key does not list the client ID of the role as an allowed client ID")
    if not token.entity_id:
        raise Refused(400, "no entity associated with the request's token")
    now = int(vault.now())
    claims = {
        **json.loads(role.template or "{}"),
        "iss": vault.oidc.effective_issuer,
        "namespace": "root",
        "sub": token.entity_id,
        "aud": role.client_id,
        "exp": now + min(role.ttl, key.verification_ttl),
        "iat": now,
    }
    # go-jose writes no typ unless it is told to, and nobody tells it.
    return {"token": key.signer.sign(claims, {"typ": None}), "client_id": role.client_id, "ttl": role.ttl}


@endpoint("GET", "identity/oidc/.well-known/openid-configuration", no_token=True, bare=True)
def discovery(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/tokens#read-well-known-configurations"""
    issuer = request.vault.oidc.effective_issuer
    document = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/keys",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
    }
    return Answer(document, headers={"Cache-Control": "max-age=3600"})


@endpoint("GET", "identity/oidc/.well-known/keys", no_token=True, bare=True)
def public_keys(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/tokens#read-active-public-keys"""
    keys = request.vault.oidc.keys.values()
    headers = {"Cache-Control": f"max-age={min(key.rotation_period for key in keys)}"} if keys else {}
    return Answer({"keys": [signer.public_jwk for signer in request.vault.oidc.signers()]}, headers=headers)


@endpoint("POST", "identity/oidc/introspect", "token", "client_id", bare=True)
def introspect(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/tokens#introspect-a-signed-id-token"""
    vault = request.vault
    try:
        claims = _verified(vault, request.text("token"))
    except (jwt.InvalidTokenError, ValueError):
        return {"active": False, "error": "unable to validate the token signature"}
    client_id = request.text("client_id", "")
    wrong_audience = client_id and client_id != claims["aud"]
    if wrong_audience or claims["iss"] != vault.oidc.effective_issuer or claims["exp"] <= vault.now():
        return {"active": False, "error": "error validating claims"}
    entity = vault.identity.by_id(claims["sub"])
    if entity is None:
        return {"active": False, "error": "entity was not found"}
    if entity.disabled:
        return {"active": False, "error": "entity is disabled"}
    return {"active": True}


def _verified(vault: StandIn, token: str) -> dict[str, Any]:
    for signer in vault.oidc.signers():
        try:
            key = jwt.PyJWK(signer.public_jwk)
            return json.loads(jwt.PyJWS().decode(token, key, [signer.algorithm]))
        except jwt.InvalidTokenError:
            continue
    raise jwt.InvalidTokenError
