"""
The reliability diagram: what was claimed against what came true.

The figures come from `fusion.scores`.
"""

from collections.abc import Sequence

from alpha_pipeline.outcomes.hit_rates import Bucket
from alpha_pipeline.reporting.formatting import plural
from alpha_pipeline.reporting.svg import TITLE_HEIGHT, box, document, line, nothing, scale, text, tick_labels

_MARKS = (0.0, 25.0, 50.0, 75.0, 100.0)
_DOT = 7.0


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
        return nothing(title, "no decision was acted on yet", width=width)
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
    return document(width, height, title, body, f"hit rate of {plural(total, 'decision')}; on the line it was earned")
