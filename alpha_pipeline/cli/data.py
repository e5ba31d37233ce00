"""
Where the shell's data come from: the stored lake, or the prices in the package. Every heavy import is inside.

What is done with them is told by the commands.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alpha_pipeline.errors import LakeError, SettingError

if TYPE_CHECKING:  # a shell waits for every import
    import pandas as pd

    from alpha_pipeline.market.markets import Market
    from alpha_pipeline.market.panel import Panel
    from resources.lake.lake import Lake

MARKET_NAMES = ("crypto", "equities")


@dataclass(frozen=True)
class Bars:
    """
    Bars of a market and where they are from.

    Args:
        market: of the bars.
        panel: all of them, up to the last run date of the graph.
        source: in words, for the line `data`.
        funding: rows of `tables.RAW_FUNDING`; None where none are stored.
        own: whether they come from a file the run dates know nothing of.
    """

    market: "Market"
    panel: "Panel"
    source: str
    funding: "pd.DataFrame | None" = None
    own: bool = False


def embedded(market: str) -> "Panel":
    """All embedded bars of a market; read through the source of the graph."""
    import pandas as pd

    from alpha_pipeline.market.panel import Panel, align
    from resources.market_data import MarketDataResource

    chosen = market_of(market)
    source = MarketDataResource(source="sample").bar_source(chosen)
    return Panel.from_table(align(source.history(chosen, source.coverage(chosen)[1]), {}, pd.Timedelta(0)))


def bars_of(market: str, run_date: str | None = None) -> Bars:
    """
    The stored bars of a market, or the embedded ones where none are stored.

    Args:
        market: its name.
        run date: the last ISO day that counts; by default the last one stored, or the last one of the graph.

    Raises:
        SettingError: no bar is that old.
    """
    import pandas as pd

    from alpha_pipeline.market.run_dates import SAMPLE_DAYS, end_day

    chosen, lake = market_of(market), stored()
    days = lake.days(f"{market}/market_panel") if run_date is None or lake_has(market, run_date) else []
    if days:
        from alpha_pipeline.market.panel import with_history

        last = run_date or days[-1]
        history = lake.read(f"{market}/ohlcv_history", allow_missing=True)
        recent = lake.read_days(f"{market}/market_panel", [day for day in days if day <= last])[0]
        until = pd.Timestamp(last, tz="UTC") + pd.Timedelta(days=1)
        paid = lake.read(f"{market}/raw_funding", allow_missing=True)
        paid = paid[paid["available_at"] <= until]
        return Bars(
            chosen, with_history(history, recent).until(until), f"lake {lake_root()}", paid if len(paid) else None
        )
    until = (
        pd.Timestamp(run_date, tz="UTC") + pd.Timedelta(days=1)
        if run_date
        else pd.Timestamp(_end(end_day(), SAMPLE_DAYS))
    )
    panel = embedded(market).until(until)
    if panel.shape[0] == 0:
        raise SettingError(f"there are no {market} prices up to {run_date}")
    return Bars(chosen, panel, "embedded prices")


def file_bars(file: Path, market: str) -> Bars:
    """A file of one's own, traded by the calendar and the costs of a market; errors of `preview.read_panel`."""
    from dataclasses import replace

    import pandas as pd

    from alpha_pipeline.cli.preview import bar_of, read_panel

    panel, like = read_panel(file), market_of(market)
    bar = bar_of(panel)
    if pd.Timedelta(bar) != like.bar_length:  # another bar: a day stays the horizon, a year stays a year
        per_day = like.bar_length / pd.Timedelta(bar)
        horizon = max(1, round(like.horizon_bars * per_day))
        like = replace(like, bar=bar, periods_per_year=like.periods_per_year * per_day, horizon_bars=horizon)
    return Bars(like, panel, str(file), own=True)


def lake_root() -> str:
    """The folder or URL where results are stored, as a person wrote it in `ALPHA_PIPELINE_LAKE`."""
    return os.environ.get("ALPHA_PIPELINE_LAKE") or "data"


def stored() -> "Lake":
    """The lake itself."""
    from resources.lake.io_manager import ParquetIOManager

    return ParquetIOManager.from_environment().lake


def lake_has(market: str, run_date: str) -> bool:
    """Whether the bars of a run date are stored."""
    return run_date in stored().days(f"{market}/market_panel")


def priced_days() -> set[str]:
    """ISO days whose prices are stored for every market; none without the bulk history before them."""
    lake = stored()
    if not all(lake.exists(f"{market}/ohlcv_history/part-0.parquet") for market in MARKET_NAMES):
        return set()
    tables = ("raw_ohlcv", "market_panel")
    return set.intersection(*(set(lake.days(f"{m}/{table}")) for m in MARKET_NAMES for table in tables))


def require_writable() -> None:
    """
    Refuse before anything is computed when results cannot be stored.

    Raises:
        LakeError: the folder cannot be made or written to, or is memory, which ends with its process.
            Other URLs are left to their store.
    """
    import tempfile

    folder = stored().url("")
    if folder.startswith("memory://"):
        raise LakeError(
            "a lake in memory ends with each process, and a run date takes several; set ALPHA_PIPELINE_LAKE"
        )
    if "://" in folder:
        return
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise LakeError(
            f"the lake {lake_root()} cannot be written to: {error.strerror}; set ALPHA_PIPELINE_LAKE"
        ) from None


def market_of(name: str) -> "Market":
    """A market by name; SettingError for another."""
    from alpha_pipeline.market.markets import MARKETS

    for market in MARKETS:
        if market.name == name:
            return market
    raise SettingError(f"market {name!r} is unknown; expected one of {', '.join(m.name for m in MARKETS)}")


def market_with(symbols: Sequence[str], run_date: str | None = None) -> Bars:
    """
    The bars of the first market that has the symbol named first; crypto when none is named.

    Raises:
        SettingError: no market has it; near names of all are suggested.
    """
    from alpha_pipeline.market.symbols import find_symbol

    known: list[str] = []
    for name in MARKET_NAMES:
        found = bars_of(name, run_date)
        if not symbols:
            return found
        try:
            find_symbol(symbols[0], found.panel.symbols)
        except SettingError:
            known += found.panel.symbols
            continue
        return found
    find_symbol(symbols[0], known)
    raise SettingError(f"symbol {symbols[0]!r} is in no market")


def _end(end: str | None, days: tuple[str, str]) -> str:
    """The embedded prices as far as the run dates of the embedded graph go; longer where the graph is."""
    return f"{end or days[1]}T00:00:00Z"
