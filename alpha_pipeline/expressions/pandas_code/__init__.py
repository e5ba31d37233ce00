"""The pandas dialect: code translated to expression trees by allow-list, never executed."""
