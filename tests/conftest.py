"""Fixtures of the whole suite: those that users get, under the names that users get."""

pytest_plugins = ["jwtmw.testing.plugin"]
