"""
What a person reads: terminal tables, SVG charts and the nightly page.

Frames in, strings out; nothing here measures, stores or decides.
"""

from alpha_pipeline.reporting.calibration import claims_chart
from alpha_pipeline.reporting.charts import (
    bar_chart,
    funnel_chart,
    ic_bars,
    markdown_image,
    markdown_png,
    signal_bars,
)
from alpha_pipeline.reporting.curves import equity_chart, line_chart, price_chart
from alpha_pipeline.reporting.funnel import STAGES, best_of, cost_text, funnel, proposals, refusals, tokens, unanswered
from alpha_pipeline.reporting.heat_map import share_heat, signal_heat
from alpha_pipeline.reporting.model_comparison import contest_text
from alpha_pipeline.reporting.noise_floor import floor_rows, floor_text
from alpha_pipeline.reporting.reliability import reliability_chart
from alpha_pipeline.reporting.report import nightly_page
from alpha_pipeline.reporting.sections import MarketNight
from alpha_pipeline.reporting.svg import nothing
from alpha_pipeline.reporting.terminal import funnel_text, library_text, signal_text

__all__ = [
    "STAGES",
    "MarketNight",
    "bar_chart",
    "best_of",
    "claims_chart",
    "contest_text",
    "cost_text",
    "equity_chart",
    "floor_rows",
    "floor_text",
    "funnel",
    "funnel_chart",
    "funnel_text",
    "ic_bars",
    "library_text",
    "line_chart",
    "markdown_image",
    "markdown_png",
    "nightly_page",
    "nothing",
    "price_chart",
    "proposals",
    "refusals",
    "reliability_chart",
    "share_heat",
    "signal_bars",
    "signal_heat",
    "signal_text",
    "tokens",
    "unanswered",
]
