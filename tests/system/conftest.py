"""What the conformance table's checks assert is shown with its values, here too."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.conformance.checks")
