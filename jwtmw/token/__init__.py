"""The token room: where a token sits, whether it is one, and who it says is calling.

Owns: locating, strict parsing, the claims and the signature, the cache of verified tokens, the `Principal`.
Must never know: policy, routes, HTTP status, sockets, the clock.
"""
