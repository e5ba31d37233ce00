"""
Heat maps: signals or contributions by source, and shares by day.

Charts of amounts are left to `charts`, time series to `curves`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from alpha_pipeline.reporting.formatting import figure, humanize, percent
from alpha_pipeline.reporting.svg import TITLE_HEIGHT, document, fit, heat, nothing, span_of, text
from alpha_pipeline.text.untrusted import truncate

_ROW = 22
_RANGE = "\N{MINUS SIGN}1 short to +1 long"
_DAY_ROOM = 46


def signal_heat(
    signals: pd.DataFrame,
    title: str = "Signals by source",
    most: int = 24,
    symbols: Sequence[str] | None = None,
    width: float = 640,
) -> str:
    """
    Symbols by sources: each cell the source's value at the symbol's latest bar; empty where it is inactive.

    Args:
        signals: rows of `source_signals`, or any with `timestamp`, `symbol`, `source` and a `value` in [-1, 1].
        title: of the chart.
        most: symbols to draw; beyond it the ones with the largest mean absolute value.
        symbols: which to draw, in this order, instead of the strongest by name.
        width: pixels.
    """
    latest = signals.sort_values("timestamp").groupby(["symbol", "source"], as_index=False, sort=False).tail(1)
    grid = latest.pivot(index="symbol", columns="source", values="value").sort_index()
    grid = grid if symbols is None else grid.reindex([s for s in symbols if s in grid.index])
    if grid.empty:
        return nothing(title, "no active source", width)
    kept = grid.abs().mean(axis=1).sort_values(ascending=False, kind="stable").index[:most]
    subtitle = f"{_RANGE}; dot: inactive source"
    if len(grid) > len(kept):
        subtitle = f"{len(kept)} strongest of {len(grid)}; {subtitle}"
    grid = grid.loc[grid.index.isin(kept)]
    left = 20 + min(max(span_of(s) for s in grid.index), width * 0.25)
    cell = min((width - 12 - left) / len(grid.columns), 150)
    flat = cell >= 84
    names = [[humanize(c)] if not flat else _two_lines(humanize(c)) for c in grid.columns]
    top = TITLE_HEIGHT + (34 if flat else min(max(span_of(n[0]) for n in names), 130) + 10)
    body = []
    for c, words in enumerate(names):
        middle = left + cell * (c + 0.5)
        if flat:
            body += [
                text(middle, top - 22 + 14 * k + 14 * (2 - len(words)), w, "soft", "middle")
                for k, w in enumerate(words)
            ]
        else:
            body.append(text(middle + 4, top - 6, fit(words[0], 126), "soft", turn=-90))
    for r, (symbol, row) in enumerate(zip(grid.index, grid.to_numpy(float), strict=True)):
        y = top + _ROW * r
        body.append(text(left - 8, y + 15, fit(symbol, left - 18), anchor="end"))
        for c, value in enumerate(row.tolist()):
            body += _cell(left + cell * c, y, cell, value)
    return document(width, top + _ROW * len(grid) + 12, title, body, subtitle)


def share_heat(shares: pd.DataFrame, title: str, most: int = 16, width: float = 640) -> str:
    """
    Rows by days: each cell a share, blue when complete, orange otherwise.

    Args:
        shares: index names (untrusted), columns days; fraction in [0, 1], NaN where nothing was expected.
        title: of the chart.
        most: rows to draw; beyond it the ones with the lowest mean.
        width: pixels.
    """
    if shares.empty or not shares.shape[1]:
        return nothing(title, "no rows were expected", width)
    mean = shares.mean(axis=1)
    kept = mean.sort_values(kind="stable").index[:most] if len(shares) > most else shares.index
    complete = int((mean >= 1).sum())
    subtitle = f"{complete} of {len(shares)} complete; blue: complete, orange: incomplete, paler is less"
    left = 20 + min(max(span_of(humanize(name)) for name in kept), width * 0.3)
    right = width - 14 - span_of("100 %")
    cell = (right - left) / shares.shape[1]
    top, body = TITLE_HEIGHT + 8, []
    for r, name in enumerate(kept):
        y = top + _ROW * r
        body.append(text(left - 8, y + 15, fit(humanize(name), left - 18), anchor="end"))
        for c, share in enumerate(shares.loc[name].to_numpy(float).tolist()):
            if np.isfinite(share):
                style = "f-long" if share >= 1 else "f-short"
                body.append(heat(left + cell * c, y + 1, max(cell - 1, 1), _ROW - 2, style, 1 if share >= 1 else share))
        body.append(text(width - 12, y + 15, percent(float(np.floor(mean[name] * 100) / 100)), "soft", "end"))
    bottom = top + _ROW * len(kept)
    every = int(np.ceil(_DAY_ROOM / cell))
    for c in range(0, shares.shape[1], every):
        moment = pd.Timestamp(shares.columns[c])
        body.append(text(left + cell * c, bottom + 16, f"{moment.day} {moment:%b}", "soft"))
    return document(width, bottom + 26, title, body, subtitle)


def _cell(x: float, y: float, width: float, value: float) -> list[str]:
    if not np.isfinite(value):
        return [text(x + width / 2, y + 15, "·", "soft", "middle")]
    fill = heat(x + 1, y + 1, width - 2, _ROW - 2, "f-long" if value >= 0 else "f-short", abs(value))
    return [fill] if width < 34 else [fill, text(x + width / 2, y + 15, figure(value, "+.2f"), anchor="middle")]


def _two_lines(words: str) -> list[str]:
    head, _, tail = words.partition(" ")
    return [truncate(part, 14) for part in (head, tail) if part]
