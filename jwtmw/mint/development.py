"""The development issuer: discovery, key set and token endpoint, as functions from request to response.

Owns: its keys, its clients and what the three endpoints answer (OpenID Connect Discovery 1.0, RFC 7517, RFC 6749).
Must never know: sockets, threads, policy, the engine. Nothing on the production path imports this module: its keys
live as long as the process, its clients' secrets stand in the clear, and there is no user, consent or revocation.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from jwtmw.endpoints.endpoint import NO_STORE, Response, cacheable, json_response
from jwtmw.mint.clock import TellsTime
from jwtmw.mint.grant import Client, GrantError, TokenRequest, read_token_request
from jwtmw.mint.signer import Signer

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/jwks"
TOKEN = "/token"


Endpoint = Callable[[Mapping[str, str], bytes], Response]


class DevelopmentIssuer:
    """An issuer with keys made on the spot and the client credentials grant.

    issuer     what `iss` says
    base_url   where the endpoints are reached, without a final slash; default: the issuer
    audience   the audiences that it issues for; a request that names none gets the first
    algorithm  of the first signing key; see `jwtmw.mint.signer.ALGORITHMS`
    clients    who may ask at the token endpoint
    ttl        the tokens' lifetime in seconds
    clock      where `iat` and `exp` come from
    max_age    seconds that the key set may be cached, as its Cache-Control says; None says nothing
    """

    def __init__(
        self,
        issuer: str,
        *,
        base_url: str | None = None,
        audience: Sequence[str] = ("orders",),
        algorithm: str = "ES256",
        clients: Iterable[Client] = (),
        ttl: int = 3600,
        clock: TellsTime = time,
        max_age: int | None = None,
    ) -> None:
        self.issuer = issuer
        self.base_url = issuer.rstrip("/") if base_url is None else base_url
        self.audience = tuple(audience)
        self.clients = {client.id: client for client in clients}
        self.ttl = ttl
        self.clock = clock
        self.max_age = max_age
        self.signer = Signer(algorithm)
        self._published = [self.signer]

    def rotate(self, algorithm: str | None = None) -> Signer:
        """Sign with a fresh key from now on; the old one stays in the key set until `retire`. Returns the new one."""
        self.signer = Signer(algorithm or self.signer.algorithm)
        self._published = [*self._published, self.signer]
        return self.signer

    def retire(self, kid: str) -> None:
        """Take a key out of the key set, the signing one too. Raises ValueError for a kid that is not in it."""
        if kid not in {signer.kid for signer in self._published}:
            raise ValueError("no published key has this kid")
        self._published = [signer for signer in self._published if signer.kid != kid]

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The key set (RFC 7517 section 5): every key that is not retired; secrets are never in it."""
        return {"keys": [signer.public_jwk for signer in self._published if not signer.symmetric]}

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.issuer,
            "jwks_uri": self.base_url + JWKS,
            "token_endpoint": self.base_url + TOKEN,
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.signer.algorithm],
        }

    @property
    def discovery_path(self) -> str:
        """Where the discovery document is: behind the issuer's own path (OpenID Connect Discovery 1.0 section 4)."""
        return urlsplit(self.issuer).path.rstrip("/") + DISCOVERY

    def claims(self, **claims: Any) -> dict[str, Any]:
        """The claims of a good access token (RFC 9068 section 2.2), and `claims` over them; None leaves one out."""
        now = int(self.clock.time())
        good = {
            "iss": self.issuer,
            "aud": self.audience[0],
            "iat": now,
            "exp": now + self.ttl,
            "jti": secrets.token_urlsafe(12),
        }
        return {name: value for name, value in {**good, **claims}.items() if value is not None}

    def respond(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one request. `headers` are looked up by lower-case names; `path` has no query."""
        endpoints = self._endpoints()
        if path not in endpoints:
            return json_response(404, {"error": "not_found"})
        allowed, endpoint = endpoints[path]
        if method != allowed:
            return json_response(405, {"error": "method_not_allowed"}, {"Allow": allowed})
        return endpoint(headers, body)

    def _endpoints(self) -> dict[str, tuple[str, Endpoint]]:
        return {
            self.discovery_path: ("GET", self._metadata),
            JWKS: ("GET", self._jwks),
            TOKEN: ("POST", self._token),
        }

    def _metadata(self, headers: Mapping[str, str], _: bytes) -> Response:
        return cacheable(json_response(200, self.metadata()), headers, None)

    def _jwks(self, headers: Mapping[str, str], _: bytes) -> Response:
        return cacheable(json_response(200, self.jwks()), headers, self.max_age)

    def _token(self, headers: Mapping[str, str], body: bytes) -> Response:
        try:
            request = read_token_request(headers, body, self.clients, self.audience)
        except GrantError as error:
            return json_response(error.status, error.document, {**NO_STORE, **error.headers})
        return json_response(200, self._grant(request), NO_STORE)

    def _grant(self, request: TokenRequest) -> dict[str, Any]:
        scope = " ".join(request.scopes) or None
        claims = self.claims(
            sub=request.client.id, client_id=request.client.id, aud=_one_or_all(request.audience), scope=scope
        )
        answer = {"access_token": self.signer.sign(claims), "token_type": "Bearer", "expires_in": self.ttl}
        return answer if scope is None else {**answer, "scope": scope}


def _one_or_all(audience: tuple[str, ...]) -> str | list[str]:
    return audience[0] if len(audience) == 1 else list(audience)
