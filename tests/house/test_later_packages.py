"""The packages whose adapters come later: they cannot be mistaken for protection."""

from __future__ import annotations

import importlib

import pytest


@pytest.mark.parametrize(("package", "name"), [("jwtmw_flask", "JWTAuth")], ids=["flask"])
def test_the_adapter_cannot_be_had(package: str, name: str) -> None:
    """Asking for the adapter fails at once and says that nothing is protected."""
    module = importlib.import_module(package)
    with pytest.raises(ImportError, match=rf"{package}\.{name} comes with a later release.*protects no"):
        getattr(module, name)
    with pytest.raises(ImportError, match="comes with a later release"):
        exec(f"from {package} import {name}")


@pytest.mark.parametrize("package", ["jwtmw_flask"])
def test_other_names_are_missing_as_ever(package: str) -> None:
    """Any other name is an ordinary AttributeError, so that tools may look."""
    module = importlib.import_module(package)
    assert not hasattr(module, "nonsense")
    assert "This version protects no" in (module.__doc__ or "")
