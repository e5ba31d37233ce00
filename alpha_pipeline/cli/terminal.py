"""
Terminal output: tables, sparklines, JSON, progress.

Colour only on a terminal without NO_COLOR; ASCII where the encoding requires it; control characters are removed.
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
PIPED_COLUMNS = 160  # width of tables in files and pipes
GAP, FOLDED = 2, 12  # between columns; minimum width of a text column
COLOURS = {"LONG": "green", "BUY": "green", "SHORT": "red", "SELL": "red"}
Step = Callable[[str], None]


def echo(text: str = "") -> None:
    """Print a line; control characters of untrusted text are removed."""
    print(encodable(printable(text)), flush=True)


def encodable(text: str) -> str:
    """Text the output encoding can represent: ASCII substitutes, question marks for the rest."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if encoding.lower().startswith("utf"):
        return text
    return text.translate(PLAINER).encode(encoding, "replace").decode(encoding)


def silence(stream: TextIO) -> None:
    """Discard further output: its reader, such as `head`, closed the pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_pairs(pairs: Mapping[str, str]) -> None:
    """Print aligned lines of name and value."""
    width = max((len(name) for name in pairs), default=0)
    for name, value in pairs.items():
        echo(f"{name:<{width}}  {value}")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> None:
    """
    Print a table as wide as the terminal: text is folded, numbers never are, even if the table becomes wider.

    Args:
        heads: names of the columns.
        rows: cells as text, untrusted.
        left: number of leading columns aligned to the left; a head ending in a blank is aligned to the left, too.
    """
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    lines = [[encodable(printable(cell)) for cell in row] for row in rows]
    width = None if sys.stdout.isatty() else PIPED_COLUMNS
    console = Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)
    needed = 0
    rich_table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for place, head in enumerate(heads):
        is_text = place < left or head.endswith(" ")
        longest = max((cell_len(line[place]) for line in [heads, *lines]), default=0)
        needed += GAP + (min(longest, FOLDED) if is_text else longest)
        rich_table.add_column(
            Text(head.strip()), justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text
        )
    for line in lines:
        rich_table.add_row(*(Text(cell, COLOURS.get(cell, "")) for cell in line))
    console.width = max(console.width, needed - GAP)
    with console.capture() as captured:
        console.print(rich_table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()), flush=True)


def print_json(value: object) -> None:
    """Print one JSON document; undefined numbers are null."""
    print(json.dumps(_defined(value), default=_text, allow_nan=False, indent=1), flush=True)


def sparkline(values: Sequence[float], width: int = 60) -> str:
    """A line chart one character high, from the lowest to the highest value; empty without finite ones."""
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
def progress(task: str, total: int | None = None) -> Iterator[Step]:
    """
    Progress bar of a long task on standard error, only when that is a terminal.

    Args:
        task: description.
        total: number of steps; None when unknown.

    Yields:
        A function that advances one step and replaces the description.
    """
    if not sys.stderr.isatty():
        yield lambda description: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn("dots" if encodable(BLOCKS) == BLOCKS else "line"),
        TextColumn("{task.description}", markup=False),
        BarColumn(30),
        TimeElapsedColumn(),
    )
    redirect = sys.stdout.isatty()  # output to the same terminal goes above the bar
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=redirect) as bar:
        row = bar.add_task(printable(task), total=total)
        yield lambda description: bar.update(row, description=printable(description)[:60], advance=1)


def _defined(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _defined(value) for key, value in value.items()}
    if isinstance(value, (list, tuple)):
        return [_defined(value) for value in value]
    if hasattr(value, "item") and not hasattr(value, "isoformat"):
        value = value.item()  # NumPy scalar
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value == value else None  # NaT differs from itself


def _text(value: object) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
