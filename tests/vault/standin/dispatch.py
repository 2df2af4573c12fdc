"""The stand-in's endpoints as a table, and what is judged before any of them is called.

Owns: routing, documented fields, tokens and capabilities, and the shapes of answers and errors.
Must never know: what an endpoint does.

Errors and envelopes: https://openbao.org/api-docs/ (HTTP status codes, error response, `/v1/` prefix, X-Vault-Token).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from tests.vault.standin.tokens import Token
    from tests.vault.standin.vault import StandIn

CAPABILITY = {"GET": "read", "LIST": "list", "DELETE": "delete", "POST": "update", "PUT": "update"}


class Refused(Exception):
    """An error answer: its status and the texts of `errors`."""

    def __init__(self, status: int, *errors: str) -> None:
        self.status = status
        self.errors = errors
        super().__init__(status, *errors)


@dataclass
class Request:
    """What an endpoint gets: the path's parameters, the documented fields that were sent, and whose token it is."""

    vault: StandIn
    parameters: dict[str, str]
    fields: dict[str, Any]
    token: Token | None

    def text(self, name: str, default: str | None = None) -> str:
        """A field that is text; without a default it is required."""
        value = self.fields.get(name, default)
        if not isinstance(value, str) or (value == "" and default is None):
            raise Refused(400, f"missing {name}")
        return value

    def seconds(self, name: str, default: int) -> int:
        """A duration: a number of seconds, or text as `90`, `30s`, `5m`, `1h`."""
        value = self.fields.get(name, default)
        if isinstance(value, str) and (match := re.fullmatch(r"(\d+)(s|m|h|)", value)):
            value = int(match[1]) * {"s": 1, "m": 60, "h": 3600, "": 1}[match[2]]
        if type(value) is not int:
            raise Refused(400, f"error converting input for field {name!r}")
        return value

    def texts(self, name: str) -> list[str]:
        """A field that is a list of texts, or one text with commas."""
        value = self.fields.get(name, [])
        texts = value.split(",") if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise Refused(400, f"error converting input for field {name!r}")
        return [text for text in texts if text]


@dataclass
class Endpoint:
    method: str
    pattern: re.Pattern[str]
    fields: frozenset[str]
    answer: Callable[[Request], Any]
    no_token: bool
    bare: bool


@dataclass
class Answer:
    """An answer that is more than `data`: `auth`, headers, or a bare document."""

    data: Any = None
    auth: dict[str, Any] | None = None
    warnings: list[str] | None = None
    headers: dict[str, str] = field(default_factory=dict)


ENDPOINTS: list[Endpoint] = []


def endpoint(
    method: str, path: str, *fields: str, no_token: bool = False, bare: bool = False
) -> Callable[[Callable[[Request], Any]], Callable[[Request], Any]]:
    """Register a function. `:name` is one segment, `*name` the rest; `no_token` needs none, `bare` has no envelope."""
    source = re.sub(r"\*(\w+)", r"(?P<\1>.+)", re.sub(r":(\w+)", r"(?P<\1>[\\w.-]+)", re.sub(r"\.", r"\\.", path)))

    def register(function: Callable[[Request], Any]) -> Callable[[Request], Any]:
        page = "https://openbao.org/api-docs/"
        assert page in (function.__doc__ or ""), f"{function.__name__} cites no page"
        ENDPOINTS.append(Endpoint(method, re.compile(source), frozenset(fields), function, no_token, bare))
        return function

    return register


def respond(
    vault: StandIn, method: str, target: str, token: str | None, body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to one request."""
    try:
        found, request = _judged(vault, method, target, token, body)
        answer = found.answer(request)
    except Refused as refused:
        return refused.status, {}, json.dumps({"errors": list(refused.errors)}).encode()
    answer = answer if isinstance(answer, Answer) else Answer(answer)
    if found.bare:
        return 200, answer.headers, json.dumps(answer.data).encode()
    if answer.data is None and answer.auth is None:
        return 204, {}, b""
    return 200, {}, json.dumps(_envelope(answer)).encode()


def _envelope(answer: Answer) -> dict[str, Any]:
    return {
        "request_id": str(uuid.uuid4()),
        "lease_id": "",
        "renewable": False,
        "lease_duration": 0,
        "data": answer.data,
        "wrap_info": None,
        "warnings": answer.warnings,
        "auth": answer.auth,
    }


def _judged(vault: StandIn, method: str, target: str, text: str | None, body: bytes) -> tuple[Endpoint, Request]:
    parts = urlsplit(target)
    if not parts.path.startswith("/v1/"):
        raise Refused(404)
    path = unquote(parts.path.removeprefix("/v1/"))
    if vault.sealed:
        raise Refused(503, "Vault is sealed")
    candidates = [(each, match) for each in _endpoints(vault, path) if (match := each.pattern.fullmatch(path))]
    found = next((pair for pair in candidates if pair[0].method == method), None)
    exempt = any(each.no_token for each, _ in candidates)
    token = None if exempt else vault.tokens.allowed(text, path, CAPABILITY.get(method, "sudo"))
    if not candidates:
        raise Refused(404, f"no handler for route {path!r}. route entry not found.")
    if found is None:
        raise Refused(405, "unsupported operation")
    if parse_qsl(parts.query, keep_blank_values=True):
        raise Refused(400, "the stand-in knows no query parameters")
    endpoint_, match = found
    fields = _fields(body)
    # The pages list the path's parameters among the others: what is in the path may stand in the body as well.
    fields = {name: value for name, value in fields.items() if match.groupdict().get(name, ...) != value}
    if unknown := sorted(set(fields) - endpoint_.fields):
        raise Refused(400, f"the documentation has no field {unknown[0]}")
    return endpoint_, Request(vault, match.groupdict(), fields, token)


def _endpoints(vault: StandIn, path: str) -> list[Endpoint]:
    """A secrets engine answers for whatever is below its mount, and nothing else does there."""
    below = any(path.startswith(f"{mount}/") for mount in vault.engines)
    return [each for each in ENDPOINTS if (each.pattern.pattern == "(?P<path>.+)") == below]


def _fields(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        fields = json.loads(body)
    except ValueError:
        raise Refused(400, "error parsing JSON") from None
    if not isinstance(fields, dict):
        raise Refused(400, "error parsing JSON")
    return fields
