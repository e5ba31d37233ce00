"""
The contest of the fusion methods on both embedded markets, in full: methods, sources left out, claims, seconds.

    python -m benchmarks.fusion [--night 2019-09-30]
"""

import argparse
import json
import os
import time

import pandas as pd

from alpha_pipeline.fusion.comparison import Contest, winner
from alpha_pipeline.fusion.decision import DecisionRule
from alpha_pipeline.fusion.fuse import MEMORY_DAYS
from alpha_pipeline.fusion.labels import lessons
from alpha_pipeline.fusion.methods.registry import METHODS
from alpha_pipeline.fusion.walk_forward import COMPARED_DAYS
from alpha_pipeline.market.markets import MARKETS, Market
from alpha_pipeline.market.panel import Panel, align
from alpha_pipeline.signals.signal_matrix import Said
from alpha_pipeline.signals.source_signals import past_signals
from resources.market_data import MarketDataResource

HEAD = [
    "method",
    "coverage",
    "acted",
    "hit_rate",
    "hit_low",
    "hit_high",
    "acted_hit_rate",
    "brier",
    "calibration_error",
]
MONEY = ["method", "rank_ic", "rank_ic_t", "net_return", "sharpe", "value_net_return", "value_sharpe", "value_turnover"]
SOURCES = ["method", "silent_source", "hit_rate", "brier", "rank_ic", "rank_ic_t", "value_net_return", "value_sharpe"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--night", default="2019-09-30")
    end = pd.Timestamp(parser.parse_args().night, tz="UTC") + pd.Timedelta(days=1)
    pd.set_option("display.width", 200, "display.max_columns", 30, "display.float_format", "{:.4f}".format)
    told = []
    for market in MARKETS:
        panel = _panel(market, end)
        days = COMPARED_DAYS + 190 + MEMORY_DAYS
        past = lessons(Said.from_table(past_signals(panel, market, end, days)), panel, market)
        began, busy = time.perf_counter(), time.process_time()
        contest = Contest.of(past, panel, market, pd.DatetimeIndex([end]), DecisionRule(), tuple(METHODS))
        told.append(contest.told(end, "weighted"))
        wall, cpu = time.perf_counter() - began, time.process_time() - busy
        _say(f"\n{market.name}: {len(past):,} lessons, {wall:.0f} s, {cpu:.0f} s of processors")
        _print(told[-1])
    _say(f"\nby the rule in force: {winner(pd.concat(told))}")


def _panel(market: Market, end: pd.Timestamp) -> Panel:
    """Embedded bars up to the night."""
    bars = MarketDataResource.from_environment().door(market).history(market, end)
    return Panel.from_table(align(bars, {}, pd.Timedelta(0))).until(end)


def _print(table: pd.DataFrame) -> None:
    whole = table[table["silent_source"] == ""]
    _say(whole[HEAD].to_string(index=False))
    _say(whole[MONEY].to_string(index=False))
    for row in whole[whole["left_out"] != ""].itertuples():
        _say(f"{row.method} is left out: {row.left_out}")
    _say("without a source:\n" + table[table["silent_source"] != ""][SOURCES].to_string(index=False))
    _say(f"a round trip a decision pays from a hit rate of {whole['break_even'].iloc[0]:.4f}")
    for method, told in zip(whole["method"], whole["reliability"], strict=True):
        claims = [f"{b['confidence']:.3f}: {b['hit_rate']:.3f} of {b['decisions']:,}" for b in json.loads(told)]
        _say(f"{method:<14} claimed: came true  " + "; ".join(claims))


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    os.environ.pop("ALPHA_PIPELINE_SOURCE", None)
    main()
