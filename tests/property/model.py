"""What one draw is: a policy, an application with its routes and marks, and requests.

Owns: the shapes that are drawn, and what the application's own rewriting middleware does to a path.
Must never know: jwtmw, any framework, how anything is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# A param in a route or a prefix is written as in a path rule; this one takes all that is left, slashes included.
REST = "{rest:path}"


@dataclass(frozen=True)
class Rule:
    """A path rule; no methods: all."""

    path: str
    methods: tuple[str, ...] = ()
    allow: str = "authenticated"
    scopes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[str, ...]:
        """What distinguishes its path from another's: not the names of params."""
        return tuple("{}" if each.startswith("{") else each for each in self.path.split("/") if each)


@dataclass(frozen=True)
class PolicyDraw:
    """The part of a configuration that is drawn."""

    default: str = "authenticated"
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Mark:
    """`access` is "public", "optional" or "requires"; an optional one with scopes is `@optional @requires(...)`."""

    access: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Route:
    """An endpoint. `late`: it is added behind the first request."""

    name: str
    path: str
    methods: tuple[str, ...] = ("GET",)
    mark: Mark | None = None
    kind: str = "function"
    late: bool = False


@dataclass(frozen=True)
class Rewrite:
    """A middleware between jwtmw and the router: what begins with `when` gets another path, method or root path.

    `copies` says that it makes a scope or an environ of its own.
    """

    when: str = "/"
    path: str = ""
    method: str = ""
    strip: bool = False
    copies: bool = False

    def applies(self, path: str) -> bool:
        """On a segment edge."""
        return self.when == "/" or path == self.when or path.startswith(self.when + "/")

    def apply(self, method: str, path: str) -> tuple[str, str, str]:
        """Method and path behind it, and what it has moved to the end of the root path."""
        if not self.applies(path):
            return method, path, ""
        if self.strip and self.when != "/":
            return self.method or method, path[len(self.when) :] or "/", self.when
        return self.method or method, self.path or path, ""


@dataclass(frozen=True)
class Nest:
    """Routes under a prefix: a mount or an include, a blueprint. `mark` can only ask."""

    name: str
    prefix: str
    routes: tuple[Route, ...] = ()
    nests: tuple[Nest, ...] = ()
    mark: Mark | None = None
    mounted: bool = True
    rewrite: Rewrite | None = None

    def every(self) -> Iterator[Route]:
        """Its routes and those of what it holds."""
        yield from self.routes
        for nest in self.nests:
            yield from nest.every()


@dataclass(frozen=True)
class App:
    """An application.

    redirects  the router's slash setting: redirect_slashes, not strict_slashes, APPEND_SLASH
    merges     merge_slashes
    rewrite    a middleware between jwtmw and the router
    answers    the beginning of the paths that a middleware there answers itself; "" for none
    """

    routes: tuple[Route, ...] = ()
    nests: tuple[Nest, ...] = ()
    redirects: bool = True
    merges: bool = True
    rewrite: Rewrite | None = None
    answers: str = ""

    def rewritten(self, method: str, path: str) -> tuple[str, str]:
        """Method and path as they reach the router."""
        if self.rewrite is None:
            return method, path
        return self.rewrite.apply(method, path)[:2]

    def every(self) -> Iterator[Route]:
        """All routes."""
        yield from self.routes
        for nest in self.nests:
            yield from nest.every()

    def route(self, name: str) -> Route:
        """The route of an endpoint."""
        return next(route for route in self.every() if route.name == name)

    def marks_of(self, name: str) -> tuple[Mark, ...]:
        """The marks that stand on an endpoint, or a nest, and around it, the innermost first."""
        return tuple(mark for mark in _way(self, name) or () if mark is not None)


@dataclass(frozen=True)
class Asked:
    """A request. `token` is the name of one of `tokens.CALLERS`."""

    method: str = "GET"
    target: bytes = b"/"
    root: str = ""
    token: str = "none"
    preflight: bool = False


@dataclass(frozen=True)
class Draw:
    """All that is drawn. Behind the first request the late routes are added."""

    policy: PolicyDraw
    app: App
    requests: tuple[Asked, ...]


def _way(holder: App | Nest, name: str) -> tuple[Mark | None, ...] | None:
    for route in holder.routes:
        if route.name == name:
            return (route.mark,)
    for nest in holder.nests:
        way = () if nest.name == name else _way(nest, name)
        if way is not None:
            return (*way, nest.mark)
    return None
