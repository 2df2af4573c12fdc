"""Django is set up before a test module imports what needs that: its models."""

from tests.django.project import configure

configure()
