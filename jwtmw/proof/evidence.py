"""What a route wants proved beyond the token, and what has been proved of one request.

Owns: `Proofs`, the question, and `Evidence`, what is remembered of the answers.
Must never know: tokens, policy, HTTP, how anything is proved.
"""

from __future__ import annotations

from typing import NamedTuple


class Proofs(NamedTuple):
    """What a rule wants: `body` names the hash that binds the body, None for no such; `single_use` a token for once."""

    body: str | None = None
    single_use: bool = False


class Evidence:
    """Of one request: the hashes of its body, by their names, and under which key its token was spent."""

    __slots__ = ("hashes", "spent")

    def __init__(self) -> None:
        self.hashes: dict[str, str] = {}
        self.spent: str | None = None
