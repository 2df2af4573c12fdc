"""An endpoint: a function from the facts of one request to its response, and nothing of a framework.

Where an endpoint needs a function of the user, which may be sync or async and may take its time, it yields a `Call`.
Two drivers perform it: `answer` in this thread, `aanswer` on an event loop, where what is sync runs in another thread.

Owns: methods and the bound of a body, HEAD, what becomes of an exception, the two drivers.
Must never know: frameworks, what is answered.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Coroutine, Generator, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

from jwtmw.errors import Denied
from jwtmw.hooks import is_async
from jwtmw.records import record_unforeseen

# RFC 6749 section 5.1, and RFC 9111 section 5.2.2.5: a token is kept by nobody on the way.
NO_STORE: Mapping[str, str] = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Asked(NamedTuple):
    """One request. Header names are lower-case, several lines of one are joined by commas; `query` is undecoded.

    `body` is None where it is larger than the endpoint's `max_body`, or did not arrive; of GET and HEAD none is read.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: str
    body: bytes | None


class Response(NamedTuple):
    """One HTTP response; header names as they are written."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Call(NamedTuple):
    """A function of the user's that must be called, sync or async; its result is what the `yield` gives."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


Flow = Generator[Call, Any, Response]


class Endpoint:
    """What all endpoints have; a subclass answers in `respond`.

    name      what logs, and frameworks that name their views, call it
    methods   what it answers; anything else is 405
    max_body  bytes
    public    whether it carries the mark `@public` where a framework's adapter reads marks
    awaits    whether a function of the user's is async, so that only an event loop can serve it
    """

    name = "endpoint"
    methods: tuple[str, ...] = ("GET", "HEAD")
    max_body = 0
    public = True
    awaits = False

    def respond(self, asked: Asked) -> Response | Flow:
        """The response, or a generator that returns it; what it raises is answered with 500."""
        raise NotImplementedError

    def reads_body(self, method: str) -> bool:
        """Whether who carries the request reads a body at all."""
        return method in self.methods and method not in ("GET", "HEAD")


def json_response(status: int, document: object, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON document; `headers` are added, or replace the content type."""
    return Response(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(document).encode())


def cacheable(full: Response, asked: Mapping[str, str], max_age: int | None) -> Response:
    """The response with an ETag, or 304 where the caller has it already (RFC 9110 section 13.1.2)."""
    tag = f'"{sha256(full.body).hexdigest()[:32]}"'
    validators = {"ETag": tag}
    if max_age is not None:
        validators["Cache-Control"] = f"max-age={max_age}"
    # The weak comparison: a proxy that compresses makes W/"..." of a tag.
    known = {each.strip().removeprefix("W/") for each in asked.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Response(304, validators, b"")
    return full._replace(headers={**full.headers, **validators})


def answer(endpoint: Endpoint, asked: Asked) -> Response:
    """The endpoint's response; the user's functions are called in this thread. Raises `Denied` of a second lock."""
    flow = _flow(endpoint, asked)
    try:
        call = next(flow)
        while True:
            try:
                result = perform(call)
            except Exception as error:  # noqa: BLE001 (the flow judges it)
                call = flow.throw(error)
            else:
                call = flow.send(result)
    except StopIteration as stop:
        response: Response = stop.value
        return response


async def aanswer(endpoint: Endpoint, asked: Asked) -> Response:
    """The same on an event loop, asyncio's or trio's, which is never blocked."""
    flow = _flow(endpoint, asked)
    try:
        call = next(flow)
        while True:
            try:
                result = await aperform(call)
            except Exception as error:  # noqa: BLE001 (the flow judges it)
                call = flow.throw(error)
            else:
                call = flow.send(result)
    except StopIteration as stop:
        response: Response = stop.value
        return response


async def aperform(call: Call) -> Any:
    """The result of a user's function on an event loop: awaited, or from another thread in the same context."""
    # Imported here: only who serves by an event loop needs it, and httpx2 brings it.
    from anyio import to_thread

    if is_async(call.function):
        return await call.function(*call.arguments)
    result = await to_thread.run_sync(partial(call.function, *call.arguments))
    return await result if inspect.isawaitable(result) else result


def perform(call: Call) -> Any:
    """The result of a user's function in this thread. Raises TypeError for one that would have to be awaited."""
    result = call.function(*call.arguments)
    if inspect.isawaitable(result):
        if isinstance(result, Coroutine):
            result.close()
        raise TypeError("an async function cannot be awaited here")
    return result


def _flow(endpoint: Endpoint, asked: Asked) -> Flow:
    try:
        response = _unfit(endpoint, asked)
        if response is None:
            given = endpoint.respond(asked)
            response = given if isinstance(given, Response) else (yield from given)
    except Denied:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, no token leaves)
        record_unforeseen(endpoint.name, error)
        response = json_response(500, {"error": "server_error"}, NO_STORE)
    headers = {**response.headers, "Content-Length": str(len(response.body))}
    if response.status == 304:
        del headers["Content-Length"]
    return Response(response.status, headers, b"" if asked.method == "HEAD" else response.body)


def _unfit(endpoint: Endpoint, asked: Asked) -> Response | None:
    if asked.method not in endpoint.methods:
        return json_response(405, {"error": "method_not_allowed"}, {"Allow": ", ".join(endpoint.methods)})
    if asked.body is None:
        return json_response(413, {"error": "body_too_large"})
    return None
