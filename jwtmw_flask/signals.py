"""What other code may listen to, by blinker's rules. The sender is the application.

Owns: the two signals.
Must never know: tokens. What is sent is a `jwtmw.Reason` at most; who asks for the caller finds `current_principal`.
"""

from __future__ import annotations

from blinker import Namespace
from flask import Flask

from jwtmw.adapter import Allow, Deny, record_unforeseen

_signals = Namespace()

# Sent before the application's own functions run. `reason` is why it would be refused, where that is only reported.
request_allowed = _signals.signal("jwtmw-request-allowed")
# Sent instead of calling the application, and where `@requires` refuses inside of it. `reason` is why.
request_denied = _signals.signal("jwtmw-request-denied")


def tell_allowed(app: Flask, allow: Allow) -> None:
    """A receiver that raises is the application's own failure, as one of `flask.request_started` is."""
    request_allowed.send(app, _async_wrapper=app.ensure_sync, reason=allow.would_deny)


def tell_denied(app: Flask, deny: Deny) -> None:
    """A refusal does not depend on who listens."""
    if request_denied.receivers:
        try:
            request_denied.send(app, _async_wrapper=app.ensure_sync, reason=deny.reason)
        except Exception as error:  # noqa: BLE001 (the application's)
            record_unforeseen("a receiver of request_denied", error)
