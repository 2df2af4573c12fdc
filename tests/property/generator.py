"""How draws are made: few words, so that rules, routes and requests meet, and paths that only just miss them.

Hypothesis draws one string of bytes, and each byte makes one choice: that is fast enough for long runs, and shrinks
well, as a zero is the plainest choice everywhere.

Owns: the axes of the property test, and how likely each value is.
Must never know: jwtmw, any framework, what must hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

from hypothesis import strategies as st

from tests.property.model import REST, App, Asked, Draw, Mark, Nest, PolicyDraw, Rewrite, Route, Rule
from tests.property.oracle import segments

T = TypeVar("T")
# A path, and the methods that are spoken of there.
Spoken = tuple[str, tuple[str, ...]]

CHOICES = 200
WORDS = ("shop", "admin", "v1")
DEFAULTS = ("authenticated", "authenticated", "deny", "public")
METHODS = ("GET", "GET", "POST", "DELETE", "OPTIONS", "PURGE")
RULE_METHODS = ((), (), ("GET",), ("GET", "POST"), ("HEAD",), ("POST",), ("OPTIONS", "PURGE"), ("DELETE", "GET"))
ALLOW = ("authenticated", "authenticated", "public", "optional", "deny")
ASKED_METHODS = ("GET", "GET", "GET", "HEAD", "POST", "DELETE", "OPTIONS", "OPTIONS", "PURGE", "get")
SCOPES = ((), (), ("read",), ("read", "write"))
TOKENS = ("none", "none", "none", "good", "reads", "writes", "writes", "expired", "garbage", "two")
ROOTS = ("", "", "", "", "/v1", "/api/v1", "/shop")
MARKS = (
    None,
    None,
    Mark("public"),
    Mark("public"),
    Mark("optional"),
    Mark("optional", ("read",)),
    Mark("requires"),
    Mark("requires", ("read",)),
    Mark("requires", ("read", "write")),
)
ASKING = (None, None, Mark("requires"), Mark("requires", ("read",)), Mark("requires", ("write",)))
# What is put into a path, so that two readers may read it differently.
INSERTED = (
    b"/", b"/./", b"/../", b"%2f", b"%252f", b"\\", b"%5c", b";x", b"%3bx", b"%00", b"%0a", b"%20", b"/%2e%2e/",
    b"/.%2e/", b"#", b"%", b"%ff", b"%c3%a9", b"\xc3\xa9", b"%25u002f", b"%25", b"//", b"+",
)  # fmt: skip
BENDS = ("insert", "insert", "end", "escape", "case", "cut", "more", "slash", "empty")


class Choices:
    """A string of bytes as choices, each the first of its values behind the end."""

    def __init__(self, tape: bytes) -> None:
        self._tape = iter(tape)

    def pick(self, values: Sequence[T]) -> T:
        """One of these; the first is the plainest."""
        return values[next(self._tape, 0) % len(values)]

    def seldom(self) -> bool:
        """Once in four times."""
        return self.pick((False, False, False, True))

    def some(self, make: Callable[[], T], least: int, most: int) -> tuple[T, ...]:
        """A few of what this makes."""
        return tuple(make() for _ in range(self.pick(range(least, most + 1))))


class Generator:
    """One draw while it is made."""

    def __init__(self, tape: bytes) -> None:
        self.choices = Choices(tape)
        self.pick, self.some, self.seldom = self.choices.pick, self.choices.some, self.choices.seldom
        self.names = count()

    def draw(self) -> Draw:
        """A policy, an application and some requests."""
        policy, app = self.policy(), self.app()
        among = spoken(policy, app)
        return Draw(policy, app, self.some(lambda: self.request(among), 2, 4))

    def path(self, longest: int) -> str:
        """Literals and params; each param has a name of its own."""
        pieces = self.some(lambda: self.pick((*WORDS, "{}")), 0, longest)
        return "".join(f"/{piece}" if piece != "{}" else f"/{{p{index}}}" for index, piece in enumerate(pieces))

    def policy(self) -> PolicyDraw:
        """Rules that do not contradict each other: at one path no two for the same method."""
        default, taken, kept = self.pick(DEFAULTS), set[object](), []
        for rule in self.some(self.rule, 0, 4):
            keys = {(rule.shape, method) for method in rule.methods or ("",)}
            if not keys & taken:
                taken |= keys
                kept.append(rule)
        return PolicyDraw(default, tuple(kept))

    def rule(self) -> Rule:
        path, methods, allow = self.path(3) + self.pick(("", "", "/", "/**")), self.pick(RULE_METHODS), self.pick(ALLOW)
        return Rule(path or "/", methods, allow, self.pick(SCOPES) if allow in ("authenticated", "optional") else ())

    def app(self) -> App:
        return App(
            self.some(lambda: self.route(lifted=True), 1, 3),
            self.some(lambda: self.nest(lifted=True, deep=True), 0, 1),
            self.pick((False, True)),
            self.pick((False, True)),
            self.rewrite(nested=False) if self.seldom() else None,
            f"/{self.pick(WORDS)}" if self.seldom() else "",
        )

    def route(self, lifted: bool) -> Route:
        path = self.path(2) + self.pick(("", "", "/", "/" + REST))
        methods = tuple(sorted(set(self.some(lambda: self.pick(METHODS), 1, 2))))
        mark = self.pick(MARKS)
        if mark is not None and mark.access == "public" and not lifted:
            # @public inside a router that asks for something is an error of configuration.
            mark = None
        kind = self.pick(("function", "function", "class"))
        return Route(f"r{next(self.names)}", path or "/", methods, mark, kind, self.seldom())

    def nest(self, lifted: bool, deep: bool) -> Nest:
        mark = self.pick(ASKING)
        lifted = lifted and mark is None
        prefix = self.pick((*(f"/{word}" for word in WORDS), "/{tenant}" if deep else "/{part}"))
        routes = self.some(lambda: self.route(lifted), 1, 2)
        inner = self.some(lambda: self.nest(lifted, deep=False), 0, 1) if deep else ()
        mounted = self.pick((True, False))
        rewrite = self.rewrite(nested=True) if mounted and self.seldom() else None
        return Nest(f"n{next(self.names)}", prefix, routes, inner, mark, mounted, rewrite)

    def rewrite(self, nested: bool) -> Rewrite:
        kind = self.pick(("path", "path", "method") if nested else ("path", "path", "method", "strip"))
        when, copies = self.pick(("/", *(f"/{word}" for word in WORDS))), self.pick((False, True))
        if kind == "path":
            return Rewrite(when, (self.path(3) or "/") + self.pick(("", "", "/")).replace("//", "/"), copies=copies)
        if kind == "method":
            return Rewrite(when, method=self.pick(METHODS), copies=copies)
        return Rewrite(when, strip=True, copies=copies)

    def request(self, among: Sequence[Spoken]) -> Asked:
        root, (path, methods) = self.pick(ROOTS), self.pick(among)
        # Some servers leave the root path out of the target.
        prefix = b"" if self.seldom() else root.encode()
        method = self.pick(ASKED_METHODS if self.seldom() or not methods else methods)
        preflight = method == "OPTIONS" and self.pick((False, True))
        # An empty target is sent by nobody whom a root path was configured for.
        target = prefix + self.target(path) or (b"/" if root else b"")
        return Asked(method, target, root, self.pick(TOKENS), preflight)

    def target(self, template: str) -> bytes:
        """A path that the template speaks of, most often as it is, else bent."""
        filled = "/".join(["", *(self.filled(piece) for piece in segments(template))])
        path = (filled + self.pick(("", "", "", "/"))).encode() or b"/"
        for _ in range(self.pick((0, 0, 0, 1, 2))):
            path = self.bent(path)
        return path

    def filled(self, piece: str) -> str:
        if piece in ("**", REST):
            return "/".join(self.some(lambda: self.pick(WORDS), 0, 2))
        return self.pick((*WORDS, "7")) if piece.startswith("{") else piece

    def bent(self, path: bytes) -> bytes:
        """The path with something in it that some readers read differently, or a near miss."""
        way, at = self.pick(BENDS), self.pick(range(len(path) + 1))
        bends = {
            "insert": lambda: path[:at] + self.pick(INSERTED) + path[at:],
            "end": lambda: path + self.pick(INSERTED),
            "escape": lambda: path[:at] + b"".join(b"%%%02x" % byte for byte in path[at : at + 1]) + path[at + 1 :],
            "case": lambda: path[:at] + path[at:].upper(),
            "cut": lambda: path[:at],
            "more": lambda: path + b"/" + self.pick(WORDS).encode(),
            "slash": lambda: path[:-1] if path.endswith(b"/") else path + b"/",
            "empty": lambda: b"",
        }
        return bends[way]()


def spoken(drawn: PolicyDraw, app: App) -> list[Spoken]:
    """The paths that routes and rules speak of, with their methods."""
    found = [(route.path, route.methods) for route in app.routes] + [(rule.path, rule.methods) for rule in drawn.rules]
    for nest in app.nests:
        found += [(nest.prefix, ()), *((nest.prefix + route.path, route.methods) for route in nest.routes)]
        for inner in nest.nests:
            found += [(nest.prefix + inner.prefix + route.path, route.methods) for route in inner.routes]
    return found


def draws() -> st.SearchStrategy[Draw]:
    """A policy, an application and some requests."""
    return st.binary(min_size=CHOICES, max_size=CHOICES).map(lambda tape: Generator(tape).draw())
