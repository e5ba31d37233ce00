"""A tear sheet of any factor values, without the graph: the page that `import alpha_pipeline as ap` offers."""

from typing import Any

import pandas as pd

from alpha_pipeline.backtesting.bars import Bars
from alpha_pipeline.backtesting.measures import EvaluationBars, measure_factor
from alpha_pipeline.backtesting.study import study_factor
from alpha_pipeline.market.markets import EQUITIES, Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.reporting.tear_sheet import Sheet, tear_sheet_page
from alpha_pipeline.typing import Array


def tear_sheet(
    values: Array, panel: Panel, market: Market = EQUITIES, name: str = "factor", expression: str = ""
) -> str:
    """
    One self-contained HTML page of everything measured about a factor.

    Args:
        values: (bars, symbols), any unit; high is expected to earn.
        panel: prices on the same grid, at least `close`.
        market: calendar, horizon and costs.
        name: title of the page.
        expression: how the values were made, for the reader.

    Returns:
        HTML without scripts or addresses; undefined measures are shown as a dash.

    Raises:
        DataError: the shapes differ.
    """
    measures: dict[str, Any] = measure_factor(values, EvaluationBars.of(Bars.of(panel, market))).to_row()
    start, end = (pd.Timestamp(moment, tz="UTC") for moment in panel.timestamps[[0, -1]])
    sheet = Sheet(
        name=name,
        factor_id=name,
        expression=expression,
        market=market,
        run_date=end.normalize(),
        segment=f"all bars given, {start:%Y-%m-%d} to {end:%Y-%m-%d}",
        study=study_factor(values, Bars.of(panel, market)),
        measures=measures,
        correlations={},
        funnel=(),
        stage="",
        provenance=(),
    )
    return tear_sheet_page(sheet)
