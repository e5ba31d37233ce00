"""`fuse`: the latest decision of a symbol, what each source brought to it, and what would change it."""

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alpha_pipeline.cli.arguments import Commands, complete, names
from alpha_pipeline.cli.data import MARKET_NAMES, Bars, bars_of, lake_root, stored
from alpha_pipeline.cli.terminal import echo, print_json, print_pairs, progress, table
from alpha_pipeline.errors import MissingPartitionError, SettingError

if TYPE_CHECKING:  # a shell waits for every import
    import pandas as pd

    from alpha_pipeline.fusion.decision import DecisionRule
    from alpha_pipeline.fusion.explanation import DecisionExplanation

FIELDS = """\
rule {threshold, confidence}, decisions [...], each with:
  data, the columns of fused_signal but for reasons and breakdown, margin, without {source: decision},
  sources [source, value, confidence, weight, contribution, reason]"""
SHOWN = (
    "timestamp", "market", "symbol", "decision", "value", "confidence", "raw_confidence", "calibration_bars", "coverage",
    "method",
)  # fmt: skip


def add_commands(commands: Commands) -> None:
    """`fuse`."""
    found = commands.add(
        "fuse", _fuse, "the latest decision per symbol: LONG, SHORT or HOLD, with its reasons",
        ("--symbol BTCUSDT", "--market crypto", "--symbol AAPL --run-date 2019-09-27 --json"), FIELDS,
    )  # fmt: skip
    symbols = found.add_argument(
        "--symbol", "--symbols", default="", help="one or more, as BTCUSDT,AAPL (default: all)"
    )
    complete(symbols, "symbols")
    found.add_argument("--market", choices=MARKET_NAMES, help="only this market (default: all)")
    run_date = found.add_argument("--run-date", metavar="YYYY-MM-DD", help="decided at its end (default: the latest)")
    complete(run_date, "run_dates")
    complete(found.add_argument("--method", help="fuse anew by this method (default: as stored)"), "methods")


def _fuse(options: argparse.Namespace) -> int:
    from alpha_pipeline.fusion.decision import fusion_settings
    from alpha_pipeline.market.run_dates import require_run_date
    from alpha_pipeline.market.symbols import find_symbols

    settings = fusion_settings(os.environ, options.method or "")
    days = stored().days("fused_signal")
    run_date = require_run_date(options.run_date) if options.run_date else next(reversed(days), None)
    markets, asked = [options.market] if options.market else list(MARKET_NAMES), names(options.symbol)
    found: list[tuple[str, DecisionExplanation]] = []
    taken: dict[str, str] = {}
    known: list[str] = []
    with progress("fusing", len(markets)) as step:
        for market in markets:
            bars = bars_of(market, run_date)
            known += bars.panel.symbols
            here = _here([text for text in asked if text not in taken], bars)
            taken |= here
            if here or not asked:
                source, told = _told(
                    bars, run_date if run_date in days else None, settings, bool(options.method), set(here.values())
                )
                found += [(source, one) for one in told]
            step(market)
            if asked and len(taken) == len(asked):
                break
    find_symbols([text for text in asked if text not in taken], known)  # names what is near
    if not found:
        raise MissingPartitionError(f"no source had anything to say of {', '.join(taken) or ' or '.join(markets)}")
    rule = settings[1]
    if options.json:
        thresholds = {"threshold": rule.threshold, "confidence": rule.confidence}
        print_json({"rule": thresholds, "decisions": [{"data": source, **_record(one)} for source, one in found]})
        return 0
    for source in dict.fromkeys(source for source, _ in found):
        echo(f"data  {source}")
    for text, symbol in taken.items():
        if text != symbol:
            echo(f"      {symbol} is taken for {text}")
    echo(f"rule  LONG or SHORT: |value| above {rule.threshold:.2f}, confidence above {rule.confidence:.0%}; else HOLD")
    if asked:
        for _, one in found:
            _show(one)
    else:
        _list([one for _, one in found])
    return 0


def _here(asked: Sequence[str], bars: Bars) -> dict[str, str]:
    """What was asked for to the symbol of this market, without what is elsewhere."""
    from alpha_pipeline.market.symbols import find_symbol

    found = {}
    for text in asked:
        try:
            found[text] = find_symbol(text, bars.panel.symbols)
        except SettingError:  # perhaps another market has it
            continue
    return found


def _told(
    bars: Bars, run_date: str | None, settings: "tuple[str, DecisionRule]", anew: bool, only: set[str]
) -> "tuple[str, list[DecisionExplanation]]":
    """
    The decisions of a market, strongest LONG first: the stored ones, or those there would be on the prices there are.

    Args:
        bars: up to the run date.
        run date: where one is stored.
        settings: method active and rule; a stored decision keeps the method it was made by.
        anew: whether to fuse again what is stored.
        only: symbols; all when empty.
    """
    import pandas as pd

    from alpha_pipeline.fusion.explanation import explain_decisions
    from alpha_pipeline.fusion.fused_signal import MEMORY_DAYS, fit_and_calibrate, fuse
    from alpha_pipeline.fusion.labels import training_data
    from alpha_pipeline.fusion.methods.registry import method_named
    from alpha_pipeline.reporting.terminal import latest_decisions
    from alpha_pipeline.signals.generation import past_signals

    market, (method, rule) = bars.market, settings
    end = pd.Timestamp(bars.panel.timestamps[-1], tz="UTC").ceil("D")
    earlier = _stored_signals(market.name, run_date)
    said = earlier[earlier["timestamp"] > end - pd.Timedelta(days=1)]
    if run_date is None:
        said = past_signals(bars.panel, market, end, 1)
    past = training_data(bars.panel, market, earlier, end, MEMORY_DAYS + 1)
    rows = stored().read("fused_signal", run_date, run_date) if run_date else None
    fused = None if rows is None else rows[rows["market"] == market.name]
    source = f"lake {lake_root()}, run date of {run_date}"
    if fused is None or anew:
        fused = fuse({market.name: said}, {market.name: past}, method, rule)
        source = f"{bars.source}: fused now" + (
            "" if run_date else ", without stored run dates the library has no voice"
        )
    if fused.empty:
        return source, []
    latest = latest_decisions(fused)
    latest = latest[latest["symbol"].isin(only)] if only else latest
    chosen = method_named(str(fused["method"].iloc[0]))
    believed = fit_and_calibrate(past.known_by(fused["timestamp"].max(), MEMORY_DAYS), chosen, rule)
    return source, explain_decisions(latest, said, believed, rule)


def _stored_signals(market: str, run_date: str | None) -> "pd.DataFrame":
    """What sources said on the stored run dates up to this one."""
    lake = stored()
    key = f"{market}/source_signals"
    days = [day for day in lake.days(key) if run_date and day <= run_date]
    return lake.read_days(key, days)[0]


def _show(one: "DecisionExplanation") -> None:
    from alpha_pipeline.reporting.formatting import clock, number, plural

    row: Mapping[str, Any] = one.row
    changes = ", ".join(f"{decision} without {source}" for source, decision in one.without.items())
    right = f"{number(row['confidence'], '.1%')} of such values had the right sign, less what chance explains"
    alone, spoke = len(one.sources) == 1, plural(len(one.sources), "source")
    same = "HOLD without it, too: rests on one source alone" if alone else "the same without any one of its sources"
    echo()
    print_pairs(
        {
            str(row["symbol"]): f"{row['decision']}, decided at the close of {clock(row['timestamp'])}",
            "value": f"{number(row['value'], '+.2f')} in [-1, 1], by the method {row['method']}",
            "confidence": f"{right} ({number(row['raw_confidence'], '.0%')} before calibration)",
            "rests on": f"{plural(row['calibration_bars'], 'bar')} of decision whose outcome is known",
            "coverage": f"{spoke} spoke, with {number(row['coverage'], '.0%')} of all weight",
            "margin": one.margin,
            "would be": changes or same,
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
            for row in one.sources.to_dict("records")
        ],
    )


def _list(found: "Sequence[DecisionExplanation]") -> None:
    from alpha_pipeline.reporting.formatting import clock, number

    echo()
    rows = []
    for one in found:
        row: Mapping[str, Any] = one.row
        first = one.sources.iloc[0]
        why = f"{first['source']} {number(first['contribution'], '+.2f')} ({first['reason']})"
        numbers = number(row["value"], "+.2f"), number(row["confidence"], ".1%")
        rows.append((row["market"], row["symbol"], row["decision"], *numbers, clock(row["timestamp"]), why))
    table(("market", "symbol", "decision", "value", "confidence", "decided ", "main reason "), rows, left=3)


def _record(one: "DecisionExplanation") -> dict[str, object]:
    return {
        **{name: one.row[name] for name in SHOWN},
        "margin": one.margin,
        "without": one.without,
        "sources": one.sources.to_dict("records"),
    }
