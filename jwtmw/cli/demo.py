"""`jwtmw demo`: an issuer and a protected orders service on this machine, and what comes of twenty requests.

The service is examples/orders under uvicorn, configured by three environment variables and nothing else. Then the same
service in non-secure mode, without an issuer. `jwtmw demo mixed` runs five services in five frameworks by one policy
instead, `jwtmw demo fleet` a gateway and three services that call each other. Everything listens on loopback only, and
ends with the command.

The exit status is 0 where every answer is as it should be, and 1 where one is not.

Owns: the course of the demo, and what it prints.
Must never know: how anything is decided.
"""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from jwtmw.cli import CommandError, demo_fleet, demo_mixed
from jwtmw.cli.demo_requests import WRITER, Ask, asks, send
from jwtmw.cli.demo_service import Service, require
from jwtmw.decision import Reason
from jwtmw.table import table
from jwtmw.testing import Client, TestIssuer

_MEANINGS = {reason.value: reason.meaning for reason in Reason}

WHAT = "one service, five services by one policy, or a gateway with three services behind it that call each other"
MANY = {
    "mixed": (demo_mixed.require_the_extra, demo_mixed.show),
    "fleet": (demo_fleet.require_the_extra, demo_fleet.show),
}
HELP = "see it work: an issuer, an orders service, twenty requests"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `jwtmw demo`."""
    add = parser.add_argument
    add("what", nargs="?", choices=["orders", *MANY], default="orders", help=WHAT)
    add("--stay", action="store_true", help="leave both up until Ctrl-C, and print curl lines to try")
    add("--port", type=int, default=0, help="of the orders service (default: a free one)")
    add("--issuer-port", type=int, default=0, metavar="PORT", help="of the issuer (default: a free one)")


def run(arguments: argparse.Namespace) -> int:
    """Start both, ask, show; then once more in non-secure mode."""
    if arguments.what != "orders":
        return _run_many(arguments, *MANY[arguments.what])
    require("the demo", "cli", ("starlette", "uvicorn"))
    writer = Client("writer", secrets.token_urlsafe(9), tuple(WRITER.split()))
    issuer = TestIssuer(clock=time, clients=[writer])
    with _tidy_on_sigterm(), _serving(issuer, arguments.issuer_port):
        requests = asks(issuer)
        with Service(issuer.environment(), arguments.port) as service:
            as_expected = _protected(issuer, service, requests)
            with Service({"JWTMW_SECURE": "false"}) as open_service:
                as_expected = _open(open_service, requests) and as_expected
            if arguments.stay:
                _stay(issuer, service, writer)
    return 0 if as_expected else 1


def _run_many(
    arguments: argparse.Namespace, require_the_extra: Callable[[], None], show: Callable[[TestIssuer], bool]
) -> int:
    if arguments.stay or arguments.port:
        raise CommandError("--stay and --port are for one service: leave them out")
    require_the_extra()
    issuer = TestIssuer(clock=time)
    with _tidy_on_sigterm(), _serving(issuer, arguments.issuer_port):
        return 0 if show(issuer) else 1


@contextmanager
def _tidy_on_sigterm() -> Iterator[None]:
    """By SIGTERM the command ends as by Ctrl-C: whatever it started ends first."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _serving(issuer: TestIssuer, port: int) -> TestIssuer:
    try:
        return issuer.serve(port)
    except (OSError, OverflowError):
        raise CommandError(f"--issuer-port: {port} cannot be had; 0 takes a free one") from None


def _protected(issuer: TestIssuer, service: Service, requests: Sequence[Ask]) -> bool:
    print(f"An issuer is up on {issuer.url}, an orders service on {service.url}. All that the service knows:\n")
    print("\n".join(f"  {name}={value}" for name, value in issuer.environment().items()), end="\n\n")
    rows = [_asked(service, ask) for ask in requests]
    print(table([("", "request", "sent with", "answer", "why"), *rows]))
    wrong = sum(row[0] != "" for row in rows)
    print("\nCallers see the answer; the reason behind it is in the service's log.")
    print(f"{wrong} of {len(rows)} are not as they should be." if wrong else f"All {len(rows)} are as they should be.")
    return not wrong


def _asked(service: Service, ask: Ask) -> tuple[str, ...]:
    """One row: empty in front where the answer is as it should be."""
    answer = send(service.url, ask)
    found = service.refusal() if answer.code else None
    expected = ask.why.value if isinstance(ask.why, Reason) else None
    mark = "" if (answer.status, found) == (ask.status, expected) else "!"
    why = ask.why if found is None else f"{found}: {_MEANINGS[found]}"
    return mark, ask.line, ask.sent, f"{answer.status} {answer.code}", why


def _open(service: Service, requests: Sequence[Ask]) -> bool:
    print("\nThe same service with JWTMW_SECURE=false, and without any issuer:\n")
    answers = [send(service.url, ask).status for ask in requests]
    wrong = [
        (ask.line, ask.sent, str(status)) for ask, status in zip(requests, answers, strict=True) if status != ask.open
    ]
    counts = ", ".join(f"{count} x {status}" for status, count in sorted(Counter(answers).items()))
    print(f"  {counts}")
    if wrong:
        print("\nThese are not as they should be:\n\n" + table(wrong))
        return False
    print("\nNothing is refused and no token is believed; 404 is the application's own answer to /nowhere.")
    return True


def _stay(issuer: TestIssuer, service: Service, writer: Client) -> None:
    print(
        f"""
Both stay until Ctrl-C. To try, in another shell:

export TOKEN={issuer.token("writer", WRITER)}
curl -i {service.url}/health
curl -i {service.url}/orders
curl -i -H "Authorization: Bearer $TOKEN" {service.url}/orders
curl -i -H "Authorization: Bearer $TOKEN" -d cake {service.url}/orders
curl -i -H "Authorization: Bearer $TOKEN" -X DELETE {service.url}/orders/1

The token lives for an hour. The next one:

curl -s -u {writer.id}:{writer.secret} -d grant_type=client_credentials {issuer.token_url}

The service logs:
""",
        flush=True,
    )
    try:
        for line in service.lines():
            print(line, flush=True)
    except KeyboardInterrupt:
        print("stopped")
