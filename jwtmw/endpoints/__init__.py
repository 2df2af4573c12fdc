"""Small HTTP endpoints that are written once and mounted in any framework.

Owns: nothing itself; import from the modules.
Must never know: what an endpoint answers.
"""
