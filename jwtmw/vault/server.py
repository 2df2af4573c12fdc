"""One call of Vault's HTTP API, within one deadline, or a failure that says what to do.

Owns: addresses below `/v1/`, the token's header, and what each status means.
Must never know: what is asked and why. No failure repeats what the server said, a path's secret or a token.

The client is the house's own and not hvac: requests, under hvac, has a time limit for each socket operation and none
for the whole, follows redirects with the token's header, and reads proxies, .netrc and VAULT_ variables by itself.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import quote

from jwtmw.issuers.fetch import FetchFailed, HttpSettings, exchange
from jwtmw.strict_json import read_json

# What a header's value can hold: a token with anything else in it never was one.
_HEADER_VALUE = re.compile(r"[!-~]+", re.ASCII)

_MEANINGS = {
    400: "it does not accept the request or the credentials",
    403: "it does not accept the token, or no policy of the token allows this",
    404: "there is no such thing, or the mount's path is another",
    405: "it does not know this operation: is this the right mount, and the right kv_version?",
    412: "it has not caught up with its leader yet",
    429: "it is asked too often",
    472: "it is a standby of another cluster; name the active one",
    473: "it is a standby; name the active one",
    501: "it is not initialised",
    503: "it is sealed or in maintenance; unseal it",
}


_REFUSED_LOGIN = "Check the credentials of [vault.{name}]"
_AWAY = "Check url of [vault.{name}], and that it is up"


class VaultFailed(FetchFailed):
    """The call brought nothing; `status` is the answer's, None where there was none. `reason` is one of our texts.

    `cure` says what to do where neither the status nor a missing answer does; it may name the Vault as `{name}`.
    """

    def __init__(self, reason: str, status: int | None = None, cure: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.cure = cure

    @property
    def is_refusal(self) -> bool:
        """Whether the server understood and said no: asking the same again will not help."""
        return self.status in {400, 403, 404, 405}

    def of_login(self, name: str) -> str:
        """The reason why nobody could log in at the Vault `name`, and what to do: for the log of a running service."""
        cure = self.cure or (_REFUSED_LOGIN if self.is_refusal else _AWAY if self.status is None else "")
        return f"{self.reason}; {cure[0].lower()}{cure[1:].format(name=name)}" if cure else self.reason


@dataclass(frozen=True, slots=True)
class Server:
    """Where a Vault is. `name` is what errors and logs call it; `url` has no final slash.

    `namespace` is a path as `team/orders`; it becomes the beginning of every path, which Vault and OpenBao read as
    they read the header X-Vault-Namespace.
    """

    name: str
    url: str
    namespace: str = ""
    http: HttpSettings = field(default_factory=HttpSettings)

    def url_of(self, path: str) -> str:
        """The URL of a path of the API: `identity/oidc/introspect`."""
        namespace = f"{self.namespace}/" if self.namespace else ""
        return f"{self.url}/v1/{namespace}{path}"

    def deadline(self) -> float:
        """The instant of `time.monotonic` at which calls that begin now must be over."""
        return monotonic() + self.http.timeout

    def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: dict[str, Any] | None = None,
        deadline: float | None = None,
    ) -> dict[str, Any]:
        """The answer's document; empty where the answer has no content. Raises `VaultFailed`."""
        headers = [("Content-Type", "application/json")] if body is not None else []
        if token is not None:
            headers.append(("X-Vault-Token", _header_value(token)))
        content = None if body is None else json.dumps(body).encode()
        try:
            answer = exchange(method, self.url_of(path), headers, content, self.http, deadline)
        except FetchFailed as failure:
            raise VaultFailed(failure.reason) from None
        if answer.status == 204:
            return {}
        if answer.status != 200:
            raise VaultFailed(_meaning(answer.status), answer.status)
        return _document(answer.body)


def segment(text: str) -> str:
    """The text as one segment of a path, whatever it holds."""
    return quote(text, safe="")


def members(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The member `name` of an answer, which must be an object. Raises `VaultFailed`."""
    found = document.get(name)
    if not isinstance(found, dict):
        raise VaultFailed(f"the answer has no {name}")
    return found


def text_of(table: dict[str, Any], name: str) -> str:
    """A member that must be text and not empty. Raises `VaultFailed`."""
    found = table.get(name)
    if not isinstance(found, str) or not found:
        raise VaultFailed(f"the answer has no {name}")
    return found


def _header_value(token: str) -> str:
    if not _HEADER_VALUE.fullmatch(token):
        raise VaultFailed("the token has characters that no token has: blanks, line breaks or the like", 403)
    return token


def _meaning(status: int) -> str:
    if 300 <= status < 400:
        return f"status {status}: a redirect, which is not followed; name the active server"
    return f"status {status}: {_MEANINGS.get(status, 'not a success')}"


def _document(body: bytes) -> dict[str, Any]:
    document: Any = None
    with suppress(ValueError):
        document = read_json(body)
    if not isinstance(document, dict):
        raise VaultFailed("the answer is no JSON object")
    return document
