"""Small pieces of Markdown with every cell made inert."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A pipe table; cells are Markdown already."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows]) + "\n"


def code(text: str) -> str:
    """Code in a cell; nothing where there is no text."""
    return f"`{text}`".replace("|", "\\|") if text else ""


def words(text: str) -> str:
    """A sentence in a cell: code in backticks stays code, all else is plain."""
    parts = " ".join(text.split()).split("`")
    plain = (part.translate({ord(mark): f"\\{mark}" for mark in "*_<[|#"}) for part in parts[::2])
    quoted = [part.replace("|", "\\|") for part in parts[1::2]]
    out = [next(plain)]
    for part in quoted:
        out += [f"`{part}`", next(plain, "")]
    return "".join(out)
