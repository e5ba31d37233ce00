"""
The contest of the fusion methods on both embedded markets, in full: methods, sources left out, claims, seconds.

    python -m benchmarks.fusion [--run-date 2019-09-30]
"""

import argparse
import json
import os
import time

import pandas as pd

from alpha_pipeline.fusion.comparison import ModelComparison, best_method
from alpha_pipeline.fusion.decision import DecisionRule
from alpha_pipeline.fusion.fuse import MEMORY_DAYS
from alpha_pipeline.fusion.labels import label_signals
from alpha_pipeline.fusion.methods.registry import METHODS
from alpha_pipeline.fusion.walk_forward import COMPARED_DAYS
from alpha_pipeline.market.markets import MARKETS, Market
from alpha_pipeline.market.panel import Panel, align
from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.signals.source_signals import past_signals
from resources.market_data import MarketDataResource

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
    "net_return",
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
    told = []
    for market in MARKETS:
        panel = _panel(market, end)
        days = COMPARED_DAYS + 190 + MEMORY_DAYS
        past = label_signals(SignalMatrix.from_table(past_signals(panel, market, end, days)), panel, market)
        began, busy = time.perf_counter(), time.process_time()
        contest = ModelComparison.of(past, panel, market, pd.DatetimeIndex([end]), DecisionRule(), tuple(METHODS))
        told.append(contest.told(end, "weighted"))
        wall, cpu = time.perf_counter() - began, time.process_time() - busy
        _say(f"\n{market.name}: {len(past):,} lessons, {wall:.0f} s, {cpu:.0f} s of processors")
        _print(told[-1])
    _say(f"\nby the rule active: {best_method(pd.concat(told))}")


def _panel(market: Market, end: pd.Timestamp) -> Panel:
    """Embedded bars up to the run date."""
    bars = MarketDataResource.from_environment().door(market).history(market, end)
    return Panel.from_table(align(bars, {}, pd.Timedelta(0))).until(end)


def _print(table: pd.DataFrame) -> None:
    whole = table[table["excluded_source"] == ""]
    _say(whole[HEAD].to_string(index=False))
    _say(whole[MONEY].to_string(index=False))
    for row in whole[whole["exclusion_reason"] != ""].itertuples():
        _say(f"{row.method} is left out: {row.exclusion_reason}")
    _say("without a source:\n" + table[table["excluded_source"] != ""][SOURCES].to_string(index=False))
    _say(f"a round trip a decision pays from a hit rate of {whole['break_even'].iloc[0]:.4f}")
    for method, told in zip(whole["method"], whole["reliability"], strict=True):
        claims = [f"{b['confidence']:.3f}: {b['hit_rate']:.3f} of {b['decisions']:,}" for b in json.loads(told)]
        _say(f"{method:<14} claimed: came true  " + "; ".join(claims))


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    os.environ.pop("ALPHA_PIPELINE_SOURCE", None)
    main()
