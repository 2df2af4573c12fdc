"""Vault and OpenBao: their secrets, their identity tokens, and this service's own token there."""
