"""The docs page of a FastAPI service in a real browser, with nothing fetched from elsewhere."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.system.oidc import processes

pytestmark = pytest.mark.system

CHROMIUM_IS_NEEDED = "is not on PATH. The docs page is tried in a real browser: install Debian's package chromium"
CONFIGURATION = """
[[issuers]]
issuer = "{issuer}"
audience = ["orders"]

[[rules]]
path = "/docs"
allow = "public"

[[rules]]
path = "/openapi.json"
allow = "public"

[[rules]]
path = "/assets/**"
allow = "public"
"""


@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
def test_a_person_authorizes_on_the_docs_page(algorithm: str, folder: Path) -> None:
    """Try it out is 401, the token is pasted into Authorize, and it is 200; pictures are in the test's folder."""
    chromium = processes.tool("chromium", "chromium-browser", "google-chrome", needed=CHROMIUM_IS_NEEDED)
    with processes.provider(folder) as provider:
        configuration = folder / "jwtmw.toml"
        configuration.write_text(CONFIGURATION.format(issuer=provider.issuer))
        with processes.service("uvicorn", {"JWTMW_CONFIG": str(configuration)}, folder) as service:
            seen = _browse(chromium, service.address, provider.tokens()[algorithm][0], folder)
            assert 401 == service.ask("/nowhere").status
        issuer = provider.issuer
    assert [401, 200] == seen["statuses"]
    assert {"caller": "shop", "issuer": issuer} == json.loads(str(seen["body"]))
    assert ("Orders", 3) == (seen["title"], seen["locks"])
    assert ([], []) == (seen["foreign"], seen["errors"])
    assert all((folder / f"{name}.png").stat().st_size > 0 for name in ("before", "authorize", "after"))


def _browse(chromium: str, address: str, token: str, folder: Path) -> dict[str, object]:
    command = [processes.tool("node", needed=processes.NODE_IS_NEEDED), "browse.mjs", chromium, address, str(folder)]
    done = subprocess.run(
        command, cwd=processes.HERE, input=token, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"the browser could not do it:\n{done.stdout}{done.stderr}", pytrace=False)
    seen = json.loads(done.stdout)
    assert isinstance(seen, dict)
    return seen
