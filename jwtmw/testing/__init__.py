"""Helpers for the tests of services that jwtmw protects, and for its own.

    from jwtmw.testing import Clock, TestIssuer

    with TestIssuer(clients=[Client("app", "secret", ("orders:read",))]) as issuer:   # serves on loopback
        issuer.token(scope="orders:read")

The fixtures `jwtmw_issuer`, `jwtmw_serving_issuer` and `jwtmw_clock` come with
`pytest_plugins = ["jwtmw.testing.plugin"]` in a root conftest.py.

Owns: the names that test suites import.
Must never know: frameworks. Nothing on the production path imports it.
"""

from jwtmw.mint.grant import Client
from jwtmw.mint.signer import Signer
from jwtmw.testing.clock import Clock
from jwtmw.testing.issuer import TestIssuer

__all__ = ["Client", "Clock", "Signer", "TestIssuer"]
