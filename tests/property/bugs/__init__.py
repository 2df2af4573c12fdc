"""Bugs, each planted into jwtmw by a patch: for every axis of the generator at least one that it must find."""

from tests.property.bugs import adapters, policy
from tests.property.bugs.registry import BUGS, Bug

__all__ = ["BUGS", "Bug", "adapters", "policy"]
