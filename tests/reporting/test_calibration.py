"""Claims beside what came true, drawn from buckets one can place by hand."""

import re
from xml.etree import ElementTree

from alpha_pipeline.reporting.calibration import calibration_chart

BUCKETS = [
    {"confidence": 0.5, "hit_rate": 0.5, "low": 0.48, "high": 0.52, "decisions": 3500, "bars": 700},
    {"confidence": 0.52, "hit_rate": 0.52, "low": None, "high": None, "decisions": 4, "bars": 1},
]


def test_every_bucket_is_drawn_with_its_count() -> None:
    """Two points, one interval (of one bar nothing is known), both counts, and the line of costs where it falls in."""
    svg = calibration_chart(BUCKETS, "Reliability <b>", break_even=0.51)
    ElementTree.fromstring(svg)
    assert svg.count('width="7.0"') == 2
    assert len(re.findall(r'<path class="l-long"', svg)) == 1
    assert "3,500" in svg and ">4<" in svg and "costs are paid above" in svg
    assert "<b>" not in svg
    assert "costs are paid" not in calibration_chart(BUCKETS, "far", break_even=0.9)


def test_no_outcome_is_said() -> None:
    """A line of words instead of an empty field."""
    assert "no outcome is known yet" in calibration_chart([], "Reliability")
