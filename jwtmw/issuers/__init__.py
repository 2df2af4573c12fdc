"""Who may sign: issuers, the keys that they publish, and where those come from. Must never know: policy."""
