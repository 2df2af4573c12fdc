"""A stand-in for Vault and OpenBao on loopback. It is NOT Vault: no binary of either can be had where these tests run.

It follows the HTTP API as OpenBao's and Vault's API pages document it; each endpoint's docstring names its page. Where
the pages are silent it follows OpenBao's source. It is stricter than the real ones: a field, a query parameter or a
method that the pages do not know is refused, so that a client which leans on an undocumented one fails here.
"""

from tests.vault.standin.vault import StandIn

__all__ = ["StandIn"]
