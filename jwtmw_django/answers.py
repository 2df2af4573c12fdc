"""What leaves: refusals as Django's responses, and bodies that are still being made when the view has returned.

Owns: the translation of a rendered refusal, and how long the caller is known.
Must never know: how to decide, why something was refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Generic, TypeVar, cast

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from jwtmw.adapter import Request, Response, judged_request

Parts = TypeVar("Parts")


def response_of(refusal: Response) -> HttpResponse:
    """The refusal as it is: exactly its headers, its body, its status."""
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in refusal.headers}
    response = HttpResponse(refusal.body, status=refusal.status, headers=headers)
    if "content-type" not in headers:
        # Django's own, which goes with any response that names none.
        del response["content-type"]
    # It is recorded already, without what the caller sent; Django would log it again, and mail 5xx with all headers.
    cast("Any", response)._has_been_logged = True
    return response


def instead_of(answer: HttpResponseBase, refusal: Response) -> HttpResponse:
    """The refusal in the place of an answer, whose files and connections are closed with it."""
    response = response_of(refusal)
    cast("Any", response)._resource_closers.extend(getattr(answer, "_resource_closers", ()))
    return response


def no_store(response: HttpResponseBase) -> None:
    """RFC 6750 section 2.3: what a token in the URL gave access to must not be kept by caches."""
    response["Cache-Control"] = "no-store"


def go_on(response: HttpResponseBase, request: Request) -> bool:
    """Whether the body is still to be made; then the caller is known until it has ended, and no longer."""
    if not isinstance(response, StreamingHttpResponse) or getattr(response, "file_to_stream", None) is not None:
        # A body that is there, or a file, which the server may send by itself.
        return False
    if response.is_async:
        response.streaming_content = _AsyncBody(response.streaming_content, request)
    else:
        response.streaming_content = _Body(response.streaming_content, request)
    return True


class _Kept(Generic[Parts]):
    """A body whose maker is told who the caller is, each time that it is asked for a part."""

    def __init__(self, parts: Any, request: Request) -> None:
        self._parts: Parts = parts
        self._request = request

    def close(self) -> None:
        """The response is closed: nobody is the caller any more."""
        self._request.judge = None


class _Body(_Kept[Iterator[bytes]]):
    """For WSGI, and for plain iterators under ASGI."""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        before = judged_request.get()
        judged_request.set(self._request)
        try:
            return next(self._parts)
        except BaseException:
            self.close()
            raise
        finally:
            judged_request.set(before)


class _AsyncBody(_Kept[AsyncIterator[bytes]]):
    """For ASGI."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        before = judged_request.get()
        judged_request.set(self._request)
        try:
            return await anext(self._parts)
        except BaseException:
            self.close()
            raise
        finally:
            judged_request.set(before)
