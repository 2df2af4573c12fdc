"""The caller, as Flask's users know such things: names that stand for what belongs to the request in hand.

Owns: `current_principal` and `current_user`.
Must never know: who the caller is, or where that is kept.
"""

from __future__ import annotations

from typing import Any, cast

from werkzeug.local import LocalProxy

import jwtmw

# The caller of the request in hand, until its response body ends; elsewhere any use of it is a `NotInstalledError`.
current_principal = cast("jwtmw.Principal", LocalProxy(jwtmw.current_principal))
# What `Policy(load_user=...)` made of the caller, else the principal.
current_user = cast("Any", LocalProxy(jwtmw.current_user))
