"""A body that an endpoint mounted by WSGI cannot have."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from jwtmw.endpoints.endpoint import Asked, Endpoint, Response
from jwtmw.endpoints.mounts import wsgi


class Posted(Endpoint):
    """Notes what it is asked."""

    name = "posted"
    methods = ("POST",)
    max_body = 8

    def __init__(self) -> None:
        self.bodies: list[bytes | None] = []

    def respond(self, asked: Asked) -> Response:
        self.bodies.append(asked.body)
        return Response(200, {}, b"")


def post(endpoint: Posted, **members: Any) -> str:
    started: list[str] = []
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "wsgi.input": BytesIO(b"abc"), **members}
    wsgi(endpoint)(environ, lambda status, headers: started.append(status))
    return started[0]


def test_a_body_that_does_not_come_whole_is_none() -> None:
    """Shorter than its length, or of a length that cannot be told: it is answered as one that is too large."""
    endpoint = Posted()
    assert "200 OK" == post(endpoint, CONTENT_LENGTH="3")
    refused = {post(endpoint, CONTENT_LENGTH=length) for length in ("4", "-1")}
    assert {"413"} == {status[:3] for status in refused}
    assert [b"abc"] == endpoint.bodies
