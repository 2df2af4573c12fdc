"""Bugs in how what was decided is applied: slashes, mounts, late routes, middleware between, refusals.

Owns: bugs of one surface.
Must never know: how draws are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.routing import RequestRedirect

import jwtmw.starlette.check
import jwtmw.starlette.door
import jwtmw.wsgi
import jwtmw_django.marks
import jwtmw_flask.door
from jwtmw.policy import marks
from jwtmw.starlette import door, included
from jwtmw.starlette.door import Door
from jwtmw.starlette.gate import Gate
from jwtmw.starlette.guard import GuardedRequest
from jwtmw.starlette.layers import Target
from jwtmw_django.visit import Visit
from jwtmw_flask.gate import Held
from jwtmw_flask.marks import ApplicationMarks
from tests.property.bugs.registry import bug

# Slashes


@bug("redirect_slashes", "starlette")
def a_redirect_answers_who_is_pending(patch: pytest.MonkeyPatch) -> None:
    async def decide(self: Gate) -> None: ...

    patch.setattr(Gate, "_decide", decide)


@bug("strict_slashes, merge_slashes", "flask")
def a_redirect_of_werkzeug_is_nobodys_to_judge(patch: pytest.MonkeyPatch) -> None:
    meet = jwtmw_flask.door.Door._meet

    def unless_redirected(self: Any, guarded: Any, request: Any, *more: Any) -> None:
        guarded.settled = isinstance(request.routing_exception, RequestRedirect)
        if not guarded.settled:
            meet(self, guarded, request, *more)

    patch.setattr(jwtmw_flask.door.Door, "_meet", unless_redirected)


@bug("APPEND_SLASH", "django-wsgi")
def what_no_view_answers_is_nobodys_to_judge(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Visit, "_end", lambda self, request: iter(()))


# Mounts, blueprints, includes


@bug("mounts", "starlette")
def no_door_hangs_in_mounts(patch: pytest.MonkeyPatch) -> None:
    hang = door.hang_door
    patch.setattr(jwtmw.starlette.door, "hang_door", lambda router: None)
    patch.setattr(
        jwtmw.starlette.check, "hang_door", lambda router, owned=False: hang(router, owned) if owned else None
    )


@bug("mounts", "starlette")
def the_mark_of_a_mount_is_not_asked(patch: pytest.MonkeyPatch) -> None:
    mark = Target.mark
    patch.setattr(Target, "mark", lambda self, method: None if self.router else mark(self, method))


@bug("includes", "fastapi")
def the_mark_of_an_included_router_is_not_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(jwtmw.starlette.door, "mark_around", lambda included: None)


@bug("blueprints", "flask")
def the_mark_of_a_blueprint_is_not_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ApplicationMarks, "_surrounding", lambda self, name, method: None)


@bug("includes", "django-asgi")
def the_mark_of_an_include_is_not_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(jwtmw_django.marks, "_passed", lambda match, view: ())


# Late routes


@bug("late routes", "starlette")
def marks_are_read_once_at_the_start(patch: pytest.MonkeyPatch) -> None:
    leaves, mark_of = included.leaves, marks.mark_of
    known: list[Any] = []

    def noted(routes: Any) -> Iterator[Any]:
        for leaf in leaves(routes):
            known.append(getattr(leaf.route, "endpoint", None))
            yield leaf

    patch.setattr(jwtmw.starlette.check, "leaves", noted)

    def remembered(endpoint: Any, method: str) -> Any:
        return mark_of(endpoint, method) if any(endpoint is each for each in known) else None

    patch.setattr(jwtmw.starlette.door, "mark_of", remembered)


# Middleware between


@bug("rewriting", "starlette")
def a_changed_path_is_not_judged_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GuardedRequest, "is_at", lambda self, here: True)


@bug("rewriting", "flask")
def a_changed_environ_is_not_judged_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(jwtmw_flask.door, "_places", lambda request, adapter: ())


@bug("rewriting", "django-asgi")
def a_changed_request_is_not_judged_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Visit, "_judge_moved", lambda self, request: iter(()))


@bug("rewriting", "fastapi")
def a_scope_of_a_middlewares_own_is_not_guarded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Door, "__call__", lambda self, scope, receive, send: self.app(scope, receive, send))


@bug("answering", "starlette-protect")
def a_middleware_answers_who_is_pending(patch: pytest.MonkeyPatch) -> None:
    async def decide(self: Gate) -> None: ...

    patch.setattr(Gate, "_decide", decide)


@bug("answering", "flask")
def an_inner_application_answers_who_is_pending(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Held, "_settle", lambda self: None)


# One answer


@bug("surfaces", "asgi", "wsgi")
def one_surface_lets_refusals_be_cached(patch: pytest.MonkeyPatch) -> None:
    send = jwtmw.wsgi.send_response

    def cached(response: Any, start: Any, *more: Any) -> Any:
        kept = lambda headers: [pair for pair in headers if pair[0] != "cache-control"]  # noqa: E731
        return send(response, lambda status, headers, *rest: start(status, kept(headers), *rest), *more)

    patch.setattr(jwtmw.wsgi, "send_response", cached)
