"""Factors side by side on the same bars, and one factor under several protocols."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from alpha_pipeline.backtesting import metrics
from alpha_pipeline.backtesting.measures import EvaluationBars, score
from alpha_pipeline.backtesting.portfolio import BacktestConfig, backtest
from alpha_pipeline.errors import AlphaError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array

COSTS_BPS = (0.0, 5.0, 10.0, 20.0, 30.0)
YEARS_OF_DAYS = (252, 365)


def compare(
    factors: Mapping[str, Array], panel: Panel, market: Market, config: BacktestConfig | None = None
) -> pd.DataFrame:
    """
    One row per factor, in the order given: its measures and a `status`.

    A factor that cannot be measured has NaN measures and the reason as its status; the others read "measured".
    """
    rows: list[dict[str, object]] = []
    stretch = EvaluationBars.of(panel, market, config)
    for name, values in factors.items():
        try:
            rows.append({"factor": name, "status": "measured", **score(values, stretch)})
        except AlphaError as error:
            rows.append({"factor": name, "status": str(error)})
    return pd.DataFrame(rows).set_index("factor")


def protocol(
    values: Array,
    panel: Panel,
    market: Market,
    config: BacktestConfig | None = None,
    funding: Array | None = None,
) -> pd.DataFrame:
    """
    One factor with one switch of the protocol turned at a time: how much of its Sharpe ratio is the protocol.

    Args:
        values: (bars, symbols), any unit.
        panel: prices.
        market: calendar and costs.
        config: the protocol to start from; the market's by default.
        funding: payments as of `funding.funding_payments`; without them the switch is left out.

    Returns:
        Columns `switch`, `setting`, `sharpe` (annualised, after costs), `difference` from the first row.
    """
    base = config or BacktestConfig.of(market)
    year = market.periods_per_year
    cases: list[tuple[str, str, BacktestConfig, float, Array | None]] = [("as configured", "", base, year, funding)]
    if "open" in panel.fields:
        cases += [("fill", fill, replace(base, fill=fill), year, funding) for fill in ("open", "close")]
    cases += [("delay", f"{n} bars", replace(base, delay_bars=n), year, funding) for n in (1, 2)]
    free = replace(base, fee_bps=0.0, slippage_bps=0.0)
    cases += [("cost", f"{bps:g} bps", replace(free, fee_bps=bps), year, funding) for bps in COSTS_BPS]
    if funding is not None:
        cases.append(("funding", "ignored", base, year, None))
    cases += [("year", f"{days} days", base, days * market.bars_per_day, funding) for days in YEARS_OF_DAYS]
    rows = [
        {
            "switch": switch,
            "setting": setting,
            "sharpe": metrics.sharpe(backtest(values, panel, c, year, f).net, periods),
        }
        for switch, setting, c, periods, f in cases
    ]
    table = pd.DataFrame(rows)
    return table.assign(difference=table["sharpe"] - table["sharpe"].iloc[0])
