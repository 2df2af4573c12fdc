"""Path rules: which one speaks for a request, and what route and endpoint want together.

Owns: the choice of the rule, the default, and how a rule and an endpoint's mark meet.
Must never know: tokens, frameworks, how the endpoint was found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from jwtmw.decision import Reason
from jwtmw.errors import ConfigurationError
from jwtmw.policy.paths import ambiguous, route_path
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.templates import Template, Trie
from jwtmw.proof.evidence import Proofs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jwtmw.policy.marks import Mark

# RFC 9110 section 9.3 less CONNECT, which no router serves; RFC 5789; QUERY.
STANDARD_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"})
_METHOD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_MEMO_SIZE: Final = 4096
_MEMO_LENGTH: Final = 256
_NO_REQUIREMENT: Final = Requirement()


class Access(IntEnum):
    """Who may pass, from the loosest to the strictest; the stricter of two is the greater."""

    PUBLIC = 0
    OPTIONAL = 1
    AUTHENTICATED = 2
    DENY = 3


@dataclass(frozen=True, eq=False, slots=True)
class Rule:
    """One path rule. `methods` None covers all; `key` is where it stands in the configuration, as in "rules[2]"."""

    path: str
    methods: frozenset[str] | None = None
    access: Access = Access.AUTHENTICATED
    requirement: Requirement = _NO_REQUIREMENT
    report_only: bool = False
    key: str = "rule"
    proofs: Proofs | None = None

    def __post_init__(self) -> None:
        if self.access in (Access.PUBLIC, Access.DENY) and not self.requirement.is_empty:
            problem = f'"{self.access.name.lower()}" asks nothing of the caller, but the rule has a requirement'
            raise ConfigurationError(f"{self.key}.allow", problem, 'Drop the requirement, or allow "authenticated"')
        if self.access in (Access.PUBLIC, Access.DENY) and self.proofs is not None:
            problem = f'"{self.access.name.lower()}" reads no token, but the rule wants it bound to the request'
            raise ConfigurationError(f"{self.key}.allow", problem, 'Drop body and single_use, or allow "authenticated"')
        if self.methods is not None:
            _check_methods(self.methods, f"{self.key}.methods")


def _check_methods(methods: frozenset[str], key: str) -> None:
    if not methods:
        raise ConfigurationError(key, "the rule covers no method", "Name at least one, or leave the key out for all")
    for method in sorted(methods):
        if not _METHOD.fullmatch(method):
            raise ConfigurationError(key, "must hold names of HTTP methods", 'Write ["GET", "POST"]')
        if method not in STANDARD_METHODS and method.upper() in STANDARD_METHODS:
            raise ConfigurationError(key, f'"{method}" is not "{method.upper()}"', "Methods have their exact case")


@dataclass(frozen=True, eq=False, slots=True)
class Ask:
    """What this route wants of the caller.

    `rule` is the rule that spoke, None without one; `by_default` says that neither rule nor mark spoke. `scopes_wanted`
    is every scope that rule and mark name, for the challenge; `label`, for logs, the rule's path, "mark" or "default";
    `proofs` is what the rule wants the token bound to, None where that is nothing.
    """

    access: Access
    requirement: Requirement
    rule: Rule | None
    by_default: bool
    report_only: bool
    scopes_wanted: tuple[str, ...]
    label: str
    proofs: Proofs | None = None
    wants: bool = field(init=False)

    def __post_init__(self) -> None:
        # Asked of every request: most routes want no more than a good token.
        object.__setattr__(self, "wants", not self.requirement.is_empty)


class RuleBook:
    """All rules of a policy and the default. Immutable but for a bounded memo; safe to share among threads."""

    def __init__(self, rules: Iterable[Rule] = (), default: Access = Access.AUTHENTICATED) -> None:
        self.rules = tuple(rules)
        self.methods = STANDARD_METHODS.union(*(rule.methods or () for rule in self.rules))
        self.default_ask = Ask(default, _NO_REQUIREMENT, None, True, False, (), "default")
        self._alone = {rule: _ask(rule, rule.access, rule.requirement) for rule in self.rules}
        self._memo: dict[tuple[int, int], tuple[Mark, Ask]] = {}
        self._routes: dict[tuple[str, str, bytes | None, str], Rule | None] = {}
        self._trie: Trie[Rule] = Trie()
        for rule in self.rules:
            self._insert(rule)

    def _insert(self, rule: Rule) -> None:
        key = f"{rule.key}.path"
        other = self._trie.insert(Template.parse(rule.path, key), rule.methods, rule)
        if other is not None:
            cure = "Join the two, or give them different methods; names in braces do not distinguish paths"
            raise ConfigurationError(key, f"{other.key} has the same path for the same method", cure)

    def route(self, method: str, path: str, raw_path: bytes | None, root_path: str) -> Rule | Reason | None:
        """The rule for a request as it came in, or the reason why path or method cannot be judged at all.

        Remembered for paths that come again; what is refused is never remembered. Raises nothing.
        """
        key = (method, path, raw_path, root_path)
        try:
            return self._routes[key]
        except (KeyError, TypeError):
            pass
        if ambiguous(path, raw_path, root_path):
            return Reason.PATH_AMBIGUOUS
        if method not in self.methods:
            return Reason.METHOD_UNKNOWN
        rule = self.find(method, route_path(path, root_path))
        if len(path) <= _MEMO_LENGTH and (raw_path is None or len(raw_path) <= _MEMO_LENGTH):
            if len(self._routes) >= _MEMO_SIZE:
                self._routes.clear()
            self._routes[key] = rule
        return rule

    def find(self, method: str, path: str) -> Rule | None:
        """The most specific rule that covers the method, None where only the default is left."""
        return self._trie.find(method, path)

    def ask(self, rule: Rule | None, mark: Mark | None) -> Ask:
        """What the explicit rule and the endpoint's mark want together; the default where neither speaks."""
        if mark is None:
            return self.default_ask if rule is None else self._alone[rule]
        memo = self._memo.get((id(rule), id(mark)))
        return self._merge(rule, mark) if memo is None else memo[1]

    def _merge(self, rule: Rule | None, mark: Mark) -> Ask:
        """As `ask`, remembered. The memo keeps the mark alive, so that no other can get its id."""
        ask = _marked(mark) if rule is None else _tightened(rule, mark)
        if len(self._memo) >= _MEMO_SIZE:
            self._memo.clear()
        self._memo[id(rule), id(mark)] = mark, ask
        return ask


def _marked(mark: Mark) -> Ask:
    """Only the mark speaks: it lifts the default, or says more than it."""
    requirement = mark.requirement
    return Ask(_access(mark), requirement, None, False, False, requirement.scopes_wanted, "mark")


def _tightened(rule: Rule, mark: Mark) -> Ask:
    """An explicit rule and a mark: `@requires` tightens the rule; `@public` and `@optional` alone change nothing."""
    if mark.requirement.is_empty and _access(mark) < Access.AUTHENTICATED:
        return _ask(rule, rule.access, rule.requirement)
    return _ask(rule, max(rule.access, _access(mark)), rule.requirement & mark.requirement)


def _access(mark: Mark) -> Access:
    """`@requires` without `@public` or `@optional` means authenticated."""
    return Access.AUTHENTICATED if mark.access is None else mark.access


def _ask(rule: Rule, access: Access, requirement: Requirement) -> Ask:
    return Ask(access, requirement, rule, False, rule.report_only, requirement.scopes_wanted, rule.path, rule.proofs)
