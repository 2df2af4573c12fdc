"""Token sources that do what a test says."""

from __future__ import annotations

from dataclasses import dataclass, field

from jwtmw.client import Call, Flight, TokenUnavailable


@dataclass
class Numbered:
    """`token-1`, and the next number after each refusal, as long as `fresh` ones are to be had."""

    fresh: int = 1
    binds_body: bool = False
    number: int = 1
    calls: list[Call] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def look_up(self, call: Call, after: Flight | None = None) -> str:
        self.calls.append(call)
        return f"token-{self.number}"

    def refuse(self, call: Call, token: str) -> bool:
        self.refused.append(token)
        if self.fresh == 0:
            return False
        self.fresh -= 1
        self.number += 1
        return True


class Failing:
    """Has no token."""

    binds_body = False

    def look_up(self, call: Call, after: Flight | None = None) -> str:
        raise TokenUnavailable("the source is dry")

    def refuse(self, call: Call, token: str) -> bool:
        raise AssertionError("there was no token to refuse")


class Returning:
    """Gives whatever it was made with, as a careless source would."""

    binds_body = False

    def __init__(self, given: object) -> None:
        self.given = given

    def look_up(self, call: Call, after: Flight | None = None) -> str:
        return self.given  # type: ignore[return-value]

    def refuse(self, call: Call, token: str) -> bool:
        return False
