"""The DSL and mathematical dialects: tokens, parser, calls, printer."""
