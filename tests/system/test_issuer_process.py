"""`jwtmw issuer` as a process of its own, asked by the shell lines that it prints."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.system


@pytest.fixture
def printed() -> Iterator[str]:
    """Starts the command, gives what it printed, and ends it as Ctrl-C does."""
    command = [sys.executable, "-m", "jwtmw", "issuer", "--port", "0", "--client", "app:a secret:orders:read"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        text = ""
        for line in lines:
            text += line
            if line.startswith("curl "):
                break
        yield text
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(10)
        assert "stopped" == process.stdout.read().strip()


def shell(script: str) -> str:
    return subprocess.run(["sh", "-euc", script], check=True, capture_output=True, text=True, timeout=30).stdout


def test_the_printed_lines_work_in_a_shell(printed: str) -> None:
    """The exports and the curl line, pasted into a shell, give the key set's address and a token."""
    lines = [line for line in printed.splitlines() if line.startswith(("export ", "curl "))]
    token = json.loads(shell("\n".join(lines)))
    assert ("Bearer", "orders:read", 3600) == (token["token_type"], token["scope"], token["expires_in"])
    keys = shell("\n".join([*lines[:-1], 'curl -sf "$JWTMW_JWKS_URL"']))
    assert 1 == len(json.loads(keys)["keys"])
