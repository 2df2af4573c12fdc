"""One policy around one application, and no second time: that would only judge everything twice.

Owns: the search through the middleware that an application is wrapped in.
Must never know: how a request is judged, ASGI, WSGI.
"""

from __future__ import annotations

from jwtmw.compose import Policy
from jwtmw.errors import ConfigurationError

# Under which names middleware keeps what it wraps.
_NAMES = ("app", "wsgi_app", "application")
# Further in than anybody wraps: an object that answers every name with another would be searched for ever.
_DEEPEST = 100


def refuse_twice(middleware: type, app: object, policy: Policy) -> None:
    """Raise `ConfigurationError` if `app` is, or keeps under a usual name, a `middleware` of this very policy."""
    seen: set[int] = set()
    wrapped = [app]
    while wrapped and len(seen) < _DEEPEST:
        app = wrapped.pop()
        if isinstance(app, middleware) and getattr(app, "policy", None) is policy:
            raise ConfigurationError("policy", "the same policy is applied twice to one application", "Wrap it once")
        if app is not None and id(app) not in seen:
            seen.add(id(app))
            wrapped += [getattr(app, name, None) for name in _NAMES]
