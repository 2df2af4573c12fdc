"""The configuration: read from one source, checked as a whole, handed on as plain data.

Owns: every key of the configuration, and the environment.
Must never know: policies, tokens, key formats; others build these from `Settings`.
"""

from jwtmw.settings.material import (
    ConsumerList,
    ConsumerTerms,
    IntrospectionUrl,
    JwkSet,
    JwksUrl,
    KeyMaterial,
    MetadataUrl,
    OutgoingTerms,
    Pem,
    Secret,
    VaultIntrospected,
    VaultKeys,
)
from jwtmw.settings.read import as_written, read_settings
from jwtmw.settings.schema import Cache, Http, Requirement, Rule, Settings
from jwtmw.settings.schema_issuers import Issuer, KeySource, Location
from jwtmw.settings.shown import shown

__all__ = [
    "Cache",
    "ConsumerList",
    "ConsumerTerms",
    "Http",
    "IntrospectionUrl",
    "Issuer",
    "JwkSet",
    "JwksUrl",
    "KeyMaterial",
    "KeySource",
    "Location",
    "MetadataUrl",
    "OutgoingTerms",
    "Pem",
    "Requirement",
    "Rule",
    "Secret",
    "Settings",
    "VaultIntrospected",
    "VaultKeys",
    "as_written",
    "read_settings",
    "shown",
]
