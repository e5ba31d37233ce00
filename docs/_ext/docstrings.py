"""
Docstrings are plain sentences with code in backticks: what Sphinx would read as markup is escaped.

Sections such as `Args:` are napoleon's; an indented block below any other line that ends in a colon becomes a list.
"""

import re

from sphinx.application import Sphinx

MARKUP = re.compile(r"([*|\\]|(?<=\w)_(?!\w)|(?<=\.)_)")
SECTION = re.compile(r"^(Args|Returns|Raises|Yields|Fields|Source|Example|Examples|Note|Notes|Attributes):\s*$")


def setup(app: Sphinx) -> dict[str, bool]:
    """Before napoleon (500) reads the sections."""
    app.connect("autodoc-process-docstring", escaped, priority=400)
    return {"parallel_read_safe": True}


def escaped(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Rewrite `lines` in place, as the event asks for."""
    lines[:] = _listed([_escape(line) for line in lines])


def _escape(line: str) -> str:
    """The line with markup outside of backticks made plain."""
    parts = line.split("`")
    return "`".join(part if odd % 2 else MARKUP.sub(r"\\\1", part) for odd, part in enumerate(parts))


def _listed(lines: list[str]) -> list[str]:
    """Blocks below a line that ends in a colon as lists: an item for each line at their first indentation."""
    out: list[str] = []
    block = 0  # indentation of the block we are in; 0 outside
    for number, line in enumerate(lines):
        depth = len(line) - len(line.lstrip())
        before = lines[number - 1] if number else ""
        if not block and depth and before.endswith(":") and before == before.lstrip() and not SECTION.match(before):
            block = depth
            out.append("")
        elif block and line.strip() and depth < block:
            block = 0
            out.append("")
        if block and line.strip():
            out.append(f"{'- ' if depth == block else '  '}{line.strip()}")
        else:
            out.append(line)
    return out
