"""The content of a tear sheet, before it is drawn or written as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from alpha_pipeline.backtesting.study import FactorStudy
from alpha_pipeline.market.markets import Market


@dataclass(frozen=True)
class Sheet:
    """
    Data of a tear sheet.

    Args:
        name: display name, untrusted text.
        factor_id: in the library.
        expression: canonical DSL.
        market: of the factor.
        run_date: as-of date.
        segment: description of the measured bars.
        study: the series.
        measures: columns of `tables.METRICS`.
        correlations: mean rank correlation of values with the other active factors, by factor_id.
        funnel: stages in order with the number of all trials so far that reached each.
        stage: last stage of this factor; `reference` for a shipped one.
        provenance: label and untrusted text: proposer, date, parent, prompt.
        notes: caveats shown above the numbers.
        undefined: reason by name of a measure without a value.
    """

    name: str
    factor_id: str
    expression: str
    market: Market
    run_date: pd.Timestamp
    segment: str
    study: FactorStudy
    measures: Mapping[str, float]
    correlations: Mapping[str, float]
    funnel: Sequence[tuple[str, int]]
    stage: str
    provenance: Sequence[tuple[str, str]]
    notes: Sequence[str] = ()
    undefined: Mapping[str, str] = field(default_factory=dict)
