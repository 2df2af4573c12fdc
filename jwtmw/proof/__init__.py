"""What binds a token to one request: its body, its method and target, and that it is used once.

Owns: how each binding is judged.
Must never know: policy, HTTP, frameworks, threads, what is done with the verdict.
"""
