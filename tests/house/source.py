"""The project's own source as data: modules, their docstrings, and what they import.

Owns: the reading of the files by `ast`; nothing is imported or run.
Must never know: which imports are allowed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("jwtmw", "jwtmw_flask", "jwtmw_django")


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    tree: ast.Module
    at_import: frozenset[str]
    """What it imports while it is imported itself."""
    at_run: frozenset[str]
    """All that it may import when it runs: also inside functions, not under TYPE_CHECKING."""
    in_all: frozenset[str]
    """All that it names, for types too."""


def within(name: str, rooms: tuple[str, ...]) -> bool:
    """True where the module is one of `rooms` or inside one."""
    return any(name == room or name.startswith(room + ".") for room in rooms)


def modules() -> dict[str, Module]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    names = {_name(path): path for path in paths}
    return {name: _read(name, path, set(names)) for name, path in names.items()}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _read(name: str, path: Path, known: set[str]) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = list(_imports(tree, at_import=True, at_run=True, known=known))
    return Module(
        name,
        path,
        tree,
        frozenset(target for target, at_import, _ in imports if at_import),
        frozenset(target for target, _, at_run in imports if at_run),
        frozenset(target for target, _, _ in imports),
    )


def _imports(node: ast.AST, *, at_import: bool, at_run: bool, known: set[str]) -> Iterator[tuple[str, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, at_import, at_run) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from ((target, at_import, at_run) for target in _targets(child, known))
        elif isinstance(child, ast.If) and ast.unparse(child.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            yield from _imports(child, at_import=False, at_run=False, known=known)
        else:
            inside = at_import and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _imports(child, at_import=inside, at_run=at_run, known=known)


def _targets(node: ast.ImportFrom, known: set[str]) -> Iterator[str]:
    assert node.module is not None, "relative imports are not used"
    for alias in node.names:
        submodule = f"{node.module}.{alias.name}"
        yield submodule if submodule in known else node.module
