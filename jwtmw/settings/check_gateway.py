"""`gateway`: the forward-auth endpoint, and how a gateway asks it.

Owns: the values of its keys and their combinations.
Must never know: requests, what gateways there are beyond their names and where they report.
"""

from __future__ import annotations

from jwtmw.gateway.reported import GATEWAYS
from jwtmw.settings.check_identity import is_taken, spelling
from jwtmw.settings.findings import Findings, one_of, wrong
from jwtmw.settings.grammar import is_token, is_url_path
from jwtmw.settings.schema import SettingsTable
from jwtmw.settings.schema_gateway import Gateway

_REPORTS = ("method_header", "target_header")
# What a refusal may become: never a pass, and no redirect.
_LOWEST, _HIGHEST = 400, 599


def gateway_problems(table: SettingsTable) -> Findings:
    """Everything that is wrong with the table."""
    gateway = table.gateway
    if gateway.kind:
        yield from one_of(gateway.kind, tuple(GATEWAYS), "gateway.kind")
    if gateway.path != "/" and not is_url_path(gateway.path):
        yield wrong("gateway.path", "must be a path without escapes, and without a slash at its end")
    yield from _report_problems(gateway)
    yield from _internal_problems(gateway, table.identity_headers)
    for status, sent in gateway.map_status.items():
        if not (_is_refusal(sent) and status.isascii() and status.isdigit() and _is_refusal(int(status))):
            yield wrong("gateway.map_status", f"must map statuses from {_LOWEST} to {_HIGHEST} to such statuses")


def _internal_problems(gateway: Gateway, identity: dict[str, str]) -> Findings:
    key, name = "gateway.internal_header", gateway.internal_header
    if not is_token(name):
        yield wrong(key, "is no name of a header: letters, digits and marks, no blank")
    elif spelling(name) != "authorization" and is_taken(spelling(name)):
        yield wrong(key, "this header has a meaning of its own")
    elif spelling(name) in {spelling(each) for each in identity if is_token(each)}:
        yield wrong(key, "is one of identity_headers", "Give the token a header of its own")


def _report_problems(gateway: Gateway) -> Findings:
    known = GATEWAYS.get(gateway.kind)
    for name in _REPORTS:
        header = getattr(gateway, name)
        if header and not is_token(header):
            yield wrong(f"gateway.{name}", "is no name of a header: letters, digits and marks, no blank")
        if header and known is not None and not known.target_header:
            problem = f"has no meaning: {gateway.kind} sends the original method and path as its own"
            yield wrong(f"gateway.{name}", problem, "Leave the key out")
    if gateway.method_header and gateway.method_header.lower() == gateway.target_header.lower():
        yield wrong("gateway.target_header", "is the header that tells the method")


def _is_refusal(status: int) -> bool:
    return _LOWEST <= status <= _HIGHEST
