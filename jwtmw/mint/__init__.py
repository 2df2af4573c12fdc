"""Issuing tokens: the signer, and the development issuer built on it.

Owns: nothing itself; import from the modules.
Must never know: policy, the engine, frameworks. Services that only check tokens never import this package.
"""
