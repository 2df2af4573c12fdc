"""`jwtmw demo --stay` as a process of its own, tried by the shell lines that it prints."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

pytestmark = pytest.mark.system


def shell(script: str) -> str:
    return subprocess.run(["sh", "-euc", script], check=True, capture_output=True, text=True, timeout=30).stdout


def read_until(output: IO[str], text: str) -> str:
    """What is printed up to the line with this text, that line included."""
    printed = ""
    for line in iter(output.readline, ""):
        printed += line
        if text in line:
            return printed
    pytest.fail(f"it ended without {text!r}:\n{printed}")


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"])
def test_the_printed_lines_work_until_it_ends(sent: signal.Signals, status: int, tmp_path: Path) -> None:
    """Away from the checkout, each printed line answers; however the command is ended, nothing listens afterwards."""
    command = [sys.executable, "-m", "jwtmw", "demo", "--stay"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        printed = read_until(process.stdout, "The service logs:")
        token, *tries, grant = [line for line in printed.splitlines() if line.startswith(("export TOKEN", "curl "))]
        answers = [shell(f"{token}\n{line}").partition("\n")[0].split()[1] for line in tries]
        assert ["200", "401", "200", "201", "403"] == answers
        assert '"token_type": "Bearer"' in shell(grant)
        # The log comes by another way than the answers: what is not read yet when the command ends is lost.
        logged = read_until(process.stdout, "denied: role_missing (mark)")
        process.send_signal(sent)
        process.stdout.read()
        assert status == process.wait(30)
    assert "denied: token_missing (mark)" in logged
    for line in (tries[0], grant):
        with pytest.raises(subprocess.CalledProcessError):
            shell(line)
