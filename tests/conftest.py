"""Fixtures of the whole suite: those that users get, under the names that users get; and what is printed at its end."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["jwtmw.testing.plugin", "tests.conformance.report", "tests.printed"]

# No test is timed: a busy machine must not fail one.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
