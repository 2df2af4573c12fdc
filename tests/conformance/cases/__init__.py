"""The table: every case of every theme."""

from __future__ import annotations

from tests.conformance.cases import (
    algorithms,
    claims,
    consumers,
    cookies,
    errors,
    extraction,
    hiding,
    identity,
    introspection,
    issuers_audience,
    json_and_jws,
    keys,
    marks,
    methods_cors,
    minting,
    modes,
    paths,
    proofs,
    requirements,
    revocation,
    time,
    websocket,
)
from tests.conformance.schema import Case

_MODULES = (
    extraction, json_and_jws, algorithms, time, claims, issuers_audience, requirements, paths, methods_cors, errors,
    modes, marks, consumers, websocket, keys, cookies, identity, hiding, introspection,
    revocation, minting, proofs,
)  # fmt: skip
THEMES: dict[str, list[Case]] = {module.__name__.rsplit(".", 1)[1]: module.CASES for module in _MODULES}
THEME_OF: dict[str, str] = {case.id: theme for theme, cases in THEMES.items() for case in cases}
CASES: list[Case] = [case for cases in THEMES.values() for case in cases]
