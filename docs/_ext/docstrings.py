"""
Docstrings are plain sentences with code in backticks: what Sphinx would read as markup is escaped.
"""

import re

from sphinx.application import Sphinx

MARKUP = re.compile(r"([*|\\]|(?<=\w)_(?!\w)|(?<=\.)_)")


def setup(app: Sphinx) -> dict[str, bool]:
    """Before napoleon (500) reads the sections."""
    app.connect("autodoc-process-docstring", escaped, priority=400)
    return {"parallel_read_safe": True}


def escaped(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Rewrite `lines` in place, as the event asks for."""
    lines[:] = [_escape(line) for line in lines]


def _escape(line: str) -> str:
    """The line with markup outside of backticks made plain."""
    parts = line.split("`")
    return "`".join(part if odd % 2 else MARKUP.sub(r"\\\1", part) for odd, part in enumerate(parts))
