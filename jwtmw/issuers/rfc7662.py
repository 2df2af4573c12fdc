"""One question to an OAuth 2.0 introspection endpoint (RFC 7662), and what its answer is worth.

Owns: the request, and which answers are answers.
Must never know: caches, threads, what a claim means. No failure repeats what the other side said.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

from jwtmw.issuers.client_auth import Credentials
from jwtmw.issuers.fetch import Answer as Response
from jwtmw.issuers.fetch import FetchFailed, HttpSettings, exchange, retry_after
from jwtmw.issuers.introspection import Unanswered
from jwtmw.issuers.verdicts import Answer
from jwtmw.strict_json import read_json

MOST_ANSWER_BYTES = 64 * 1024

# What a server may say to a token that it cannot even read: that is due to the token, which any caller chooses.
_ABOUT_THE_TOKEN = frozenset({400, 413, 414, 422, 431})
# What it says of this service instead, by status or by the code in the body of a 400 (RFC 6749 section 5.2).
_ABOUT_THE_CLIENT = frozenset({401, 403})
_CLIENT_ERRORS = frozenset({"invalid_client", "unauthorized_client"})


class Endpoint:
    """Asks about tokens; called as `Ask` in introspection.py says.

    `url` is the configuration's, never a token's. `settings.timeout` covers the whole exchange.
    """

    __slots__ = ("_credentials", "_settings", "_url")

    def __init__(self, url: str, credentials: Credentials, settings: HttpSettings) -> None:
        self._url = url
        self._credentials = credentials
        self._settings = settings

    def __call__(self, token: bytes) -> Answer:
        """What the issuer says of the token. Raises `FetchFailed`."""
        proof = self._credentials()
        form = {"token": token.decode("ascii"), "token_type_hint": "access_token", **proof.form}
        headers = [("Content-Type", "application/x-www-form-urlencoded"), *proof.headers]
        return _judged(exchange("POST", self._url, headers, urlencode(form).encode(), self._settings))


def _judged(response: Response) -> Answer:
    if response.status != 200:
        raise _refusal(response)
    if len(response.body) > MOST_ANSWER_BYTES:
        raise Unanswered(f"more than {MOST_ANSWER_BYTES} bytes")
    try:
        members = read_json(response.body)
    except ValueError as error:
        raise FetchFailed(f"the body is {error}") from None
    # RFC 7662 section 2.2: a boolean. What only looks like one is no word on the token.
    active = members.get("active") if isinstance(members, dict) else None
    if not isinstance(active, bool):
        raise FetchFailed('the answer is no JSON object with "active": true or false')
    return Answer(active, members if active else None, len(response.body) if active else 0)


def _refusal(response: Response) -> FetchFailed:
    status = response.status
    if status in _ABOUT_THE_CLIENT or _names_the_client(response):
        text = "the endpoint refuses this service's own credentials; check the keys of `introspection`"
    elif status in _ABOUT_THE_TOKEN:
        return Unanswered(f"status {status}")
    elif 300 <= status < 400:
        text = "a redirect, which is not followed"
    elif status in {404, 405}:
        text = "not a success; check introspection.url"
    else:
        text = "not a success"
    return FetchFailed(f"status {status}: {text}", retry_after(response.headers))


def _names_the_client(response: Response) -> bool:
    error = None
    with suppress(ValueError):
        members = read_json(response.body)
        error = members.get("error") if isinstance(members, dict) else None
    return isinstance(error, str) and error in _CLIENT_ERRORS
