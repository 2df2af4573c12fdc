"""The marks on what Flask is about to call: view function, view class, blueprints, application.

Owns: where marks stand in a Flask application, and that they add up.
Must never know: how to decide, what is done about a mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask, Request
from werkzeug.exceptions import HTTPException

from jwtmw.adapter import Mark, mark_of


def mark_for(app: Flask, request: Request) -> tuple[Mark | None, Mark | None]:
    """What is asked by all that the router has found, and by the view function alone. Raises `MarkError`.

    None where no view will answer: 404, 405, redirects, and OPTIONS that Flask answers itself.
    """
    rule = request.url_rule
    if rule is None or request.routing_exception is not None or answers_itself(rule, request.method):
        return None, None
    return endpoint_mark(app, rule.endpoint, request.method)


def mark_ahead(app: Flask, environ: Mapping[str, Any]) -> Mark | None:
    """As `mark_for`, before Flask has routed: for who stands in front of middleware that may answer itself.

    Only a first look: what is really found is asked again. Raises whatever a converter of the application raises.
    """
    request = app.request_class(dict(environ))
    try:
        adapter = app.create_url_adapter(request)
        if adapter is None:
            return None
        request.url_rule, request.view_args = adapter.match(return_rule=True)  # type: ignore[assignment]
    except HTTPException:
        return None
    return mark_for(app, request)[0]


def answers_itself(rule: object, method: str) -> bool:
    """Whether Flask answers OPTIONS without calling the view."""
    return method == "OPTIONS" and bool(getattr(rule, "provide_automatic_options", False))


def endpoint_mark(app: Flask, endpoint: str, method: str) -> tuple[Mark | None, Mark | None]:
    """As `mark_for`, for an endpoint by its name."""
    view = app.view_functions.get(endpoint)
    if view is None:
        return None, None
    mark = own = mark_of(view, method)
    view_class = getattr(view, "view_class", None)
    if isinstance(view_class, type):
        mark = _joined(mark, mark_of(view_class, method), endpoint)
    for surrounding in _around(app, endpoint):
        mark = _joined(mark, mark_of(surrounding, method), endpoint)
    return mark, own


def _around(app: Flask, endpoint: str) -> Iterator[object]:
    """The blueprints that Flask itself takes the endpoint to belong to, innermost first, and the application."""
    name = endpoint.rpartition(".")[0]
    while name:
        blueprint = app.blueprints.get(name)
        if blueprint is not None:
            yield blueprint
        name = name.rpartition(".")[0]
    yield app


def _joined(mark: Mark | None, outer: Mark | None, where: str) -> Mark | None:
    return outer if mark is None else mark.within(outer, where)


def check_marks(app: Flask) -> None:
    """Refuse marks that contradict each other or would be lost, as far as routes are known. Raises `MarkError`."""
    for rule in app.url_map.iter_rules():
        for method in rule.methods or ():
            if not answers_itself(rule, method):
                endpoint_mark(app, rule.endpoint, method)
