"""What a route wants: paths, templates, requirements, marks, and the rules that join them. Never tokens, never I/O."""
