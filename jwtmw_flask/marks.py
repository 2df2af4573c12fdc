"""The marks on what Flask is about to call: view function, view class, blueprints, application.

Owns: where marks stand in a Flask application, and that they add up.
Must never know: how to decide, what is done about a mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from flask import Flask, Request
from werkzeug.exceptions import HTTPException

from jwtmw.adapter import Mark, mark_of, marked_objects

# What is asked by all that answers together, and what by the view function alone.
Marks = tuple[Mark | None, Mark | None]
NO_VIEW: Marks = (None, None)


class ApplicationMarks:
    """The marks in one application. Each is looked up when it is asked for, as views may be exchanged."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        # What surrounds the endpoints of a blueprint, by its name and the method, until something else is marked.
        self._around: dict[tuple[str, str], Mark | None] = {}
        self._last_marked: object = None

    def of_request(self, request: Request) -> Marks:
        """The marks of what the router has found. Raises `MarkError`.

        None where no view will answer: 404, 405, redirects, and OPTIONS that Flask answers itself.
        """
        rule, method = request.url_rule, request.method
        if rule is None or request.routing_exception is not None:
            return NO_VIEW
        if method == "OPTIONS" and answers_itself(rule, method):
            return NO_VIEW
        return self.of_endpoint(rule.endpoint, method)

    def ahead(self, environ: Mapping[str, Any]) -> Mark | None:
        """As `of_request`, before Flask has routed: for who stands in front of middleware that may answer itself.

        Only a first look: what is really found is asked again. Raises whatever a converter of the application raises.
        """
        request = self._app.request_class(dict(environ))
        try:
            adapter = self._app.create_url_adapter(request)
            if adapter is None:
                return None
            request.url_rule, request.view_args = adapter.match(return_rule=True)  # type: ignore[assignment]
        except HTTPException:
            return None
        return self.of_request(request)[0]

    def of_endpoint(self, endpoint: str, method: str) -> Marks:
        """The marks of an endpoint by its name. Raises `MarkError`."""
        view = self._app.view_functions.get(endpoint)
        if view is None:
            return NO_VIEW
        around = self._surrounding(endpoint.rpartition(".")[0], method)
        if type(view) is FunctionType and not view.__dict__:
            # A plain function: whoever marks one, or makes one of a class, writes it there.
            return around, None
        mark = own = mark_of(view, method)
        view_class = getattr(view, "view_class", None)
        if isinstance(view_class, type):
            mark = _joined(mark, mark_of(view_class, method), endpoint)
        return _joined(mark, around, endpoint), own

    def check(self) -> None:
        """Refuse marks that contradict each other or would be lost, as far as routes are known. Raises `MarkError`."""
        for rule in self._app.url_map.iter_rules():
            for method in rule.methods or ():
                if not answers_itself(rule, method):
                    self.of_endpoint(rule.endpoint, method)

    def _surrounding(self, name: str, method: str) -> Mark | None:
        last = marked_objects[-1] if marked_objects else None
        if last is not self._last_marked:
            self._around, self._last_marked = {}, last
        around = self._around
        try:
            return around[name, method]
        except KeyError:
            pass
        mark = None
        for each in self._containers(name):
            mark = _joined(mark, mark_of(each, method), name)
        around[name, method] = mark
        return mark

    def _containers(self, name: str) -> Iterator[object]:
        """The blueprints that Flask itself takes the endpoint to belong to, innermost first, and the application."""
        while name:
            blueprint = self._app.blueprints.get(name)
            if blueprint is not None:
                yield blueprint
            name = name.rpartition(".")[0]
        yield self._app


def answers_itself(rule: object, method: str) -> bool:
    """Whether Flask answers OPTIONS without calling the view."""
    return method == "OPTIONS" and bool(getattr(rule, "provide_automatic_options", False))


def _joined(mark: Mark | None, outer: Mark | None, where: str) -> Mark | None:
    return outer if mark is None else mark.within(outer, where)
