"""Django is set up before the test modules here import what needs its settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from jwtmw.testing import TestIssuer
from tests.django.project import configure
from tests.django_extras.service import Service

configure()


@pytest.fixture
def service(jwtmw_issuer: TestIssuer) -> Callable[..., Service]:
    """Makes a project of URL patterns behind the middleware; see `Service`."""
    return partial(Service, jwtmw_issuer)
