"""
Data of the commands: the stored lake, or the embedded prices. Heavy imports are local.

The commands decide what to compute.
"""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from alpha_pipeline.errors import LakeError, SettingError

if TYPE_CHECKING:  # imports delay every command
    import pandas as pd

    from alpha_pipeline.expressions import NamedFactors, Node
    from alpha_pipeline.market.durations import Clock
    from alpha_pipeline.market.markets import Market
    from alpha_pipeline.market.panel import Panel
    from alpha_pipeline.resources.lake.lake import Lake


@dataclass(frozen=True)
class Bars:
    """
    Bars of a market and their source.

    Args:
        market: of the bars.
        panel: all bars up to the last run date of the graph.
        source: printed in the line `data`.
        funding: rows of `tables.RAW_FUNDING`; None where none are stored.
        own: whether they come from a file of the user.
        remarks: what was understood of that file.
        set_aside: reason -> rows of that file that are not among the bars.
    """

    market: "Market"
    panel: "Panel"
    source: str
    funding: "pd.DataFrame | None" = None
    own: bool = False
    remarks: tuple[str, ...] = ()
    set_aside: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows_set_aside(self) -> str:
        """Text such as "; 3 rows set aside: 2 high below low, 1 no close", empty when there are none."""
        rows = sum(self.set_aside.values())
        listed = ", ".join(f"{count:,} {reason}" for reason, count in self.set_aside.items())
        return f"; {rows:,} row{'s' * (rows != 1)} set aside: {listed}" if rows else ""


def embedded(market: str) -> "Panel":
    """All bars of a market that are at hand without a lake, those of its files or embedded ones; short gaps carried."""
    from alpha_pipeline.market.gaps import with_history
    from alpha_pipeline.resources.vendors.sample import SampleSource
    from alpha_pipeline.tables import MARKET_PANEL

    chosen = market_of(market)
    if chosen.source == "files":
        from alpha_pipeline.resources.files.file_source import FileBars

        files = FileBars(chosen)
        bars = files.history(chosen, files.coverage(chosen)[1])
    else:
        sample = SampleSource()
        bars = sample.history(chosen, sample.coverage(chosen)[1])
    return with_history(bars, MARKET_PANEL.empty(), chosen)


def bars_of(market: str, run_date: str | None = None) -> Bars:
    """
    The stored bars of a market, or the embedded ones where none are stored.

    Args:
        market: its name.
        run_date: last ISO day to include (default: the last stored day, else the last day of the graph).

    Raises:
        SettingError: there are no bars up to that day.
    """
    import pandas as pd

    from alpha_pipeline.market.run_dates import end_day
    from alpha_pipeline.settings import SAMPLE_DAYS

    chosen, lake = market_of(market), stored()
    days = lake.days(f"{market}/market_panel") if run_date is None or lake_has(market, run_date) else []
    if days:
        from alpha_pipeline.market.gaps import with_history

        last = run_date or days[-1]
        history = lake.read(f"{market}/ohlcv_history", allow_missing=True)
        recent = lake.read_days(f"{market}/market_panel", [day for day in days if day <= last])[0]
        until = pd.Timestamp(last, tz="UTC") + pd.Timedelta(days=1)
        paid = lake.read(f"{market}/raw_funding", allow_missing=True)
        paid = paid[paid["available_at"] <= until]
        return Bars(
            chosen,
            with_history(history, recent, chosen).until(until),
            f"lake {lake_root()}",
            paid if len(paid) else None,
        )
    panel = embedded(market)
    if run_date:
        panel = panel.until(pd.Timestamp(run_date, tz="UTC") + pd.Timedelta(days=1))
    elif chosen.source != "files":
        panel = panel.until(pd.Timestamp(_end(end_day(), SAMPLE_DAYS)))
    if panel.shape[0] == 0:
        raise SettingError(f"there are no {market} prices up to {run_date}")
    return Bars(chosen, panel, chosen.files.path if chosen.source == "files" else "embedded prices")


def parse_factor(
    text: str,
    dialect: str,
    fields: Collection[str] | None,
    bar: "str | Clock",
    market: str,
    run_date: str | None = None,
) -> "Node":
    """
    Read a factor: a formula, or the name of a reference, of a published formula or of a factor of the library.

    Args:
        text, dialect, fields, bar: as of `published.parse_named`; "-" reads standard input.
        market: its library has the factors that `factor("name")` and names stand for.
        run_date: ISO day of the library (default: the latest stored).

    Raises:
        As `published.parse_named`.
    """
    from alpha_pipeline.factors.published import parse_named

    text = sys.stdin.read() if text.strip() == "-" else text.strip()
    factors = (library_factors(market, run_date), library_factors(market, run_date, retired=True))
    return parse_named(text, dialect, fields, bar, *factors)


def library_factors(market: str, run_date: str | None = None, retired: bool = False) -> "NamedFactors":
    """
    The function that gives the library of a market: expression by factor_id and by name.

    Args:
        market: its name.
        run_date: last ISO day of a library to read (default: the latest stored).
        retired: whether retired factors are among them.
    """

    @cache
    def read() -> dict[str, str]:
        from alpha_pipeline.factors.values import named_expressions

        key = f"{market}/factor_library"
        days = [day for day in stored().days(key) if run_date is None or day <= run_date]
        if not days:
            return {}
        rows = stored().read(key, days[-1], days[-1])
        return named_expressions(rows if retired else rows[rows["status"] != "retired"])

    return read


def lake_root() -> str:
    """The folder or URL of results as written in `ALPHA_PIPELINE_LAKE`."""
    from alpha_pipeline.settings import load_settings

    return load_settings().lake.root


def stored() -> "Lake":
    """The lake."""
    from alpha_pipeline.resources.lake.lake import Lake

    return Lake(lake_root())


def lake_has(market: str, run_date: str) -> bool:
    """Whether the bars of a run date are stored."""
    return run_date in stored().days(f"{market}/market_panel")


def priced_days() -> set[str]:
    """ISO days whose prices are stored for every market; empty without the bulk history."""
    lake = stored()
    if not all(lake.exists(f"{market}/ohlcv_history/part-0.parquet") for market in market_names()):
        return set()
    tables = ("raw_ohlcv", "market_panel")
    return set.intersection(*(set(lake.days(f"{m}/{table}")) for m in market_names() for table in tables))


def require_writable() -> None:
    """
    Check that results can be stored, before anything is computed.

    Raises:
        LakeError: the folder cannot be created or written to, or is in memory. Other URLs are not checked.
    """
    import tempfile

    folder = stored().url("")
    if folder.startswith("memory://"):
        raise LakeError(
            "a lake in memory ends with its process, and a run needs several; set ALPHA_PIPELINE_LAKE to a folder"
        )
    if "://" in folder:
        return
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise LakeError(f"the lake {lake_root()} is not writable: {error.strerror}; set ALPHA_PIPELINE_LAKE") from None


def market_names() -> tuple[str, ...]:
    """Names of the markets of the project."""
    from alpha_pipeline.settings import load_settings

    return tuple(market.name or name for name, market in load_settings().markets.items())


def market_name(text: str) -> str:
    """A market's name as an argument; ArgumentTypeError for one that the project does not have."""
    from argparse import ArgumentTypeError

    from alpha_pipeline.cli.arguments import nearest

    names = market_names()
    if text not in names:
        raise ArgumentTypeError(f"{text!r} is unknown{nearest(text, names)}; choose from {', '.join(names)}")
    return text


def default_run_date() -> str:
    """The latest run date of the graph for which files have bars, where markets come from files."""
    import pandas as pd

    from alpha_pipeline.market.markets import configured_markets, partition_days
    from alpha_pipeline.market.run_dates import last_run_date
    from alpha_pipeline.settings import load_settings

    markets = [market for market in configured_markets(load_settings()) if market.source == "files"]
    if not markets:
        return last_run_date()
    from alpha_pipeline.resources.files.file_source import FileBars

    ends = pd.Series([FileBars(market).coverage(market)[1] for market in markets])
    return min(last_run_date(), str(partition_days(ends).min().date()))


def market_of(name: str) -> "Market":
    """A market by name; SettingError for another."""
    from alpha_pipeline.market.markets import configured_markets
    from alpha_pipeline.settings import load_settings

    markets = {market.name: market for market in configured_markets(load_settings())}
    if name not in markets:
        raise SettingError(f"market {name!r} is unknown; expected one of {', '.join(markets)}")
    return markets[name]


def market_with(symbols: Sequence[str], run_date: str | None = None) -> Bars:
    """
    The bars of the first market that has the first symbol; crypto without symbols.

    Raises:
        SettingError: no market has it; near names of all are suggested.
    """
    from alpha_pipeline.market.symbols import find_symbol

    available: list[str] = []
    for name in market_names():
        bars = bars_of(name, run_date)
        if not symbols:
            return bars
        try:
            find_symbol(symbols[0], bars.panel.symbols)
        except SettingError:
            available += bars.panel.symbols
            continue
        return bars
    find_symbol(symbols[0], available)
    raise SettingError(f"symbol {symbols[0]!r} is in no market")


def _end(end: str | None, days: tuple[str, str]) -> str:
    """End of the embedded prices as a timestamp: the last day of the graph."""
    return f"{end or days[1]}T00:00:00Z"
