"""
Comparison of the fusion methods on both embedded markets: methods, excluded sources, calibration, run time.

    python -m benchmarks.fusion [--run-date 2019-09-30]
"""

import argparse
import json
import time

import pandas as pd

from alpha_pipeline.fusion.comparison import ModelComparison, best_method
from alpha_pipeline.fusion.decision import DecisionRule
from alpha_pipeline.fusion.fused_signal import MEMORY_DAYS
from alpha_pipeline.fusion.labels import label_signals
from alpha_pipeline.fusion.methods.method_table import METHODS
from alpha_pipeline.fusion.out_of_sample import COMPARED_DAYS
from alpha_pipeline.market.gaps import with_history
from alpha_pipeline.market.markets import MARKETS, Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.resources.market_data import MarketDataResource
from alpha_pipeline.signals.generation import past_signals
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.tables import MARKET_PANEL

HEAD = [
    "method",
    "coverage",
    "trade_rate",
    "hit_rate",
    "hit_rate_low",
    "hit_rate_high",
    "trade_hit_rate",
    "brier",
    "calibration_error",
]
MONEY = [
    "method",
    "rank_ic",
    "rank_ic_t_stat",
    "annual_return",
    "sharpe",
    "value_annual_return",
    "value_sharpe",
    "value_turnover",
]
SOURCES = [
    "method",
    "excluded_source",
    "hit_rate",
    "brier",
    "rank_ic",
    "rank_ic_t_stat",
    "value_annual_return",
    "value_sharpe",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run-date", default="2019-09-30")
    end = pd.Timestamp(parser.parse_args().run_date, tz="UTC") + pd.Timedelta(days=1)
    pd.set_option("display.width", 200, "display.max_columns", 30, "display.float_format", "{:.4f}".format)
    tables = []
    for market in MARKETS:
        panel = _panel(market, end)
        days = COMPARED_DAYS + 190 + MEMORY_DAYS
        past = label_signals(SignalMatrix.from_table(past_signals(panel, market, end, days)), panel, market)
        began, busy = time.perf_counter(), time.process_time()
        comparison = ModelComparison.of(past, panel, market, pd.DatetimeIndex([end]), DecisionRule(), tuple(METHODS))
        tables.append(comparison.to_table(end, "weighted"))
        wall, cpu = time.perf_counter() - began, time.process_time() - busy
        _echo(f"\n{market.name}: {len(past):,} labelled samples, {wall:.0f} s, {cpu:.0f} CPU seconds")
        _print(tables[-1])
    _echo(f"\nbest by the rule: {best_method(pd.concat(tables))}")


def _panel(market: Market, end: pd.Timestamp) -> Panel:
    """Embedded bars up to the run date."""
    bars = MarketDataResource(source="sample").bar_source(market).history(market, end)
    return with_history(bars, MARKET_PANEL.empty(), market).until(end)


def _print(table: pd.DataFrame) -> None:
    full = table[table["excluded_source"] == ""]
    _echo(full[HEAD].to_string(index=False))
    _echo(full[MONEY].to_string(index=False))
    for row in full[full["exclusion_reason"] != ""].itertuples():
        _echo(f"{row.method} is excluded: {row.exclusion_reason}")
    _echo("excluded sources:\n" + table[table["excluded_source"] != ""][SOURCES].to_string(index=False))
    _echo(f"a round trip per decision breaks even at a hit rate of {full['break_even'].iloc[0]:.4f}")
    for method, reliability in zip(full["method"], full["reliability"], strict=True):
        bins = [f"{b['confidence']:.3f}: {b['hit_rate']:.3f} of {b['decisions']:,}" for b in json.loads(reliability)]
        _echo(f"{method:<14} confidence: hit rate  " + "; ".join(bins))


def _echo(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
