"""
Calibration charts: confidence against the hit rate, out of sample.

The buckets come from `fusion.comparison`.
"""

from collections.abc import Mapping, Sequence

from alpha_pipeline.outcomes.hit_rates import Bucket
from alpha_pipeline.reporting.formatting import plural
from alpha_pipeline.reporting.svg import (
    TITLE_HEIGHT,
    box,
    document,
    line,
    nothing,
    scale,
    text,
    tick_labels,
    ticks,
)

_DOT = 7.0
_MARKS = (0.0, 25.0, 50.0, 75.0, 100.0)
_LEAST = 0.02  # half the width of the confidences shown, at least


def calibration_chart(
    buckets: Sequence[Mapping[str, float | None]],
    title: str,
    *,
    break_even: float | None = None,
    width: float = 440,
    height: float = 340,
) -> str:
    """
    Hit rate over confidence with 95 % confidence intervals; calibrated values lie on the diagonal.

    Args:
        buckets: `confidence`, `hit_rate`, `low`, `high` (fractions, None where unknown) and `decisions` of each.
        title: what is shown.
        break_even: share at which costs are paid, drawn where it falls into the field.
        width: pixels.
        height: pixels.
    """
    known = [{name: float("nan") if v is None else float(v) for name, v in bucket.items()} for bucket in buckets]
    if not known:
        return nothing(title, "no outcomes yet", width=width)
    reach = max(_LEAST, *(abs(b["confidence"] - 0.5) for b in known)) * 1.15
    ends = [b[name] for b in known for name in ("hit_rate", "low", "high")]
    spread = max([reach, *(abs(end - 0.5) * 1.05 for end in ends if end == end)])
    left, right, top, bottom = 62.0, width - 20, TITLE_HEIGHT + 14, height - 46
    x, y = scale(0.5 - reach, 0.5 + reach, left, right), scale(0.5 - spread, 0.5 + spread, bottom, top)
    marks = ticks(50 - 100 * spread, 50 + 100 * spread, 5)
    body = []
    for mark, label in zip(marks, tick_labels(marks, "%"), strict=True):
        up = float(y(mark / 100))
        body += [line(left, up, right, up, "grid"), text(left - 8, up + 4, label, "soft", "end")]
    marks = ticks(50 - 100 * reach, 50 + 100 * reach, 5)
    for mark, label in zip(marks, tick_labels(marks, "%"), strict=True):
        body.append(text(float(x(mark / 100)), bottom + 18, label, "soft", "middle"))
    ends_of_line = (0.5 - reach, 0.5 + reach)
    body.append(line(left, float(y(ends_of_line[0])), right, float(y(ends_of_line[1])), "zero"))
    body.append(text((left + right) / 2, bottom + 38, "confidence", "soft", "middle"))
    if break_even is not None and abs(break_even - 0.5) < spread:
        up = float(y(break_even))
        body += [line(left, up, right, up, "l-watch"), text(right, up - 4, "break-even", "soft", "end")]
    for bucket in known:
        across, up = float(x(bucket["confidence"])), float(y(bucket["hit_rate"]))
        if bucket["low"] == bucket["low"]:
            body.append(line(across, float(y(bucket["low"])), across, float(y(bucket["high"])), "l-long"))
        body.append(box(across - _DOT / 2, up - _DOT / 2, _DOT, _DOT, "f-long"))
        body.append(text(across + 8, up + 4, f"{int(bucket['decisions']):,}", "soft"))
    total = plural(int(sum(bucket["decisions"] for bucket in known)), "value")
    return document(width, height, title, body, f"hit rate of {total}; diagonal: calibrated")


def reliability_chart(
    buckets: Sequence[Bucket], title: str = "Reliability", width: float = 380, height: float = 360
) -> str:
    """
    Mean confidence of each bucket against its hit rate, with the 95 % interval and the number of decisions.

    Args:
        buckets: of `scores.by_confidence`; none draws a line that says so.
        title: of the chart.
        width: pixels.
        height: pixels.
    """
    if not buckets:
        return nothing(title, "no trades yet", width=width)
    left, right, top, bottom = 56.0, width - 20, TITLE_HEIGHT + 14, height - 44
    x, y = scale(0, 1, left, right), scale(0, 1, bottom, top)
    body = []
    for mark, label in zip(_MARKS, tick_labels(_MARKS, "%"), strict=True):
        across, up = float(x(mark / 100)), float(y(mark / 100))
        body += [line(left, up, right, up, "grid"), text(left - 8, up + 4, label, "soft", "end")]
        body.append(text(across, bottom + 18, label, "soft", "middle"))
    body.append(line(left, bottom, right, top, "zero"))
    body.append(text((left + right) / 2, bottom + 36, "mean confidence", "soft", "middle"))
    for bucket in buckets:
        across, up = float(x(bucket.confidence)), float(y(bucket.hit_rate))
        if bucket.low == bucket.low:
            body.append(line(across, float(y(bucket.low)), across, float(y(bucket.high)), "l-long"))
        body.append(box(across - _DOT / 2, up - _DOT / 2, _DOT, _DOT, "f-long"))
        aside, anchor = (-8, "end") if bucket.confidence > 0.8 else (8, "start")
        body.append(text(across + aside, up + 4, f"{bucket.decisions:,}", "soft", anchor))
    total = sum(bucket.decisions for bucket in buckets)
    return document(width, height, title, body, f"hit rate of {plural(total, 'decision')}; diagonal: calibrated")
