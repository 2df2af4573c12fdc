"""The caller as Django's code knows users.

Owns: `TokenUser`. Must never know: requests, how the caller was verified, the database.
"""

from __future__ import annotations

from typing import Any

from jwtmw import Principal


class TokenUser:
    """What `request.user` is where no `load_user` makes one: the principal with the manners of a Django user.

    It has no row in a database. `pk` is a text that names issuer and subject, so that it is nobody's key by accident;
    None for an anonymous caller. It has no permissions of Django's: scopes and roles are `principal`'s.
    """

    __slots__ = ("principal",)

    is_active = True
    is_staff = False
    is_superuser = False

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    @property
    def is_authenticated(self) -> bool:
        """Whether a token was verified."""
        return self.principal.is_authenticated

    @property
    def is_anonymous(self) -> bool:
        """Whether none was."""
        return not self.principal.is_authenticated

    @property
    def pk(self) -> str | None:
        """Issuer and `username`, for caches and throttles."""
        principal = self.principal
        return f"{principal.issuer} {principal.identity}" if principal.is_authenticated else None

    @property
    def id(self) -> str | None:
        """The same as `pk`."""
        return self.pk

    @property
    def username(self) -> str:
        """The consumer, else the subject, else the client, else ""."""
        return self.principal.identity

    def get_username(self) -> str:
        """The same as `username`."""
        return self.principal.identity

    def has_perm(self, perm: str, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Never: permissions are the database's."""
        return False

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        """Never, unless none is asked."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, module: str) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def get_all_permissions(self, obj: Any = None) -> set[str]:  # noqa: ARG002
        """None at all."""
        return set()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TokenUser) and self.pk == other.pk

    def __hash__(self) -> int:
        return hash(self.pk)

    def __str__(self) -> str:
        return self.principal.identity

    def __repr__(self) -> str:
        return f"TokenUser({self.principal!r})"
