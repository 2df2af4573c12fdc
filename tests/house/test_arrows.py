"""The arrows of the house: who may import whom."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys

import pytest

from tests.house.source import Module, modules, within

MODULES = modules()

CORE = ("jwtmw.errors", "jwtmw.decision", "jwtmw.request", "jwtmw.claimpath")
ENDPOINTS = ("jwtmw.gateway.forward_auth", "jwtmw.gateway.asgi", "jwtmw.gateway.wsgi")
ADAPTERS = (
    *("jwtmw.adapter", "jwtmw.asgi", "jwtmw.wsgi", "jwtmw.nested", "jwtmw.starlette", "jwtmw.fastapi"),
    *ENDPOINTS,
)
DEVELOPMENT = (
    "jwtmw.testing",
    "jwtmw.cli",
    "jwtmw.__main__",
    "jwtmw.mint.development",
    "jwtmw.mint.grant",
    "jwtmw.mint.loopback",
)
FRAMEWORKS = (
    *("starlette", "fastapi", "flask", "werkzeug", "django", "rest_framework", "drf_spectacular", "ninja"),
    *("uvicorn", "gunicorn", "pytest"),
)
OTHER_THAN_FLASK = tuple(name for name in FRAMEWORKS if name not in ("flask", "werkzeug"))
FETCHERS = ("httpx2", "httpcore2", "httpx", "requests", "aiohttp", "urllib.request", "http.client")

# room: what it never imports, not even inside a function
NEVER = {
    "jwtmw.policy": ("jwtmw.token", "jwtmw.issuers", "jwtmw.settings", "jwtmw.engine"),
    "jwtmw.issuers": ("jwtmw.vault", "jwtmw.policy", "jwtmw.token", "jwtmw.settings", "jwtmw.engine"),
    "jwtmw.revocation": ("jwtmw.policy", "jwtmw.token", "jwtmw.request", "jwtmw.settings", "jwtmw.engine"),
    "jwtmw.proof": (
        *("jwtmw.policy", "jwtmw.token", "jwtmw.request", "jwtmw.settings", "jwtmw.engine", "jwtmw.challenge"),
        *("threading", "asyncio", "anyio"),
    ),
    "jwtmw.token": ("jwtmw.policy", "jwtmw.issuers", "jwtmw.settings", "jwtmw.engine"),
    "jwtmw.vault": ("jwtmw.policy", "jwtmw.token", "jwtmw.settings", "jwtmw.engine"),
    "jwtmw.endpoints": ("jwtmw.mint", "jwtmw.engine", "jwtmw.compose", "jwtmw.settings", *ADAPTERS),
    **dict.fromkeys(
        [
            f"jwtmw.mint.{name}"
            for name in (
                *("signer", "ringfile", "rotation", "keyring", "jwks"),
                *("actors", "details", "internal", "login", "terms"),
            )
        ],
        ("jwtmw.policy", "jwtmw.engine", "jwtmw.compose", "jwtmw.settings", *ADAPTERS),
    ),
    "jwtmw.settings": ("jwtmw.engine", "jwtmw.drive", "jwtmw.challenge", *ADAPTERS),
    "jwtmw.engine": (
        "jwtmw.drive",
        "jwtmw.waiting",
        "jwtmw.challenge",
        "jwtmw.settings",
        "threading",
        "asyncio",
        "anyio",
        *ADAPTERS,
    ),
    "jwtmw.verification": (
        *("jwtmw.policy", "jwtmw.request", "jwtmw.engine", "jwtmw.drive", "jwtmw.challenge", "jwtmw.settings"),
        *("threading", "asyncio", "anyio", *ADAPTERS),
    ),
    "jwtmw.client": (
        *("jwtmw.policy", "jwtmw.engine", "jwtmw.drive", "jwtmw.settings", "jwtmw.compose", "jwtmw.challenge"),
        *ADAPTERS,
    ),
    "jwtmw.waiting": ("jwtmw.policy", "jwtmw.token", "jwtmw.engine", "jwtmw.drive", "jwtmw.settings"),
    "jwtmw.gateway.reported": (
        *("jwtmw.token", "jwtmw.engine", "jwtmw.settings", "jwtmw.challenge", "jwtmw.compose", *ADAPTERS),
    ),
    "jwtmw.gateway.answers": ("jwtmw.engine", "jwtmw.settings", "jwtmw.compose", *ADAPTERS),
    "jwtmw.gateway.forward_auth": ("jwtmw.asgi", "jwtmw.wsgi", "jwtmw.environ", "jwtmw.drive"),
    "jwtmw.proving": (
        *("jwtmw.policy", "jwtmw.engine", "jwtmw.drive", "jwtmw.challenge", "jwtmw.settings"),
        *("threading", "asyncio", "anyio", *ADAPTERS),
    ),
    "jwtmw.stores": ("jwtmw",),
    "jwtmw.drive": ("jwtmw.challenge", "jwtmw.settings", *ADAPTERS),
    "jwtmw.challenge": ("jwtmw.drive", "jwtmw.settings", *ADAPTERS),
}
# what few may import: who may
ONLY = {
    FRAMEWORKS: (
        "jwtmw.starlette",
        "jwtmw.fastapi",
        "jwtmw.cli",
        "jwtmw.testing.plugin",
        "jwtmw_flask",
        "jwtmw_django",
    ),
    FETCHERS: ("jwtmw.issuers.fetch", "jwtmw.issuers.transport", "jwtmw.client", "jwtmw.cli"),
}


def offences(module: Module, forbidden: tuple[str, ...]) -> list[str]:
    return sorted(f"{module.name} imports {target}" for target in module.at_run if within(target, forbidden))


@pytest.mark.parametrize("room", sorted(NEVER))
def test_a_room_never_imports_what_it_must_not_know(room: str) -> None:
    """Import arrows run one way, inside functions too."""
    inside = [module for name, module in MODULES.items() if within(name, (room,))]
    assert inside, "the room is gone: mend the table"
    assert [] == [offence for module in inside for offence in offences(module, NEVER[room])]


@pytest.mark.parametrize("name", CORE)
def test_the_core_imports_nothing_of_the_house_but_itself(name: str) -> None:
    """Errors, decisions, requests and claim paths are below everything."""
    own = {target for target in MODULES[name].at_run if within(target, ("jwtmw",))}
    assert set() == {target for target in own if not within(target, CORE)}


@pytest.mark.parametrize("guarded", list(ONLY), ids=["frameworks", "fetchers"])
def test_few_may_import_frameworks_and_http_clients(guarded: tuple[str, ...]) -> None:
    """A framework is imported by its adapter, an HTTP client by who fetches, and by nobody else."""
    others = [module for name, module in MODULES.items() if not within(name, ONLY[guarded])]
    assert [] == [offence for module in others for offence in offences(module, guarded)]


def test_the_production_path_imports_nothing_made_for_development() -> None:
    """The test issuer, the development issuer and the command are never imported by what serves requests."""
    production = [module for name, module in MODULES.items() if not within(name, DEVELOPMENT)]
    assert [] == [offence for module in production for offence in offences(module, DEVELOPMENT)]


@pytest.mark.parametrize("package", ["jwtmw_flask", "jwtmw_django"])
def test_adapter_packages_import_the_contract_only(package: str) -> None:
    """An adapter of its own package builds on `jwtmw` and `jwtmw.adapter`, also in its types."""
    inside = [module for name, module in MODULES.items() if within(name, (package,))]
    own = {target for module in inside for target in module.in_all if within(target, ("jwtmw",))}
    assert set() == own - {"jwtmw", "jwtmw.adapter"}


def test_the_environment_has_one_reader() -> None:
    """`os.environ` is read by `jwtmw.settings` and by nobody else."""
    readers = {
        name for name, module in MODULES.items() for node in ast.walk(module.tree) if _reads_the_environment(node)
    }
    assert set() == {name for name in readers if not within(name, ("jwtmw.settings", "jwtmw.cli"))}


def _reads_the_environment(node: ast.AST) -> bool:
    """By its full name, or by one imported from `os`; the `environ` of a WSGI request is another."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and bool({alias.name for alias in node.names} & {"environ", "environb", "getenv"})
    return isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.environb", "os.getenv"}


def test_there_are_no_circles() -> None:
    """Modules can be put in an order in which each imports only what stands before it."""
    graph = {name: {target for target in module.at_import if target in MODULES} for name, module in MODULES.items()}
    assert len(MODULES) == len(list(graphlib.TopologicalSorter(graph).static_order()))


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        pytest.param("jwtmw", (*FRAMEWORKS, *FETCHERS[:5], *DEVELOPMENT), id="jwtmw"),
        pytest.param("jwtmw.asgi", (*FRAMEWORKS, *FETCHERS[:5], *DEVELOPMENT), id="jwtmw.asgi"),
        pytest.param("jwtmw.wsgi", (*FRAMEWORKS, *FETCHERS[:5], *DEVELOPMENT), id="jwtmw.wsgi"),
        pytest.param("jwtmw.testing", (*FRAMEWORKS, *FETCHERS[:5]), id="jwtmw.testing"),
        pytest.param("jwtmw.client", (*FRAMEWORKS, *FETCHERS[:5], "anyio", *DEVELOPMENT), id="jwtmw.client"),
        pytest.param("jwtmw_flask", (*OTHER_THAN_FLASK, *FETCHERS[:2], *DEVELOPMENT), id="jwtmw_flask"),
        pytest.param("jwtmw_django", FRAMEWORKS, id="jwtmw_django"),
    ],
)
def test_an_import_is_light(module: str, absent: tuple[str, ...]) -> None:
    """A fresh interpreter that imports it has loaded no framework and no HTTP client, and started no thread."""
    program = f"import sys, threading, {module}; print(threading.active_count(), *sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    threads, *loaded = done.stdout.split()
    assert "1" == threads
    assert [] == [name for name in loaded if within(name, absent)]
