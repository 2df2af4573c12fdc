"""Middleware of the tests' own, by a path that Django can import.

Owns: names for functions.
Must never know: what they do.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

_numbers = itertools.count()


def between(act: Callable[[HttpRequest, Any], Any], sync_only: bool = False) -> str:
    """The path of a middleware that answers as `act` does, given the request and what stands behind.

    On an event loop it runs in a thread, as Django's own middleware does; `sync_only` says that it cannot stand on one,
    so that Django runs all that stands before it in a thread.
    """

    def middleware(get_response: Any) -> Any:
        if not iscoroutinefunction(get_response):
            return lambda request: act(request, get_response)

        async def on_loop(request: HttpRequest) -> Any:
            return await sync_to_async(act, thread_sensitive=True)(request, async_to_sync(get_response))

        return on_loop

    name = f"middleware_{next(_numbers)}"
    globals()[name] = middleware if sync_only else sync_and_async_middleware(middleware)
    return f"{__name__}.{name}"
