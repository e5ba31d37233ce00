"""New room; its docstring is written when the words are."""
