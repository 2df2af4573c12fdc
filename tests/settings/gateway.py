"""Wrong values of `gateway`: for the table of every key.

Owns: the changes, the key that is blamed, a part of the message.
Must never know: how they are tried.
"""

from __future__ import annotations

from typing import Any

_WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "Nginx"}, "kind", 'Did you mean "nginx"?'),
    ({"kind": "haproxy"}, "kind", "Write one of nginx, traefik, caddy, envoy"),
    ({"path": ""}, "path", 'path = "/auth"'),
    ({"path": "auth"}, "path", "must be a path"),
    ({"path": "/auth/"}, "path", "without a slash at its end"),
    ({"path": "/%61uth"}, "path", "without escapes"),
    ({"path": "/a/../auth"}, "path", "must be a path"),
    ({"method_header": "X Method"}, "method_header", "no name of a header"),
    ({"kind": "envoy", "method_header": "X-Method"}, "method_header", "envoy sends the original method and path"),
    ({"target_header": "X-URI:"}, "target_header", 'target_header = "X-Original-URI"'),
    ({"kind": "envoy", "target_header": "X-URI"}, "target_header", "Leave the key out"),
    ({"method_header": "X-Original", "target_header": "x-original"}, "target_header", "tells the method"),
    ({"internal_header": ""}, "internal_header", 'internal_header = "Authorization"'),
    ({"internal_header": "X-Token\r\n"}, "internal_header", "no name of a header"),
    ({"internal_header": "Cookie"}, "internal_header", "a meaning of its own"),
    ({"internal_header": "Sec-Token"}, "internal_header", "a meaning of its own"),
    ({"map_status": {"503": 200}}, "map_status", "map_status = { 503 = 403 }"),
    ({"map_status": {"503": 302}}, "map_status", "statuses from 400 to 599"),
    ({"map_status": {"200": 403}}, "map_status", "statuses from 400 to 599"),
    ({"map_status": {"5xx": 403}}, "map_status", "statuses from 400 to 599"),
    ({"map_status": {"\u0665\u0660\u0663": 403}}, "map_status", "statuses from 400 to 599"),
]

GATEWAY: list[tuple[dict[str, Any], str, str]] = [
    *(
        ({f"gateway.{name}": value for name, value in changes.items()}, f"gateway.{key}", message)
        for changes, key, message in _WRONG
    ),
    (
        {"gateway.internal_header": "X_User", "identity_headers": {"X-User": "sub"}},
        "gateway.internal_header",
        "Give the token a header of its own",
    ),
]
