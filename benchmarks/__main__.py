"""`python -m benchmarks [--rounds N] [--json FILE]`: all figures of one run, as a table and as JSON.

Owns: which benchmarks there are.
Must never know: what they do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import requests, scaling, tokens, wsgi
from benchmarks.measure import Figure, Run, interleave
from benchmarks.world import ALGORITHMS

# name -> candidates, calls per round
BENCHMARKS: dict[str, tuple[Callable[[], dict[str, Run]], int]] = {
    "request": (partial(requests.candidates, "RS256"), 300),
    "flask": (partial(wsgi.flask, "RS256"), 200),
    "django": (partial(wsgi.django, "RS256"), 200),
    **{f"token {name}": (partial(tokens.candidates, name), 200) for name in ALGORITHMS},
    "rules": (scaling.rules, 1000),
    "issuers": (scaling.issuers, 200),
    "consumers": (scaling.consumers, 200),
}


def main() -> None:
    """Run them all, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(BENCHMARKS)}; default all")
    parser.add_argument("--rounds", type=int, default=60, help="interleaved rounds (default 60)")
    parser.add_argument("--json", type=Path, help="where to write the figures; default: to standard output, at the end")
    arguments = parser.parse_args()
    figures = {name: _measure(name, arguments.rounds) for name in arguments.names or BENCHMARKS}
    report = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "rounds": arguments.rounds,
        "figures": {name: [figure.as_dict() for figure in found] for name, found in figures.items()},
    }
    text = json.dumps(report, indent=1)
    if arguments.json is None:
        sys.stdout.write(text + "\n")
    else:
        arguments.json.write_text(text + "\n", encoding="utf-8")


def _measure(name: str, rounds: int) -> list[Figure]:
    candidates, repeat = BENCHMARKS[name]
    found = asyncio.run(interleave(candidates(), rounds, repeat))
    sys.stderr.write(f"\n{name}\n")
    for figure in found:
        sys.stderr.write(
            f"  {figure.name:<42}{figure.microseconds:>9.2f} us   x {figure.ratio:.2f}"
            f"   ({figure.low:.2f} to {figure.high:.2f})\n"
        )
    return found


if __name__ == "__main__":
    main()
