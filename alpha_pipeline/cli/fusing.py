"""`fuse`: the latest decision of a symbol, what each source brought to it, and what would change it."""

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alpha_pipeline.cli.arguments import Commands, complete, names
from alpha_pipeline.cli.screen import document, facts, say, table
from alpha_pipeline.cli.sources import MARKET_NAMES, bars_of, lake_name, stored
from alpha_pipeline.errors import MissingPartitionError, SettingError

if TYPE_CHECKING:  # a shell waits for every import
    import pandas as pd

    from alpha_pipeline.fusion.verdict import Verdict

FIELDS = (
    "data, rule {threshold, confidence}, decisions [...], each with:\n"
    "  market, symbol, timestamp, decision, value, confidence, coverage, margin, without {source: decision},\n"
    "  sources [source, value, confidence, weight, contribution, reason]"
)
NO_LIBRARY = "computed now from prices; without stored nights the factor library has no voice"


@dataclass(frozen=True)
class Decided:
    """
    A night's decisions and what they were made of.

    Args:
        fused: rows of `tables.FUSED_SIGNAL`.
        said: market to rows of `tables.SOURCE_SIGNALS`.
        source: in words, for the line `data`.
    """

    fused: "pd.DataFrame"
    said: "dict[str, pd.DataFrame]"
    source: str


def add_commands(commands: Commands) -> None:
    """`fuse`."""
    found = commands.add(
        "fuse", _fuse, "the latest decision per symbol: LONG, SHORT or HOLD, with its reasons",
        ("--symbol BTCUSDT", "--market crypto", "--symbol AAPL --night 2019-09-27 --json"), FIELDS,
    )  # fmt: skip
    symbols = found.add_argument(
        "--symbol", "--symbols", default="", help="one or more, as BTCUSDT,AAPL (default: all)"
    )
    complete(symbols, "symbols")
    found.add_argument(
        "--market", choices=MARKET_NAMES, help="only this market (default: those of the symbols, or all)"
    )
    night = found.add_argument("--night", metavar="YYYY-MM-DD", help="decided at its end (default: the latest)")
    complete(night, "nights")


def _fuse(options: argparse.Namespace) -> int:
    from alpha_pipeline.fusion import DecisionRule
    from alpha_pipeline.fusion.verdict import verdict
    from alpha_pipeline.nights import require_night
    from alpha_pipeline.reporting.terminal import latest_decisions

    markets = (options.market,) if options.market else MARKET_NAMES
    found = _decided(require_night(options.night) if options.night else None, markets)
    latest = latest_decisions(found.fused[found.fused["market"].isin(markets)])
    meant = _meant(names(options.symbol), latest["symbol"])
    chosen = latest[latest["symbol"].isin(meant.values())] if meant else latest
    if chosen.empty:
        raise MissingPartitionError(f"no decision of {' or '.join(markets)} in {found.source}")
    rule = DecisionRule()
    rows = [{str(name): value for name, value in row.items()} for row in chosen.to_dict("records")]
    verdicts = [verdict(row, found.said[str(row["market"])], rule) for row in rows]
    if options.json:
        thresholds = {"threshold": rule.threshold, "confidence": rule.confidence}
        document({"data": found.source, "rule": thresholds, "decisions": [_record(one) for one in verdicts]})
        return 0
    say(f"data  {found.source}")
    for text, symbol in meant.items():
        if text != symbol:
            say(f"      {symbol} is taken for {text}")
    limits = f"a value of {rule.threshold:.2f} with confidence above {rule.confidence:.0%}"
    say(f"rule  LONG or SHORT beyond {limits}, else HOLD")
    if meant:
        for one in verdicts:
            _show(one)
    else:
        _list(verdicts)
    return 0


def _decided(night: str | None, markets: tuple[str, ...]) -> Decided:
    """The stored night, or the decisions there would be on the prices there are."""
    lake = stored()
    days = lake.days("fused_signal")
    chosen = night or (days[-1] if days else None)
    if chosen in days:
        fused = lake.read("fused_signal", chosen, chosen)
        said = {m: lake.read(f"{m}/source_signals", chosen, chosen, allow_missing=True) for m in MARKET_NAMES}
        return Decided(fused, said, f"{lake_name()}, night of {chosen}")
    import pandas as pd

    from alpha_pipeline.fusion import fuse, source_signals
    from alpha_pipeline.tables import FACTOR_VALUES, LIBRARY, METRICS

    said, sources = {}, set()
    for name in markets:
        bars = bars_of(name, night)
        last = pd.Timestamp(bars.panel.timestamps[-1], tz="UTC")
        start = last.ceil("D") - pd.Timedelta(days=1)
        empty = (FACTOR_VALUES.empty(), LIBRARY.empty(), METRICS.empty())
        said[name] = source_signals(bars.panel, *empty, bars.market, start, last)
        sources.add(bars.source)
    return Decided(fuse(said), said, f"{' and '.join(sorted(sources))}: {NO_LIBRARY}")


def _meant(asked: list[str], known: "pd.Series") -> dict[str, str]:
    from alpha_pipeline.symbols import find_symbols

    if asked and known.empty:
        raise SettingError(f"no symbol has a decision; {asked[0]!r} is not among them")
    return find_symbols(asked, set(known))


def _show(one: "Verdict") -> None:
    from alpha_pipeline.reporting.wording import clock, number

    say()
    spoke = f"sources with {number(one.coverage, '.0%')} of all weight spoke"
    changes = ", ".join(f"{decision} without {source}" for source, decision in one.without.items())
    facts(
        {
            one.symbol: f"{one.decision}, decided at the close of {clock(one.timestamp)}",
            "value": f"{number(one.value, '+.2f')} in [-1, 1]",
            "confidence": f"{number(one.confidence, '.0%')}; {spoke}",
            "margin": one.margin,
            "would be": changes or "the same without any one of its sources",
        }
    )
    say()
    table(
        ("source", "value", "confidence", "weight", "contribution", "reason "),
        [
            (
                str(row["source"]), number(row["value"], "+.2f"), number(row["confidence"], ".0%"),
                number(row["weight"], ".2f"), number(row["contribution"], "+.2f"), str(row["reason"]),
            )
            for row in one.sources.to_dict("records")
        ],
    )  # fmt: skip


def _list(verdicts: "list[Verdict]") -> None:
    from alpha_pipeline.reporting.wording import clock, number

    say()
    rows = []
    for one in verdicts:
        first = one.sources.iloc[0] if len(one.sources) else None
        why = "" if first is None else f"{first['source']} {number(first['contribution'], '+.2f')} ({first['reason']})"
        value, confidence = number(one.value, "+.2f"), number(one.confidence, ".0%")
        rows.append((one.market, one.symbol, one.decision, value, confidence, clock(one.timestamp), why))
    table(("market", "symbol", "decision", "value", "confidence", "decided ", "main reason "), rows, left=3)


def _record(one: "Verdict") -> dict[str, object]:
    return {**vars(one), "sources": one.sources.to_dict("records")}
