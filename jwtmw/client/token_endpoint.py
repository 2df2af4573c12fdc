"""One question to a token endpoint (RFC 6749 section 3.2), and which answers are a token.

Owns: the request, the limits on the answer, and what each status means.
Must never know: grants, caches, threads. No failure repeats what the other side said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import time
from typing import Any
from urllib.parse import urlencode

from jwtmw.client.sources import Issued, is_token
from jwtmw.errors import ConfigurationError
from jwtmw.issuers import client_auth
from jwtmw.issuers.client_auth import Credentials
from jwtmw.issuers.fetch import Answer, FetchFailed, HttpSettings, exchange, retry_after, url_problem
from jwtmw.mint.signer import Signs
from jwtmw.strict_json import read_json

MOST_ANSWER_BYTES = 64 * 1024
# RFC 6749 section 5.1 lets the lifetime out; then the token is soon asked for anew.
UNKNOWN_LIFETIME = 60.0
# However long an issuer lets it live.
LONGEST_LIFETIME = 86_400.0

Form = list[tuple[str, str]]


class Refused(FetchFailed):
    """Status 400: the endpoint understood, and does not grant this (RFC 6749 section 5.2)."""


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where tokens are issued, and how this service proves itself there. Raises `ConfigurationError`.

    `http.timeout` covers the whole exchange; redirects are not followed, environment proxies not used.
    """

    url: str
    proof: Credentials = field(repr=False)
    http: HttpSettings = field(default_factory=HttpSettings)

    def __post_init__(self) -> None:
        if problem := url_problem(self.url):
            raise ConfigurationError("token_url", problem, 'Write for example "https://id.example/token"')

    def ask(self, form: Form, deadline: float) -> Issued:
        """The token granted for these fields, until an instant of `time.monotonic`. Raises `FetchFailed`."""
        proof = self.proof()
        headers = [("Content-Type", "application/x-www-form-urlencoded"), *proof.headers]
        content = urlencode([*form, *proof.form.items()]).encode()
        return _judged(exchange("POST", self.url, headers, content, self.http, deadline))


def private_key_jwt(client_id: str, signs: Signs, audience: str) -> Credentials:
    """The proof of RFC 7523: an assertion for each request, signed with a key of this service, for this audience."""
    return client_auth.private_key_jwt(client_id, audience, lambda claims: signs.sign(claims, {"typ": "JWT"}), time)


def terms(scopes: Sequence[str], audience: Sequence[str], resource: Sequence[str]) -> Form:
    """The fields of what is asked for: RFC 6749 section 3.3, RFC 8693 section 2.1, RFC 8707 section 2."""
    scope = [("scope", " ".join(scopes))] if scopes else []
    return [*scope, *(("audience", each) for each in audience), *(("resource", each) for each in resource)]


def _judged(answer: Answer) -> Issued:
    if answer.status != 200:
        raise _refusal(answer)
    if len(answer.body) > MOST_ANSWER_BYTES:
        raise FetchFailed(f"the answer has more than {MOST_ANSWER_BYTES} bytes")
    try:
        members = read_json(answer.body)
    except ValueError as error:
        raise FetchFailed(f"the body is {error}") from None
    if not isinstance(members, dict):
        raise FetchFailed("the answer is no JSON object")
    kind, token = members.get("token_type"), members.get("access_token")
    # RFC 6749 section 7.1: a token of a type that is not understood must not be used.
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise FetchFailed("the answer's token_type is not Bearer")
    if not isinstance(token, str) or not is_token(token):
        raise FetchFailed("the answer has no access_token that a header can hold")
    return Issued(token, _lifetime(members))


def _lifetime(members: dict[str, Any]) -> float:
    seconds = members.get("expires_in", UNKNOWN_LIFETIME)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 1:
        raise FetchFailed("the answer's expires_in is no number of seconds")
    return min(float(seconds), LONGEST_LIFETIME)


def _refusal(answer: Answer) -> FetchFailed:
    status, patience = answer.status, retry_after(answer.headers)
    if status == 400:
        text = "the endpoint does not grant this; check client, scopes, audience and resource"
        return Refused(f"status 400: {text}", patience)
    if status in {401, 403}:
        text = "the endpoint refuses this service's own credentials; check client_id and what proves it"
    elif 300 <= status < 400:
        text = "a redirect, which is not followed; check token_url"
    else:
        text = "not a success"
    return FetchFailed(f"status {status}: {text}", patience)
