"""The test issuer: good tokens in one line, bad ones in two, and knobs to rotate, slow and break it.

Owns: the knobs, the counters, and whether the issuer is reached in process or over loopback HTTP.
Must never know: policy, the engine, frameworks, pytest.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from jwtmw.endpoints.endpoint import Response
from jwtmw.mint.clock import TellsTime
from jwtmw.mint.development import JWKS, TOKEN, DevelopmentIssuer
from jwtmw.mint.grant import Client
from jwtmw.mint.loopback import LoopbackServer
from jwtmw.mint.signer import Signer
from jwtmw.testing.clock import Clock


class TestIssuer:
    """An issuer for tests, in process; as a context manager it also serves itself on loopback HTTP.

        TestIssuer().token(scope="orders:read")

    issuer     what `iss` says; default: the address where it serves, and https://issuer.test before that
    audience   the audiences that it issues for; `token` takes the first
    algorithm  of the signing key; see `jwtmw.mint.signer.ALGORITHMS`
    clients    who may ask at the token endpoint
    ttl        the tokens' lifetime in seconds
    clock      what its times are read from; default: a `Clock` that stands still. The module `time` is one too.
    max_age    the key set's Cache-Control: max-age, in seconds

    `requests` counts the requests answered, by path; `url` is where it serves, None where it does not.
    """

    __test__ = False  # pytest: a helper, not a class of tests

    def __init__(
        self,
        issuer: str | None = None,
        *,
        audience: Sequence[str] = ("orders",),
        algorithm: str = "ES256",
        clients: Iterable[Client] = (),
        ttl: int = 3600,
        clock: TellsTime | None = None,
        max_age: int | None = None,
    ) -> None:
        self.clock: TellsTime = Clock() if clock is None else clock
        self.requests: Counter[str] = Counter()
        self.url: str | None = None
        self._named = issuer is not None
        self._core = DevelopmentIssuer(
            issuer or "https://issuer.test",
            audience=audience,
            algorithm=algorithm,
            clients=clients,
            ttl=ttl,
            clock=self.clock,
            max_age=max_age,
        )
        self._delay = 0.0
        self._failure: Response | None = None
        self._server: LoopbackServer | None = None
        self._restored = threading.Event()
        self._counting = threading.Lock()

    # Tokens

    @property
    def issuer(self) -> str:
        """What `iss` says."""
        return self._core.issuer

    @property
    def audience(self) -> tuple[str, ...]:
        """The audiences that it issues for."""
        return self._core.audience

    @property
    def signer(self) -> Signer:
        """What signs now."""
        return self._core.signer

    def token(
        self,
        sub: str | None = "alice",
        scope: str | Sequence[str] | None = None,
        *,
        header: Mapping[str, Any] | None = None,
        signer: Signer | None = None,
        **claims: Any,
    ) -> str:
        """A token, good unless told otherwise.

        Every claim can be given, also over the good ones; None leaves it out. `header` is laid over the JOSE header
        in the same way, and `signer` signs instead of the issuer's own key.
        """
        return (signer or self.signer).sign(self._core.claims(sub=sub, scope=scope, **claims), header)

    # Keys

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The key set that it publishes."""
        return self._core.jwks()

    def rotate(self, algorithm: str | None = None) -> Signer:
        """Sign with a fresh key from now on; the old one stays published until `retire`. Returns the new signer."""
        return self._core.rotate(algorithm)

    def retire(self, kid: str) -> None:
        """Publish this key no longer."""
        self._core.retire(kid)

    # Knobs

    def slow(self, seconds: float) -> None:
        """Let every answer take so long, in real time, until `restore`."""
        self._restored.clear()
        self._delay = seconds

    def broken(self, status: int = 503, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answer every request with exactly this until `restore`."""
        self._failure = Response(status, dict(headers or {}), body)

    def restore(self) -> None:
        """Take back `slow` and `broken`; who waits is answered at once."""
        self._delay = 0.0
        self._failure = None
        self._restored.set()

    def respond(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Response:
        """Answer one request in process, knobs and counters included; header names in lower case."""
        with self._counting:
            self.requests[path] += 1
        if self._delay:
            self._restored.wait(self._delay)
        return self._failure or self._core.respond(method, path, headers or {}, body)

    # Serving

    def serve(self, port: int = 0) -> Self:
        """Serve on 127.0.0.1, port 0 being any free one, until `close`; where it serves already, nothing."""
        if self._server is None:
            self._server = LoopbackServer(self.respond, port=port)
            self.url = self._core.base_url = self._server.url
            self._core.issuer = self._core.issuer if self._named else self.url
        return self

    def close(self) -> None:
        """Stop serving; callers in the middle are let go. Tokens and keys stay as they are."""
        self.restore()
        if self._server is not None:
            self._server.close()
            self._server = None
            self.url = None

    def __enter__(self) -> Self:
        return self.serve()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def jwks_url(self) -> str:
        """Where the key set is."""
        return self._core.base_url + JWKS

    @property
    def token_url(self) -> str:
        """Where clients get tokens."""
        return self._core.base_url + TOKEN

    @property
    def discovery_url(self) -> str:
        """Where the discovery document is."""
        return self._core.base_url + self._core.discovery_path

    # Configuration

    def settings(self, **keys: Any) -> dict[str, Any]:
        """This issuer as one entry of `issuers`: by its URL where it serves, else with the key in place.

        `keys` are laid over the entry; None leaves one out.
        """
        entry = {"issuer": self.issuer, "audience": list(self.audience), **self._keys(), **keys}
        return {name: value for name, value in entry.items() if value is not None}

    def environment(self) -> dict[str, str]:
        """The three variables that configure a service by environment alone; only while it serves."""
        return {
            "JWTMW_ISSUER": self.issuer,
            "JWTMW_AUDIENCE": ",".join(self.audience),
            "JWTMW_JWKS_URL": self.jwks_url,
        }

    def _keys(self) -> dict[str, Any]:
        if self.signer.symmetric:
            return {"secret": self.signer.secret.decode(), "algorithms": [self.signer.algorithm]}
        return {"jwks_url": self.jwks_url} if self.url else {"jwks": self.jwks()}
