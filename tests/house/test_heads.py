"""The head of each module, and the sentence of each test."""

from __future__ import annotations

import ast

import pytest

from tests.house.source import PACKAGES, ROOT, Module, modules

MODULES = modules()
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_a_module_says_what_it_owns_and_what_it_must_never_know(module: Module) -> None:
    """Whoever opens a file reads its laws first; a package that holds nothing itself says what it is."""
    head = ast.get_docstring(module.tree)
    assert head
    if module.path.name == "__init__.py" and len(module.tree.body) == 1:
        return
    assert "Owns:" in head
    assert "Must never know:" in head


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_typed(package: str) -> None:
    """Type checkers of users read our annotations."""
    assert (ROOT / package / "py.typed").is_file()


def test_a_test_opens_with_the_sentence_it_proves() -> None:
    """Each test's docstring is a sentence."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if not (ast.get_docstring(node) or "").endswith((".", "?"))
    ]
    assert [] == silent
