"""`fuse`: the latest decision of a symbol, the contribution of each source, and the sensitivity of the decision."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alpha_pipeline.cli.arguments import Commands, complete, names
from alpha_pipeline.cli.data import Bars, bars_of, lake_root, market_name, market_names, stored
from alpha_pipeline.cli.terminal import echo, print_json, print_pairs, progress, table
from alpha_pipeline.cli.user_files import add_file_options, check_file_options, file_bars
from alpha_pipeline.errors import MissingPartitionError, SettingError

if TYPE_CHECKING:  # imports delay every command
    import pandas as pd

    from alpha_pipeline.fusion.decision import DecisionRule
    from alpha_pipeline.fusion.explanation import DecisionExplanation

FIELDS = """\
rule {threshold, confidence}, decisions [...], each with:
  data, the columns of fused_signal except reasons and breakdown, margin, without {source: decision},
  sources [source, value, confidence, weight, contribution, reason]"""
SHOWN = (
    "timestamp", "market", "symbol", "decision", "value", "confidence", "raw_confidence", "calibration_bars",
    "coverage", "method",
)  # fmt: skip


def add_commands(commands: Commands) -> None:
    """`fuse`."""
    command = commands.add(
        "fuse", _fuse, "the latest decision per symbol: LONG, SHORT or HOLD, with its reasons",
        ("--symbol BTCUSDT", "--market crypto", "--symbol AAPL --run-date 2019-09-27 --json"), FIELDS,
    )  # fmt: skip
    symbols = command.add_argument(
        "--symbol", "--symbols", default="", help="comma-separated, such as BTCUSDT,AAPL (default: all)"
    )
    complete(symbols, "symbols")
    complete(command.add_argument("--market", type=market_name, help="only this market (default: all)"), "markets")
    run_date = command.add_argument(
        "--run-date", metavar="YYYY-MM-DD", help="decision at the end of this run date (default: the latest)"
    )
    complete(run_date, "run_dates")
    add_file_options(command.add_argument_group("data"))
    complete(command.add_argument("--method", help="recompute with this fusion method (default: as stored)"), "methods")


def _fuse(options: argparse.Namespace) -> int:
    from alpha_pipeline.fusion.decision import configured_method
    from alpha_pipeline.market.run_dates import require_run_date
    from alpha_pipeline.market.symbols import find_symbols
    from alpha_pipeline.settings import load_settings

    check_file_options(options, {"--run-date": "it is decided at its last bar"} if options.run_date else {})
    own = {market.name or name: market.fusion for name, market in load_settings().markets.items()}
    days = stored().days("fused_signal")
    run_date = require_run_date(options.run_date) if options.run_date else next(reversed(days), None)
    markets, typed = [options.market] if options.market else list(market_names()), names(options.symbol)
    decisions: list[tuple[str, DecisionExplanation]] = []
    resolved: dict[str, str] = {}
    available: list[str] = []
    with progress("fusing", len(markets)) as step:
        for market in markets:
            settings = configured_method(own[market], options.method or "")
            bars = file_bars(options, options.symbol) if options.data else bars_of(market, run_date)
            available += bars.panel.symbols
            matches = _matches([text for text in typed if text not in resolved], bars)
            resolved |= matches
            if matches or not typed:
                stored_date = run_date if run_date in days and not bars.own else None
                source, explained = _explain(bars, stored_date, settings, bool(options.method), set(matches.values()))
                decisions += [(source, decision) for decision in explained]
            step(market)
            if typed and len(resolved) == len(typed):
                break
    find_symbols([text for text in typed if text not in resolved], available)  # the error suggests near names
    if not decisions:
        raise MissingPartitionError(f"no source has a signal for {', '.join(resolved) or ' or '.join(markets)}")
    rule = settings[1]
    if options.json:
        thresholds = {"threshold": rule.threshold, "confidence": rule.confidence}
        print_json(
            {"rule": thresholds, "decisions": [{"data": source, **_record(decision)} for source, decision in decisions]}
        )
        return 0
    for source in dict.fromkeys(source for source, _ in decisions):
        echo(f"data  {source}")
    for text, symbol in resolved.items():
        if text != symbol:
            echo(f"      {text} resolved to {symbol}")
    echo(f"rule  LONG or SHORT: |value| above {rule.threshold:.2f}, confidence above {rule.confidence:.0%}; else HOLD")
    if typed:
        for _, decision in decisions:
            _show(decision)
    else:
        _list([decision for _, decision in decisions])
    return 0


def _matches(typed: Sequence[str], bars: Bars) -> dict[str, str]:
    """Text as typed to the symbol of this market; texts without a match are left out."""
    from alpha_pipeline.market.symbols import find_symbol

    matches = {}
    for text in typed:
        try:
            matches[text] = find_symbol(text, bars.panel.symbols)
        except SettingError:  # another market may have it
            continue
    return matches


def _explain(
    bars: Bars, run_date: str | None, settings: "tuple[str, DecisionRule]", recompute: bool, only: set[str]
) -> "tuple[str, list[DecisionExplanation]]":
    """
    Decisions of a market, strongest LONG first: the stored ones, else computed from the available prices.

    Args:
        bars: up to the run date.
        run_date: if stored, else None.
        settings: active method and rule; a stored decision keeps its own method.
        recompute: whether to fuse stored signals again.
        only: symbols; empty for all.
    """
    import pandas as pd

    from alpha_pipeline.fusion.explanation import explain_decisions
    from alpha_pipeline.fusion.fused_signal import MEMORY_DAYS, fit_and_calibrate, fuse
    from alpha_pipeline.fusion.labels import training_data
    from alpha_pipeline.fusion.methods.method_table import method_named
    from alpha_pipeline.reporting.text_tables import latest_decisions
    from alpha_pipeline.signals.generation import past_signals

    market, (method, rule) = bars.market, settings
    end = pd.Timestamp(bars.panel.timestamps[-1], tz="UTC").ceil("D")
    earlier = _stored_signals(market.name, run_date)
    signals = earlier[earlier["timestamp"] > end - pd.Timedelta(days=1)]
    if run_date is None:
        signals = past_signals(bars.panel, market, end, 1)
    past = training_data(bars.panel, market, earlier, end, MEMORY_DAYS + 1)
    rows = stored().read("fused_signal", run_date, run_date) if run_date else None
    fused = None if rows is None else rows[rows["market"] == market.name]
    source = f"lake {lake_root()}, run date of {run_date}"
    if fused is None or recompute:
        fused = fuse({market.name: signals}, {market.name: past}, method, rule)
        source = f"{bars.source}: fused now" + ("" if run_date else ", without library factors (no stored run date)")
    if fused.empty:
        return source, []
    latest = latest_decisions(fused)
    latest = latest[latest["symbol"].isin(only)] if only else latest
    chosen = method_named(str(fused["method"].iloc[0]))
    fitted = fit_and_calibrate(past.known_by(fused["timestamp"].max(), MEMORY_DAYS), chosen, rule)
    return source, explain_decisions(latest, signals, fitted, rule)


def _stored_signals(market: str, run_date: str | None) -> "pd.DataFrame":
    """Source signals of the stored run dates up to this one."""
    lake = stored()
    key = f"{market}/source_signals"
    days = [day for day in lake.days(key) if run_date and day <= run_date]
    return lake.read_days(key, days)[0]


def _show(decision: "DecisionExplanation") -> None:
    from alpha_pipeline.reporting.formatting import clock, number, plural

    row: Mapping[str, Any] = decision.row
    changes = ", ".join(f"{changed} without {source}" for source, changed in decision.without.items())
    hit_rate = f"{number(row['confidence'], '.1%')}, lower bound of the hit rate of such values"
    single, active = len(decision.sources) == 1, plural(len(decision.sources), "active source")
    same = "HOLD without it: the only active source" if single else "unchanged without any single source"
    echo()
    print_pairs(
        {
            str(row["symbol"]): f"{row['decision']}, decided at the close of {clock(row['timestamp'])}",
            "value": f"{number(row['value'], '+.2f')} in [-1, 1], method {row['method']}",
            "confidence": f"{hit_rate} ({number(row['raw_confidence'], '.0%')} before calibration)",
            "calibrated on": plural(row["calibration_bars"], "past decision bar"),
            "coverage": f"{active}, {number(row['coverage'], '.0%')} of total weight",
            "margin": decision.margin,
            "leave one out": changes or same,
        }
    )
    echo()
    table(
        ("source", "value", "confidence", "weight", "contribution", "reason "),
        [
            (
                str(row["source"]),
                number(row["value"], "+.2f"),
                number(row["confidence"], ".0%"),
                number(row["weight"], ".2f"),
                number(row["contribution"], "+.2f"),
                str(row["reason"]),
            )
            for row in decision.sources.to_dict("records")
        ],
    )


def _list(decisions: "Sequence[DecisionExplanation]") -> None:
    from alpha_pipeline.reporting.formatting import clock, number

    echo()
    rows = []
    for decision in decisions:
        row: Mapping[str, Any] = decision.row
        first = decision.sources.iloc[0]
        why = f"{first['source']} {number(first['contribution'], '+.2f')} ({first['reason']})"
        numbers = number(row["value"], "+.2f"), number(row["confidence"], ".1%")
        rows.append((row["market"], row["symbol"], row["decision"], *numbers, clock(row["timestamp"]), why))
    table(("market", "symbol", "decision", "value", "confidence", "decided ", "main reason "), rows, left=3)


def _record(decision: "DecisionExplanation") -> dict[str, object]:
    return {
        **{name: decision.row[name] for name in SHOWN},
        "margin": decision.margin,
        "without": decision.without,
        "sources": decision.sources.to_dict("records"),
    }
