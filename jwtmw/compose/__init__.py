"""From settings to a working policy: every part of it is put together here, once, at the start.

Owns: imports only.
Must never know: frameworks, the environment.
"""

from jwtmw.compose.policy import Policy, PolicySource, Source

__all__ = ["Policy", "PolicySource", "Source"]
