"""
What a terminal gets to see: tables, small charts, JSON, progress.

Colour only on a terminal without NO_COLOR, ASCII where the encoding has no more, and nothing that steers the terminal.
"""

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from alpha_pipeline.text.untrusted import printable

BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.-~=+*#"
PLAINER = str.maketrans({"\N{EN DASH}": "-", "\N{MINUS SIGN}": "-", "…": "~", "·": "*"})
PIPED_COLUMNS = 160  # lines in a file are folded late
GAP, FOLDED = 2, 12  # between columns; the least room of a column of words
COLOURS = {"LONG": "green", "BUY": "green", "SHORT": "red", "SELL": "red"}
Step = Callable[[str], None]


def echo(text: str = "") -> None:
    """Print; what a model, a server or a file wrote must not steer the terminal."""
    print(encodable(printable(text)), flush=True)


def encodable(text: str) -> str:
    """What the output can show: plainer marks where its encoding has no others, question marks for the rest."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if encoding.lower().startswith("utf"):
        return text
    return text.translate(PLAINER).encode(encoding, "replace").decode(encoding)


def silence(stream: TextIO) -> None:
    """Let what is still to be printed go nowhere: its reader, such as `head`, is gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_pairs(pairs: Mapping[str, str]) -> None:
    """Lines of a name and what is said of it."""
    room = max((len(name) for name in pairs), default=0)
    for name, told in pairs.items():
        echo(f"{name:<{room}}  {told}")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> None:
    """
    A table as wide as the terminal, words folded; wider where the numbers need it, for half a number is a wrong one.

    Args:
        heads: names of the columns.
        rows: cells as text, untrusted.
        left: columns that are aligned to the left, counted from the first; a head that ends in a blank is one, too.
    """
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    lines = [[encodable(printable(cell)) for cell in row] for row in rows]
    width = None if sys.stdout.isatty() else PIPED_COLUMNS
    console = Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)
    needed = 0
    drawn = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for place, head in enumerate(heads):
        words = place < left or head.endswith(" ")
        longest = max((cell_len(line[place]) for line in [heads, *lines]), default=0)
        needed += GAP + (min(longest, FOLDED) if words else longest)
        drawn.add_column(Text(head.strip()), justify="left" if words else "right", overflow="fold", no_wrap=not words)
    for line in lines:
        drawn.add_row(*(Text(cell, COLOURS.get(cell, "")) for cell in line))
    console.width = max(console.width, needed - GAP)
    with console.capture() as captured:
        console.print(drawn)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()), flush=True)


def print_json(found: object) -> None:
    """One JSON document; what is undefined is null, which all readers know."""
    print(json.dumps(_defined(found), default=_plain, allow_nan=False, indent=1), flush=True)


def sparkline(values: Sequence[float], width: int = 60) -> str:
    """A line chart one character high: lowest to highest value, the last of each stretch; empty without finite ones."""
    marks = BLOCKS if encodable(BLOCKS) == BLOCKS else ASCII
    values = [value for value in values if math.isfinite(value)]
    if not values:
        return ""
    places = [
        round(k * (len(values) - 1) / max(1, min(width, len(values)) - 1)) for k in range(min(width, len(values)))
    ]
    shown = [float(values[place]) for place in places]
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    return "".join(marks[round((value - low) / span * (len(marks) - 1))] for value in shown)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Step]:
    """
    Progress of something long, on standard error and only when that is a terminal.

    Args:
        what: it is about.
        total: steps it takes; None when nobody knows.

    Yields:
        A function that takes one step and says what is done now.
    """
    if not sys.stderr.isatty():
        yield lambda now: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn("dots" if encodable(BLOCKS) == BLOCKS else "line"),
        TextColumn("{task.description}", markup=False),
        BarColumn(30),
        TimeElapsedColumn(),
    )
    both = sys.stdout.isatty()  # what is printed meanwhile goes above the bar, unless it goes elsewhere
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=both) as shown:
        task = shown.add_task(printable(what), total=total)
        yield lambda now: shown.update(task, description=printable(now)[:60], advance=1)


def _defined(found: object) -> object:
    if isinstance(found, Mapping):
        return {str(key): _defined(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [_defined(value) for value in found]
    if hasattr(found, "item") and not hasattr(found, "isoformat"):
        found = found.item()  # a number of numpy
    if isinstance(found, float):
        return found if math.isfinite(found) else None
    return found if found == found else None  # NaT differs from itself


def _plain(found: object) -> str:
    return str(found.isoformat()) if hasattr(found, "isoformat") else str(found)
