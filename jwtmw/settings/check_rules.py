"""`rules`: names and texts. Path templates and what requirements mean are the policy's to judge.

Owns: the values of a rule's keys, and the names of issuers in them.
Must never know: paths, how rules are matched.
"""

from __future__ import annotations

from jwtmw.settings.check_issuers import issuer_name
from jwtmw.settings.findings import Findings, audiences, each, one_of, wrong
from jwtmw.settings.grammar import is_plain, is_scope, is_token, near
from jwtmw.settings.schema import Requirement, Rule, SettingsTable

ACCESSES = ("authenticated", "public", "optional", "deny")


def rule_problems(table: SettingsTable) -> Findings:
    """Everything that is wrong with the rules, as far as it can be told without matching."""
    names = [issuer_name(issuer) or "" for issuer in table.issuers]
    for index, rule in enumerate(table.rules):
        yield from _rule_problems(rule, f"rules[{index}]")
        yield from _requirement_problems(rule, f"rules[{index}]", names)
        for number, alternative in enumerate(rule.any_of or ()):
            yield from _alternative_problems(alternative, f"rules[{index}].any_of[{number}]")
            yield from _requirement_problems(alternative, f"rules[{index}].any_of[{number}]", names)


def _rule_problems(rule: Rule, key: str) -> Findings:
    if not rule.path.startswith("/"):
        yield wrong(f"{key}.path", "must begin with a slash")
    yield from one_of(rule.allow, ACCESSES, f"{key}.allow")
    yield from each(rule.methods, f"{key}.methods", _is_method, "must be a method in upper case")
    if rule.any_of == ():
        yield wrong(f"{key}.any_of", "is an empty list", "Name at least one alternative, or leave the key out")


def _is_method(text: str) -> bool:
    return is_token(text) and text == text.upper()


def _alternative_problems(alternative: Requirement, key: str) -> Findings:
    if alternative == Requirement():
        yield wrong(key, "an empty alternative lets every caller in", "Name what it requires, or drop it")


def _requirement_problems(requirement: Requirement, key: str, names: list[str]) -> Findings:
    for name in ("scopes", "any_scope"):
        yield from each(
            getattr(requirement, name),
            f"{key}.{name}",
            is_scope,
            "must be one scope: ASCII without blank, quote, backslash",
        )
    for name in ("roles", "any_role", "issuers"):
        yield from each(getattr(requirement, name), f"{key}.{name}", is_plain, "must be text, and not empty")
    yield from audiences(requirement.audience, f"{key}.audience")
    yield from _claim_problems(requirement, f"{key}.claims")
    yield from _issuer_problems(requirement.issuers or (), f"{key}.issuers", names)


def _claim_problems(requirement: Requirement, key: str) -> Findings:
    if requirement.claims == {}:
        yield wrong(key, "is an empty table", "Name at least one claim, or leave the key out")
    for name, wanted in (requirement.claims or {}).items():
        allowed = wanted if isinstance(wanted, list) else [wanted]
        if not name or not allowed or not all(isinstance(value, str | int | float) for value in allowed):
            problem = "must be text, a number, true or false, or a list of such"
            yield wrong(f"{key}.{name}", problem, 'Write for example claims = { client_id = ["shop", "billing"] }')


def _issuer_problems(wanted: tuple[str, ...], key: str, names: list[str]) -> Findings:
    """Without any issuer, as in non-secure mode, no name can be wrong."""
    for index, name in enumerate(wanted):
        if names and name not in names:
            meant = near(name, names)
            cure = f'Did you mean "{meant}"?' if meant else f"The issuers are {', '.join(names)}"
            yield wrong(f"{key}[{index}]", "no issuer has this name", cure)
