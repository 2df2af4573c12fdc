"""`flask jwtmw check`: what `jwtmw check` does, with the application's own policy."""

from __future__ import annotations

from typing import Any

from click.testing import Result

from jwtmw.testing import TestIssuer
from tests.flask.apps import made, protected


def run(*options: str, **keys: Any) -> Result:
    return protected(made(), **keys).test_cli_runner().invoke(args=["jwtmw", "check", *options])


def test_what_is_fit_for_production_is_shown() -> None:
    """Mode, issuers and rules; the exit status is 0."""
    result = run(rules=[{"path": "/health", "allow": "public"}])
    assert 0 == result.exit_code
    assert "secure: every request is judged" in result.output
    assert "/health" in result.output
    assert "nothing to complain about" in result.output


def test_what_is_not_fit_fails_the_command() -> None:
    """The complaint is shown, and the exit status is 1."""
    result = run(expose_reason=True)
    assert 1 == result.exit_code
    assert "- expose_reason is on" in result.output


def test_what_only_a_start_would_log_is_complained_about() -> None:
    """Also by a policy that is loaded already."""
    result = run(secure=False)
    assert 1 == result.exit_code
    assert "- non-secure mode: every request passes" in result.output


def test_keys_are_fetched_on_request(jwtmw_serving_issuer: TestIssuer) -> None:
    """And what is published is shown."""
    issuer = jwtmw_serving_issuer
    table = {"issuer": issuer.issuer, "audience": ["orders"], "jwks_url": issuer.jwks_url}
    result = run("--fetch", issuers=[table])
    assert (0, True) == (result.exit_code, issuer.signer.kid in result.output)
