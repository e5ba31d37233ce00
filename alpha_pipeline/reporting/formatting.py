"""
Numbers, dates and counts as text for a reader.

Untrusted text is cleaned by `text.untrusted`; layout is left to the terminal tables, the charts and the page.
"""

import math

import pandas as pd

from alpha_pipeline.text.untrusted import clean_line

UNDEFINED = "\N{EN DASH}"


def number(value: float, spec: str = ".2f") -> str:
    """`value` by a format spec, ASCII minus; "–" when it is NaN or infinite."""
    if not math.isfinite(value):
        return UNDEFINED
    shown = format(value, spec)
    return shown.replace("-", "+" if "+" in spec else "", 1) if _is_zero(shown) and shown.startswith("-") else shown


def figure(value: float, spec: str = ".2f", unit: str = "") -> str:
    """`number` as typeset: a true minus sign, a no-break space before the unit."""
    shown = number(value, spec).replace("-", "\N{MINUS SIGN}")
    return f"{shown}\N{NO-BREAK SPACE}{unit}" if unit and shown != UNDEFINED else shown


def percent(value: float, spec: str = ".0f") -> str:
    """A fraction as typeset percent."""
    return figure(value * 100.0, spec, "%")


def plural(count: int, one: str, many: str = "") -> str:
    """`1 trial`, `2 trials`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def day(moment: pd.Timestamp) -> str:
    """`30 September 2019`."""
    return f"{moment.day} {moment:%B %Y}"


def clock(moment: pd.Timestamp) -> str:
    """`2019-10-01 00:00 UTC`; "–" for NaT."""
    return UNDEFINED if pd.isna(moment) else f"{moment:%Y-%m-%d %H:%M} UTC"


def humanize(name: object) -> str:
    """`price_momentum` as `price momentum`."""
    return clean_line(name).replace("_", " ")


def _is_zero(shown: str) -> bool:
    return not any(c in "123456789" for c in shown)
