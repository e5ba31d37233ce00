"""
Charts over time: any lines, prices indexed to 100, and equity above its drawdown.

Charts of amounts are left to `charts`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.reporting.formatting import percent
from alpha_pipeline.reporting.svg import (
    TITLE_HEIGHT,
    Array,
    area,
    curve,
    document,
    line,
    nothing,
    scale,
    span_of,
    text,
    tick_labels,
    ticks,
    time_ticks,
)
from alpha_pipeline.text.untrusted import truncate

_LABEL_GAP = 14


@dataclass(frozen=True)
class Plot:
    """One plotting field in pixels: where it lies and what range of time and value it shows."""

    times: pd.DatetimeIndex
    low: float
    high: float
    left: float
    right: float
    top: float
    bottom: float

    def x(self) -> Array:
        """(bars,) pixels of the times."""
        seconds = self.times.as_unit("us").asi8 / 1e6
        return scale(seconds[0], seconds[-1], self.left, self.right)(seconds)

    def y(self, values: Array | float) -> Array:
        """Pixels of values."""
        return scale(self.low, self.high, self.bottom, self.top)(values)


def line_chart(
    lines: pd.DataFrame,
    title: str,
    *,
    subtitle: str = "",
    unit: str = "",
    reference: float | None = None,
    width: float = 640,
    height: float = 300,
) -> str:
    """
    Lines over time, each named at its end.

    Args:
        lines: index (bars,) UTC times, one column per line (at most seven); NaN breaks a line.
        title: what is shown.
        subtitle: how to read it.
        unit: printed with the ticks.
        reference: a level drawn stronger than the grid.
        width: pixels.
        height: pixels.
    """
    values = lines.to_numpy(float)
    if len(lines) < 2 or not np.isfinite(values).any():
        return nothing(title, width=width)
    low, high = _range(values, reference)
    names = [truncate(name, 16) for name in lines.columns]
    left = 20 + max(span_of(label) for label in tick_labels(ticks(low, high, 5), unit))
    right = width - 20 - max(span_of(name) for name in names)
    plot = Plot(pd.DatetimeIndex(lines.index), low, high, left, right, TITLE_HEIGHT + 10, height - 26)
    body = _axes(plot, unit, reference, max(int((height - 80) / 44), 2))
    ends = []
    for i, name in enumerate(names):
        body.append(curve(plot.x(), plot.y(values[:, i]), f"l-c{i % 7}"))
        known = values[np.isfinite(values[:, i]), i]
        if len(known):
            ends.append((float(plot.y(known[-1])), name, i % 7))
    heights = _spread([end[0] for end in ends], plot.top, plot.bottom)
    for (_, name, tone), y in zip(ends, heights, strict=True):
        body.append(text(right + 8, y + 4, name, f"f-c{tone}"))
    return document(width, height, title, body, subtitle)


def price_chart(
    closes: pd.DataFrame, title: str = "Prices", subtitle: str = "", width: float = 640, height: float = 300
) -> str:
    """Closes (index UTC times, columns symbols), each indexed to 100 at its first known close."""
    first = closes.bfill().iloc[0] if len(closes) else pd.Series(dtype=float)
    words = subtitle or "first close shown = 100"
    return line_chart(closes / first * 100.0, title, subtitle=words, reference=100.0, width=width, height=height)


def equity_chart(
    returns: pd.Series, title: str = "Equity after costs", subtitle: str = "", width: float = 640, height: float = 320
) -> str:
    """
    Compounded return above its drawdown.

    Args:
        returns: index (bars,) UTC times, net fraction per bar; NaN means no position and counts as 0.
        title: of the chart.
        subtitle: how to read it; total and max drawdown when empty.
        width: pixels.
        height: pixels.
    """
    if not len(returns) or not np.isfinite(returns.to_numpy(float)).any():
        return nothing(title, width=width)
    times = pd.DatetimeIndex(returns.index)
    start = times[0] - ((times[1] - times[0]) if len(times) > 1 else pd.Timedelta(days=1))
    times = times.insert(0, start)
    equity = np.concatenate([[1.0], np.cumprod(1.0 + np.nan_to_num(returns.to_numpy(float)))])
    drawdown = equity / np.maximum.accumulate(equity) - 1.0
    gain = (equity - 1.0) * 100.0
    words = subtitle or f"total {percent(equity[-1] - 1.0, '+.1f')}, max drawdown {percent(drawdown.min(), '.1f')}"
    low, high = _range(gain, 0.0)
    depth = min(float(drawdown.min()) * 100.0 * 1.05, -0.1)
    left = 20 + max(span_of(t) for t in tick_labels(ticks(low, high, 4) + ticks(depth, 0, 2), "%"))
    split = TITLE_HEIGHT + (height - TITLE_HEIGHT) * 0.62
    upper = Plot(times, low, high, left, width - 16, TITLE_HEIGHT + 10, split)
    lower = Plot(times, depth, 0.0, left, width - 16, split + 28, height - 26)
    under = lower.y(drawdown * 100.0)
    body = [
        *_axes(upper, "%", 0.0, 4, dated=False),
        area(upper.x(), upper.y(gain), float(upper.y(0.0)), "f-long"),
        curve(upper.x(), upper.y(gain), "l-long"),
        text(left, split + 20, "drawdown", "soft"),
        *_axes(lower, "%", 0.0, 2),
        area(lower.x(), under, float(lower.y(0.0)), "f-short"),
        curve(lower.x(), under, "l-short"),
    ]
    return document(width, height, title, body, words)


def _axes(plot: Plot, unit: str, reference: float | None, count: int, dated: bool = True) -> list[str]:
    parts = []
    marks = ticks(plot.low, plot.high, count)
    for mark, label in zip(marks, tick_labels(marks, unit), strict=True):
        y = float(plot.y(mark))
        parts.append(line(plot.left, y, plot.right, y, "zero" if mark == reference else "grid"))
        parts.append(text(plot.left - 8, y + 4, label, "soft", "end"))
    first, last = plot.times[0], plot.times[-1]
    position = scale(first.timestamp(), last.timestamp(), plot.left, plot.right)
    for moment, label in time_ticks(first, last, plot.right - plot.left):
        x = float(position(moment.timestamp()))
        parts.append(line(x, plot.bottom, x, plot.bottom + 4, "zero"))
        if dated:
            parts.append(text(x, plot.bottom + 18, label, "soft", "middle"))
    return parts


def _range(values: Array, reference: float | None) -> tuple[float, float]:
    """Range of the finite values and the reference, a little air on both sides."""
    known = values[np.isfinite(values)]
    low, high = float(known.min()), float(known.max())
    if reference is not None:
        low, high = min(low, reference), max(high, reference)
    air = (high - low) * 0.04 or max(abs(high) * 0.01, 0.01)
    return low - air, high + air


def _spread(wanted: Sequence[float], top: float, bottom: float) -> list[float]:
    """Heights near the wanted ones, none closer than a line of text, inside [top, bottom] while they fit."""
    order = np.argsort(wanted, kind="stable")
    placed = np.array(wanted, float)
    floor = top
    for i in order:
        placed[i] = floor = max(placed[i], floor)
        floor += _LABEL_GAP
    ceiling = bottom
    for i in order[::-1]:
        placed[i] = ceiling = min(placed[i], ceiling)
        ceiling -= _LABEL_GAP
    numbers: list[float] = placed.tolist()
    return numbers
