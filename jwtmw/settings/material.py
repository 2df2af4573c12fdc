"""What an issuer's signatures are checked with, as text or bytes: made into keys elsewhere.

Owns: carrying key material without ever showing it.
Must never know: formats, algorithms, files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jwtmw.issuers.fetch import HttpSettings

if TYPE_CHECKING:
    from jwtmw.issuers.consumers import Consumer
    from jwtmw.issuers.stored_consumers import Terms
    from jwtmw.settings.schema_outgoing import Outgoing
    from jwtmw.vault.login import Login
    from jwtmw.vault.server import Server


class _Hidden:
    """One value that no repr shows."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class Secret(_Hidden):
    """A shared secret, decoded."""

    @property
    def value(self) -> bytes:
        """The secret's bytes."""
        value: bytes = self._value
        return value


class Pem(_Hidden):
    """A public key as PEM text."""

    @property
    def text(self) -> str:
        """The PEM text."""
        text: str = self._value
        return text


class JwkSet(_Hidden):
    """A JWK set, as parsed JSON."""

    @property
    def document(self) -> dict[str, Any]:
        """The set: a table with the member `keys`."""
        document: dict[str, Any] = self._value
        return document


class JwksUrl(_Hidden):
    """Where the issuer's JWK set is fetched."""

    @property
    def url(self) -> str:
        """An https URL, or http on loopback."""
        url: str = self._value
        return url


class VaultKeys(JwksUrl):
    """Where a Vault publishes the keys of its identity tokens, and how that Vault is reached."""

    def __init__(self, url: str, http: HttpSettings) -> None:
        super().__init__(url)
        self.http = http


class MetadataUrl(_Hidden):
    """Where the issuer's metadata is fetched, which leads to its JWK set."""

    @property
    def url(self) -> str:
        """An https URL, or http on loopback."""
        url: str = self._value
        return url


class IntrospectionUrl(_Hidden):
    """Where the issuer is asked about each token, and how this service proves itself there."""

    @property
    def url(self) -> str:
        """An https URL, or http on loopback."""
        url: str = self._value.url
        return url

    @property
    def table(self) -> Any:
        """The table `introspection`, checked and filled in."""
        return self._value


class ConsumerList(_Hidden):
    """The consumers of an issuer, each with its own key."""

    @property
    def members(self) -> tuple[Consumer, ...]:
        """In their order."""
        members: tuple[Consumer, ...] = self._value
        return members


class ConsumerTerms(_Hidden):
    """That the consumers are in the store of `Policy(consumers=...)`, and how long its answers count."""

    @property
    def terms(self) -> Terms:
        """But for the time that a question may take, which is that of every fetch."""
        terms: Terms = self._value
        return terms


class VaultIntrospected(_Hidden):
    """The Vault that is asked about each token, how this service logs in there, and how long an answer is believed."""

    def __init__(self, server: Server, login: Login, table: Any) -> None:
        super().__init__((server, login, table))

    @property
    def server(self) -> Server:
        """Where the Vault is."""
        server: Server = self._value[0]
        return server

    @property
    def login(self) -> Login:
        """How this service comes to a token of its own."""
        login: Login = self._value[1]
        return login

    @property
    def table(self) -> Any:
        """The issuer's table `vault`, checked and filled in."""
        return self._value[2]


class OutgoingTerms(_Hidden):
    """What calls to other services carry: the table, and for an identity token the Vault and the login there."""

    def __init__(self, table: Outgoing, server: Server | None = None, login: Login | None = None) -> None:
        super().__init__((table, server, login))

    @property
    def table(self) -> Outgoing:
        """The table `outgoing.NAME`, checked and filled in."""
        table: Outgoing = self._value[0]
        return table

    @property
    def server(self) -> Server | None:
        """Where the Vault is."""
        server: Server | None = self._value[1]
        return server

    @property
    def login(self) -> Login | None:
        """How this service comes to a token of its own there."""
        login: Login | None = self._value[2]
        return login


KeyMaterial = (
    Secret | Pem | JwkSet | JwksUrl | MetadataUrl | IntrospectionUrl | ConsumerList | ConsumerTerms | VaultIntrospected
)
