"""The HTTP clients that can carry tokens, each as one function, so that one test is for all of them.

Owns: making one call with each client.
Must never know: what is asserted.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx2
import requests
import trio

from jwtmw.client import Outgoing


@dataclass(frozen=True)
class Wanted:
    """A call as a test wants it. `stream` sends the body in two pieces of unknown length."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    stream: bool = False
    follow: bool = False
    client_headers: dict[str, str] = field(default_factory=dict)
    trust_env: bool = False
    proxy: str | None = None
    ca_file: str | None = None

    def content(self, asynchronous: bool) -> Any:
        if not self.stream:
            return self.body
        return _async_pieces(self.body or b"") if asynchronous else _pieces(self.body or b"")


def _pieces(body: bytes) -> Iterator[bytes]:
    yield body[:2]
    yield body[2:]


async def _async_pieces(body: bytes) -> AsyncIterator[bytes]:
    for piece in _pieces(body):
        yield piece


def _httpx2_keys(wanted: Wanted) -> dict[str, Any]:
    verify = ssl.create_default_context(cafile=wanted.ca_file) if wanted.ca_file else False
    keys = {"trust_env": wanted.trust_env, "proxy": wanted.proxy, "verify": verify}
    return {**keys, "headers": wanted.client_headers, "follow_redirects": wanted.follow}


def httpx2_in_a_thread(outgoing: Outgoing, wanted: Wanted) -> int:
    with httpx2.Client(auth=outgoing.httpx2(), **_httpx2_keys(wanted)) as client:
        content = wanted.content(asynchronous=False)
        return client.request(wanted.method, wanted.url, headers=wanted.headers, content=content).status_code


async def _httpx2_in_a_task(outgoing: Outgoing, wanted: Wanted) -> int:
    async with httpx2.AsyncClient(auth=outgoing.httpx2(), **_httpx2_keys(wanted)) as client:
        content = wanted.content(asynchronous=True)
        return (await client.request(wanted.method, wanted.url, headers=wanted.headers, content=content)).status_code


def httpx2_on_asyncio(outgoing: Outgoing, wanted: Wanted) -> int:
    return asyncio.run(_httpx2_in_a_task(outgoing, wanted))


def httpx2_on_trio(outgoing: Outgoing, wanted: Wanted) -> int:
    return trio.run(_httpx2_in_a_task, outgoing, wanted)


def requests_in_a_thread(outgoing: Outgoing, wanted: Wanted) -> int:
    with requests.Session() as session:
        session.trust_env = wanted.trust_env
        session.headers.update(wanted.client_headers)
        session.auth = outgoing.requests()
        answer = session.request(
            wanted.method,
            wanted.url,
            headers=wanted.headers,
            data=wanted.content(asynchronous=False),
            allow_redirects=wanted.follow,
            proxies={"http": wanted.proxy, "https": wanted.proxy} if wanted.proxy else None,
            verify=wanted.ca_file or False,
        )
        return answer.status_code


async def _aiohttp_in_a_task(outgoing: Outgoing, wanted: Wanted) -> int:
    tls = ssl.create_default_context(cafile=wanted.ca_file) if wanted.ca_file else False
    async with (
        aiohttp.ClientSession(
            middlewares=[outgoing.aiohttp()], trust_env=wanted.trust_env, headers=wanted.client_headers
        ) as session,
        session.request(
            wanted.method,
            wanted.url,
            headers=wanted.headers,
            data=wanted.content(asynchronous=True),
            allow_redirects=wanted.follow,
            proxy=wanted.proxy,
            ssl=tls,
        ) as answer,
    ):
        await answer.read()
        return answer.status


def aiohttp_on_asyncio(outgoing: Outgoing, wanted: Wanted) -> int:
    return asyncio.run(_aiohttp_in_a_task(outgoing, wanted))


Caller = Callable[[Outgoing, Wanted], int]

CALLERS: tuple[Caller, ...] = (
    httpx2_in_a_thread,
    httpx2_on_asyncio,
    httpx2_on_trio,
    requests_in_a_thread,
    aiohttp_on_asyncio,
)
