"""Conformance drivers over real servers, each a process of its own, and each with the surfaces that it can serve.

Owns: which server serves what, and the reasons for which a case cannot be expressed there.
Must never know: what a case expects.
"""

from __future__ import annotations

import pickle
import re
import socket
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.conformance.drivers import django
from tests.conformance.drivers.registry import Cannot, driver
from tests.conformance.policies import POLICIES
from tests.conformance.schema import Answer, Case, Request
from tests.conformance.world import World
from tests.system import wire
from tests.system.servers import http2
from tests.system.servers.process import Player

Ask = Callable[[socket.socket, Request], Answer]
# What can be seen in a raw path alone: slashes that were encoded, and what is no escape.
_ONLY_RAW = re.compile(rb"%2f|%(?![0-9a-f]{2})", re.IGNORECASE)
# What servers add of their own, and what differs from second to second.
_OF_THE_SERVER = (b"date", b"server", b"via", b"keep-alive")


class Fleet:
    """The servers, all started when the first of them is needed. Close it."""

    def __init__(self) -> None:
        self._started: dict[str, Player] = {}
        self._folder = tempfile.TemporaryDirectory()

    def get(self, name: str, world: World) -> Player:
        if not self._started:
            shared = Path(self._folder.name) / "shared"
            policies = {key: replace(spec, python={}) for key, spec in POLICIES.items()}
            shared.write_bytes(pickle.dumps((policies, world.keys.address()[0])))
            # None waits for another.
            servers = {server for server, *_ in (*ASGI.values(), *WSGI.values())}
            self._started = {server: Player(server, shared) for server in servers}
        return self._started[name]

    def close(self) -> None:
        for process in self._started.values():
            process.end()
        for process in self._started.values():
            process.close()
        self._folder.cleanup()


FLEET = Fleet()


def over_http1(connection: socket.socket, request: Request) -> Answer:
    """Send the request byte for byte, and read the answer."""
    connection.sendall(wire.octets(request))
    return wire.read(connection, request)


def _drive(server: str, surface: str, ask: Ask, case: Case, world: World) -> Answer:
    process = FLEET.get(server, world)
    stand = (surface, case.policy, case.app)
    fresh = bool(case.fresh or case.before or case.at)
    for number, earlier in enumerate(case.before):
        process.play(None if number else stand, fresh, earlier.at)
        status = _asked(process, ask, earlier.request).status
        assert earlier.status == status, f"an earlier request of {case.id} ended with {status}"
    process.play(None if case.before else stand, fresh, case.at)
    return _asked(process, ask, case.request)


def _asked(process: Player, ask: Ask, request: Request) -> Answer:
    with process.connect() as connection:
        answer = ask(connection, request)
    ledger, counted = process.inside()
    return replace(
        answer,
        headers=[pair for pair in answer.headers if pair[0] not in _OF_THE_SERVER],
        reached=ledger.endpoint > 0,
        body_read=ledger.body_reads > 0,
        dependencies=ledger.dependencies,
        caller=ledger.caller,
        offered=ledger.offered,
        seen=ledger.seen,
        found=ledger.found,
        query=ledger.query,
        took=ledger.took,
        counted=counted,
    )


def _cannot(case: Case) -> str | None:
    """What no server of these can be asked."""
    if case.id.startswith("asked-"):
        return "what is asked of an issuer does not see the wire, and is counted in process"
    return wire.cannot(case)


def _no_marks(cannot: Cannot) -> Cannot:
    return lambda case: (
        "the plain middleware sees no endpoints, hence no marks" if case.app == "routes" else cannot(case)
    )


def _http2(case: Case) -> str | None:
    if case.request.websocket:
        return "WebSockets over HTTP/2 begin in another way (RFC 8441)"
    return _hypercorn(case)


def _hypercorn(case: Case) -> str | None:
    if _has_small_letters(case):
        return "the server writes methods in capitals"
    return _cannot(case)


def _wsgi(case: Case) -> str | None:
    if case.request.websocket:
        return "PEP 3333 knows no WebSockets"
    return _cannot(case)


def _gunicorn(case: Case) -> str | None:
    request = case.request
    if _has_small_letters(case):
        return "the server refuses methods in small letters"
    if len(request.target) > 4000 or any(len(name) + len(value) > 8000 for name, value in request.headers):
        return "the server refuses a line of this size"
    return _wsgi(case)


def _waitress(case: Case) -> str | None:
    names = [name.lower() for name, _ in case.request.headers]
    if _has_small_letters(case):
        return "the server refuses methods in small letters"
    if len(names) > len(set(names)):
        return "the server joins lines by a comma and a blank"
    return _wsgi(case)


def _werkzeug(case: Case) -> str | None:
    if case.request.target.startswith(b"//"):
        return "the server merges slashes at the start of a target"
    return _wsgi(case)


def _granian_wsgi(case: Case) -> str | None:
    if _ONLY_RAW.search(case.request.target):
        return "the server decodes the path and keeps no raw one"
    return _wsgi(case)


def _has_small_letters(case: Case) -> bool:
    return case.request.method != case.request.method.upper()


ASGI: dict[str, tuple[str, Ask, Cannot]] = {
    "hypercorn-http1": ("hypercorn", over_http1, _hypercorn),
    "hypercorn-http2": ("hypercorn", http2.ask, _http2),
    "granian-asgi": ("granian-asgi", over_http1, _cannot),
}
WSGI: dict[str, tuple[str, Ask, Cannot]] = {
    "gunicorn-sync": ("gunicorn-sync", over_http1, _gunicorn),
    "gunicorn-gthread": ("gunicorn-gthread", over_http1, _gunicorn),
    "gunicorn-preload": ("gunicorn-preload", over_http1, _gunicorn),
    "waitress": ("waitress", over_http1, _waitress),
    "werkzeug": ("werkzeug", over_http1, _werkzeug),
    "granian-wsgi": ("granian-wsgi", over_http1, _granian_wsgi),
}


def _register(name: str, server: str, surface: str, ask: Ask, cannot: Cannot) -> str:
    label = f"{name}/{surface}"
    driver(label, cannot)(lambda case, world: _drive(server, surface, ask, case, world))
    return label


def _and_django(cannot: Cannot) -> Cannot:
    return lambda case: cannot(case) or django.cannot(case)


# The first surface of each server, and the others.
FIRST = [
    *(_register(name, server, "starlette", ask, cannot) for name, (server, ask, cannot) in ASGI.items()),
    *(_register(name, server, "wsgi", ask, _no_marks(cannot)) for name, (server, ask, cannot) in WSGI.items()),
]
OTHERS = [
    *(_register(name, server, "asgi", ask, _no_marks(cannot)) for name, (server, ask, cannot) in ASGI.items()),
    *(_register(name, server, "django-asgi", ask, _and_django(cannot)) for name, (server, ask, cannot) in ASGI.items()),
    *(_register(name, server, "flask", ask, cannot) for name, (server, ask, cannot) in WSGI.items()),
    *(_register(name, server, "django-wsgi", ask, _and_django(cannot)) for name, (server, ask, cannot) in WSGI.items()),
]
