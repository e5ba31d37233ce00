"""
Charts of amounts (signal, rank ICs, funnel) and the way any chart enters Markdown.

Charts over time are left to `curves`, heat maps to `heat_map`.
"""

import base64
from collections.abc import Sequence

import numpy as np
import pandas as pd

from alpha_pipeline.reporting.formatting import figure, humanize, percent, plural
from alpha_pipeline.reporting.funnel import STAGES, funnel_table
from alpha_pipeline.reporting.svg import (
    TITLE_HEIGHT,
    Array,
    box,
    document,
    fit,
    line,
    nothing,
    scale,
    span_of,
    text,
    tick_labels,
    ticks,
)
from alpha_pipeline.text.untrusted import clean_line

_ROW = 22
_RANGE = "\N{MINUS SIGN}1 short to +1 long"
_STATUS_STYLE = {"accepted": "f-long", "probation": "f-watch", "reference": "f-hold", "retired": "f-c3"}
_DECISION_STYLE = {"LONG": "f-long", "SHORT": "f-short", "HOLD": "f-hold"}


def markdown_image(svg: str, alt: str) -> str:
    """The chart as a Markdown image with a data URI: no file, no address, no live markup."""
    return _image(svg.encode(), "svg+xml", alt)


def markdown_png(png: bytes, alt: str) -> str:
    """The same for a picture."""
    return _image(png, "png", alt)


def _image(data: bytes, kind: str, alt: str) -> str:
    words = clean_line(alt).translate(str.maketrans("", "", "[]()!\\`<>*_"))
    return f"![{words}](data:image/{kind};base64,{base64.b64encode(data).decode()})"


def bar_chart(
    labels: Sequence[object],
    values: Sequence[float] | Array,
    title: str,
    *,
    subtitle: str = "",
    unit: str = "",
    spec: str = "+.2f",
    styles: Sequence[str] | None = None,
    notes: Sequence[str] | None = None,
    limits: tuple[float, float] | None = None,
    legend: Sequence[tuple[str, str]] = (),
    width: float = 640,
) -> str:
    """
    Horizontal bars from zero, one per row, in the order given.

    Args:
        labels: (rows,), untrusted text.
        values: (rows,); NaN draws no bar and shows "–".
        title: what is measured.
        subtitle: how to read it.
        unit: printed with the ticks.
        spec: format of the printed values.
        styles: (rows,) fill of each bar; by sign when not given.
        notes: (rows,) short text right of the value.
        limits: of the axis; from the data when not given.
        legend: (fill, meaning) pairs.
        width: pixels.
    """
    amounts = np.asarray(values, float)
    known = amounts[np.isfinite(amounts)]
    if not len(amounts):
        return nothing(title, width=width)
    remarks = list(notes) if notes is not None else [""] * len(amounts)
    left = 20 + min(max(span_of(x) for x in labels), width * 0.32)
    numbers = [figure(v, spec) for v in amounts]
    value_room = max(span_of(n) for n in numbers) + 12
    note_room = max(span_of(n) for n in remarks) + (10 if any(remarks) else 0)
    right = width - 12 - note_room - value_room
    low, high = limits or _limits(known)
    x = scale(low, high, left, right)
    top = TITLE_HEIGHT + (22 if legend else 6)
    bottom = top + _ROW * len(amounts)
    marks = ticks(low, high, max(int((right - left) / 70), 2))
    body = _legend(legend, 12, TITLE_HEIGHT + 12)
    for mark, label in zip(marks, tick_labels(marks, unit), strict=True):
        body.append(line(float(x(mark)), top, float(x(mark)), bottom + 4, "zero" if mark == 0 else "grid"))
        body.append(text(float(x(mark)), bottom + 18, label, "soft", "middle"))
    for i, (name, value) in enumerate(zip(labels, amounts.tolist(), strict=True)):
        y = top + _ROW * i
        style = styles[i] if styles is not None else ("f-long" if value >= 0 else "f-short")
        body.append(text(left - 8, y + 15, fit(name, left - 18), anchor="end"))
        if np.isfinite(value):
            end = float(x(min(max(value, low), high)))
            start = float(x(min(max(0.0, low), high)))
            body.append(box(start, y + 4, end - start, _ROW - 8, style))
        body.append(text(right + value_room - 2, y + 15, numbers[i], anchor="end"))
        body.append(text(width - 12, y + 15, remarks[i], "soft", "end"))
    return document(width, bottom + 28, title, body, subtitle)


def signal_bars(fused: pd.DataFrame, title: str = "Fused signal", most: int = 24, width: float = 640) -> str:
    """
    The decision of each symbol at the latest bar, strongest LONG first.

    Args:
        fused: rows of `fused_signal`, any markets; only each symbol's latest row is drawn.
        title: of the chart.
        most: symbols to draw; beyond it the ones with the largest absolute value.
        width: pixels.
    """
    latest = fused.sort_values("timestamp").groupby(["market", "symbol"], as_index=False, sort=False).tail(1)
    shown = latest.loc[latest["value"].abs().sort_values(ascending=False, na_position="last").index[:most]]
    shown = shown.sort_values("value", ascending=False, na_position="last")
    subtitle = f"{_RANGE}; confidence in %"
    if len(latest) > len(shown):
        subtitle = f"{len(shown)} strongest of {len(latest)} symbols; confidence in %"
    return bar_chart(
        shown["symbol"].tolist(),
        shown["value"].to_numpy(float),
        title,
        subtitle=subtitle,
        styles=[_DECISION_STYLE.get(d, "f-hold") for d in shown["decision"]],
        notes=[f"{d} {percent(c)}" for d, c in zip(shown["decision"], shown["confidence"], strict=True)],
        limits=(-1.0, 1.0),
        legend=[(style, name) for name, style in _DECISION_STYLE.items()],
        width=width,
    )


def ic_bars(metrics: pd.DataFrame, title: str = "Rank IC of the library", most: int = 20, width: float = 640) -> str:
    """Mean rank IC per factor with its t-statistic, best first; `metrics` holds rows of `backtest_metrics`."""
    shown = metrics.sort_values("rank_ic", ascending=False, na_position="last").head(most)
    legend = [(style, name) for name, style in _STATUS_STYLE.items() if (shown["status"] == name).any()]
    return bar_chart(
        _short_names(shown["factor_id"].tolist()),
        shown["rank_ic"].to_numpy(float),
        title,
        subtitle="Spearman with forward returns; Newey-West t",
        spec="+.3f",
        styles=[_STATUS_STYLE.get(s, "f-hold") for s in shown["status"]],
        notes=[f"t {figure(t, '+.1f')}" for t in shown["t_stat"]],
        legend=legend,
        width=width,
    )


def funnel_chart(trials: pd.DataFrame, title: str = "From proposal to library", width: float = 640) -> str:
    """Proposals that passed each stage, one bar per proposer; reference factors are not counted."""
    counts = funnel_table(trials)
    if counts.empty:
        return nothing(title, "no proposals on this run date", width)
    left, right, top = 96.0, width - 44, TITLE_HEIGHT + 6 + 18 * len(counts)
    thick = 20 if len(counts) == 1 else 13
    row = thick * len(counts) + 10
    x = scale(0, float(counts.to_numpy().max()) or 1.0, left, right)
    body = []
    for p, label in enumerate(counts.index):
        body += [box(12, TITLE_HEIGHT + 2 + 18 * p, 10, 10, f"f-c{_tone(label)}")]
        body += [text(28, TITLE_HEIGHT + 11 + 18 * p, fit(label, width - 40), "soft")]
    for s, stage in enumerate(STAGES):
        y = top + row * s + 4
        body.append(text(left - 8, y + row / 2 - 1, humanize(stage), anchor="end"))
        for p, label in enumerate(counts.index):
            count = int(counts.loc[label, stage])
            end = float(x(count))
            body.append(box(left, y + thick * p, max(end - left, 1), thick - 2, f"f-c{_tone(label)}"))
            body.append(text(end + 6, y + thick * p + thick / 2 + 3, f"{count:,}"))
    total = int(counts["proposed"].sum())
    subtitle = f"{plural(total, 'proposal')}, {int(counts['accepted'].sum())} accepted"
    return document(width, top + row * len(STAGES) + 10, title, body, subtitle)


def _legend(entries: Sequence[tuple[str, str]], x: float, y: float) -> list[str]:
    parts = []
    for style, name in entries:
        parts += [box(x, y - 9, 10, 10, style), text(x + 15, y, name, "soft")]
        x += 30 + span_of(name)
    return parts


def _limits(known: Array) -> tuple[float, float]:
    low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    return (low, high) if high > low else (-1.0, 1.0)


def _short_names(factor_ids: Sequence[str]) -> list[str]:
    """Factor ids without the digits of their identity, except where two would look the same."""
    short = [humanize(factor_id.rpartition("_")[0] or factor_id) for factor_id in factor_ids]
    return [name if short.count(name) == 1 else full for name, full in zip(short, factor_ids, strict=True)]


def _tone(label: object) -> int:
    """The colour index of a proposer: grey for the control."""
    return 6 if "control" in str(label) else 0
