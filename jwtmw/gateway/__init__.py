"""What a gateway does for the services behind it, done by each service for itself.

Owns: identity headers, and what of a request's credential the application is shown.
Must never know: how to decide, frameworks.
"""
