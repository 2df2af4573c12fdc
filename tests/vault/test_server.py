"""One call of the API, against the stand-in for Vault and against servers that misbehave."""

from __future__ import annotations

import pytest

from jwtmw.issuers.fetch import HttpSettings
from jwtmw.vault.server import Server, VaultFailed, segment
from tests.issuers.servers import hang, response, serving
from tests.vault.standin import StandIn

CANARY = "canary-7f3a91"


def failure(server: Server, method: str = "GET", path: str = "sys/auth", **call) -> VaultFailed:
    with pytest.raises(VaultFailed) as caught:
        server.call(method, path, **call)
    return caught.value


def test_a_call_brings_the_answers_document(vault: StandIn) -> None:
    """With the token in its header, and a body as JSON; an answer without content is an empty document."""
    server = Server("main", vault.url)
    assert "userpass/" in server.call("GET", "sys/auth", token=vault.root)["data"]
    body = {"policy": 'path "secret/*" { capabilities = ["read"] }'}
    assert {} == server.call("POST", "sys/policies/acl/orders", token=vault.root, body=body)


def test_a_namespace_is_the_beginning_of_every_path() -> None:
    """Vault and OpenBao read it there as they do in the header."""
    with serving(response(b"{}")) as stub:
        Server("main", stub.url("/proxy"), "team/orders").call("GET", "sys/auth")
    assert stub.requests[0].startswith("GET /proxy/v1/team/orders/sys/auth HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("400 Bad Request", "status 400: it does not accept the request or the credentials"),
        ("403 Forbidden", "status 403: it does not accept the token, or no policy of the token allows this"),
        ("404 Not Found", "status 404: there is no such thing, or the mount's path is another"),
        ("473 Standby", "status 473: it is a standby; name the active one"),
        ("503 Service Unavailable", "status 503: it is sealed or in maintenance; unseal it"),
        ("307 Temporary Redirect", "status 307: a redirect, which is not followed; name the active server"),
        ("418 Teapot", "status 418: not a success"),
    ],
)
def test_a_status_is_told_in_our_words(status: str, reason: str) -> None:
    """What the server said is not repeated: it may quote what it was sent."""
    body = f'{{"errors": ["{CANARY}"]}}'.encode()
    with serving(response(body, status, Location=f"http://127.0.0.1:1/{CANARY}")) as stub:
        failed = failure(Server("main", stub.url("")), token=CANARY)
    assert (reason, int(status[:3])) == (failed.reason, failed.status)
    assert (failed.status in {400, 403, 404}) == failed.is_refusal
    assert CANARY not in repr(failed) + repr(vars(failed))
    assert (None, None) == (failed.__cause__, failed.__context__)


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"a": 1, "a": 2}', CANARY.encode()])
def test_an_answer_that_is_no_object_is_a_failure(body: bytes) -> None:
    """Read as strictly as every document that others write."""
    with serving(response(body)) as stub:
        failed = failure(Server("main", stub.url("")))
    assert ("the answer is no JSON object", None) == (failed.reason, failed.status)
    assert not failed.is_refusal


def test_one_deadline_covers_a_call() -> None:
    """A server that says nothing is over in time."""
    with serving(hang) as stub:
        failed = failure(Server("main", stub.url(""), http=HttpSettings(timeout=0.2)))
    assert ("timed out after 0.2 s", None) == (failed.reason, failed.status)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Other: b", "é"])
def test_what_can_be_no_token_is_never_sent(token: str) -> None:
    """A token is one header's value: no second header can be made of it."""
    with serving(response()) as stub:
        failed = failure(Server("main", stub.url("")), token=token)
    assert (403, []) == (failed.status, stub.requests)


def test_a_segment_stays_one() -> None:
    """Whatever a name holds, it leads to no other path."""
    assert "..%2Fsys%2Fauth%3Fa" == segment("../sys/auth?a")
