"""What a gateway does for the services behind it: done by each service for itself, or told to the gateway that asks.

Owns: identity headers, what of a request's credential the application is shown, and the endpoint that gateways ask.
Must never know: how to decide, frameworks.
"""
