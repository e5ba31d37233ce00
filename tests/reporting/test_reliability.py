"""What was claimed against what came true, drawn."""

import re
from xml.etree import ElementTree

import pytest

from alpha_pipeline.outcomes.hit_rates import Bucket
from alpha_pipeline.reporting.reliability import reliability_chart


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
    assert "no decision was acted on yet" in reliability_chart([])
