"""A login: a name and a password for a token, where the user's own function knows whose password is right.

    POST  {"username": "alice", "password": "..."}       as JSON, or as a form
    200   {"access_token": "...", "token_type": "Bearer", "expires_in": 3600}

There is no limit of attempts here: whoever needs one has it in `check`, or in front.

Owns: what is taken for credentials, and the answers, in the shape of RFC 6749 section 5.
Must never know: passwords beyond handing them over, frameworks. Neither a name nor a password is logged or answered.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from jwtmw.endpoints.endpoint import NO_STORE, Asked, Call, Endpoint, Flow, Response, json_response
from jwtmw.errors import ConfigurationError
from jwtmw.hooks import is_async
from jwtmw.mint.clock import TellsTime
from jwtmw.mint.signer import Signs
from jwtmw.mint.terms import check_audience, check_issuer, check_ttl, claimed
from jwtmw.strict_json import read_json
from jwtmw.token.claims import MAX_SUBJECT, is_safe

Claims = Mapping[str, Any]
Check = Callable[[str, str], Claims | Awaitable[Claims | None] | None]

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
# For whom the token is, how long, and what binds it: never the function's to say.
RESERVED = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "cnf"})
# RFC 9110 section 15.5.2 wants a challenge. The answer to an unknown name is, byte for byte, that to a wrong password.
_REFUSED = json_response(401, {"error": "invalid_grant"}, {**NO_STORE, "WWW-Authenticate": 'Bearer realm="login"'})


class _Credentials(NamedTuple):
    username: str
    password: str

    def __repr__(self) -> str:
        return "_Credentials(...)"


class Login(Endpoint):
    """The login as an endpoint; POST only.

    signs     a `KeyRing` or a `Signer`
    check     gets the name and the password and returns the claims of the token, `sub` among them; None refuses. Sync,
              or async where an event loop serves. What it raises is answered with 500, and there is no token. For an
              unknown name it should take as long as for a wrong password
    issuer    what `iss` says
    audience  who takes the tokens, one name or several
    ttl       seconds

    Raises `ConfigurationError`.
    """

    name = "login"
    methods = ("POST",)
    max_body = 4096

    def __init__(
        self,
        signs: Signs,
        check: Check,
        *,
        issuer: str,
        audience: str | Sequence[str],
        ttl: int = 3600,
        clock: TellsTime = time,
    ) -> None:
        if not callable(check):
            raise ConfigurationError("check", "cannot be called", "Give a function of a name and a password")
        self._signs = signs
        self._check = check
        self._issuer = check_issuer(issuer)
        self._audience = check_audience(audience)
        self._ttl = check_ttl(ttl, signs)
        self._clock = clock
        self.awaits = is_async(check)

    def respond(self, asked: Asked) -> Flow:
        """A token, or why there is none."""
        read = _read(asked)
        if isinstance(read, Response):
            return read
        said = yield Call(self._check, (read.username, read.password))
        return _REFUSED if said is None else self._granted(_judged(said))

    def _granted(self, said: Claims) -> Response:
        now = int(self._clock.time())
        own = {
            "iss": self._issuer,
            "aud": self._audience,
            "iat": now,
            "exp": now + self._ttl,
            "jti": secrets.token_urlsafe(16),
        }
        refused = claimed(said, RESERVED)
        added = {name: value for name, value in said.items() if name not in refused}
        token = self._signs.sign({**added, **own})
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self._ttl}
        if isinstance(said.get("scope"), str):
            answer["scope"] = said["scope"]
        return json_response(200, answer, NO_STORE)


def _judged(said: object) -> Claims:
    """What the function said, if a token can be made of it; TypeError is a 500. True, say, is nobody's claims."""
    subject = said.get("sub") if isinstance(said, Mapping) else None
    if not isinstance(said, Mapping) or not isinstance(subject, str):
        raise TypeError("check returns claims with a sub, or None")
    if not subject or len(subject) > MAX_SUBJECT or not is_safe(subject):
        raise ValueError("the sub of check is one that no verifier takes")
    return said


def _read(asked: Asked) -> _Credentials | Response:
    """The credentials, or the refusal of what does not hold any."""
    kind, _, parameters = asked.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    coded = "content-encoding" in asked.headers
    if kind not in (_JSON, _FORM) or coded or parameters.strip().lower() not in ("", "charset=utf-8"):
        return json_response(415, {"error": "invalid_request", "error_description": f"send {_JSON} or {_FORM}"})
    members = _json(asked.body or b"") if kind == _JSON else _form(asked.body or b"")
    username, password = members.get("username"), members.get("password")
    # RFC 6749 section 3.2: a parameter without a value counts as omitted.
    if isinstance(username, str) and isinstance(password, str) and username and password:
        return _Credentials(username, password)
    return json_response(400, {"error": "invalid_request", "error_description": "username and password are needed"})


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        document = read_json(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _form(body: bytes) -> Mapping[str, Any]:
    """Nothing where a parameter is repeated (RFC 6749 section 3.2), or is no UTF-8."""
    try:
        pairs = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=16)
    except ValueError:
        return {}
    members = dict(pairs)
    return members if len(members) == len(pairs) else {}
