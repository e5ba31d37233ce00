"""Claims beside what came true, drawn from buckets one can place by hand."""

import re
from xml.etree import ElementTree

import pytest

from alpha_pipeline.outcomes.hit_rates import Bucket
from alpha_pipeline.reporting.calibration_charts import calibration_chart, reliability_chart

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
    assert "3,500" in svg and ">4<" in svg and "break-even" in svg
    assert "<b>" not in svg
    assert "break-even" not in calibration_chart(BUCKETS, "far", break_even=0.9)


def test_no_outcome_is_said() -> None:
    """A line of words instead of an empty field."""
    assert "no outcomes yet" in calibration_chart([], "Reliability")


def test_a_bucket_stands_where_its_figures_say() -> None:
    """Claimed half, right always: in the middle across, at the top; the interval hangs below it."""
    svg = reliability_chart([Bucket(0.5, 1.0, 0.6, 1.0, 7, 7)], "R", width=376, height=360)
    ElementTree.fromstring(svg)
    (dot,) = re.findall(r'<rect class="f-long" x="([\d.]+)" y="([\d.]+)" width="7.0"', svg)
    assert [float(v) + 3.5 for v in dot] == pytest.approx([206.0, 58.0])
    assert '<path class="l-long" d="M206.0 161.2L206.0 58.0"/>' in svg
    assert ">7<" in svg and "hit rate of 7 decisions" in svg


def test_no_decision_is_said() -> None:
    """Never an empty field."""
    assert "no trades yet" in reliability_chart([])
