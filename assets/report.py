"""
The morning page: one report per night over all markets, as HTML and as text for the shell.
"""

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.market import MARKETS, Market
from alpha_pipeline.reporting import MarketNight, floor_text, funnel_text, library_text, nightly_page, signal_text
from alpha_pipeline.universe import hindsight
from assets.declare import key_of, stored
from assets.partitions import Window, lookback, window
from assets.raw import FACTS
from resources.market_data import MarketDataResource
from resources.openings import openings
from resources.parquet_io import ParquetIOManager

TONIGHT = (
    "raw_instruments",
    "factor_definitions",
    "factor_library",
    "noise_floor",
    "backtest_metrics",
    "source_signals",
)
Frames = dict[str, pd.DataFrame]


def report_assets() -> list[dg.AssetsDefinition]:
    """`nightly_report`."""
    optional = {"allow_missing": True}
    ins = {f"{m.name}_{name}": dg.AssetIn(key_of(name, m), metadata=optional) for m in MARKETS for name in TONIGHT}
    ins |= {
        f"{m.name}_market_panel": dg.AssetIn(
            key_of("market_panel", m),
            partition_mapping=lookback(),
            metadata={**optional, "columns": ["timestamp", "symbol", "close"]},
        )
        for m in MARKETS
    }
    ins["fused_signal"] = dg.AssetIn("fused_signal")
    ins["signal_track_record"] = dg.AssetIn("signal_track_record", partition_mapping=lookback(), metadata=optional)

    @stored(
        tables.NIGHTLY_REPORT,
        "report",
        description="The page a person reads in the morning: decisions and why, what was mined, what it earned.",
        kinds=("parquet", "html"),
        ins=ins,
    )
    def nightly_report(
        context: dg.AssetExecutionContext,
        data: MarketDataResource,
        lake: dg.ResourceParam[ParquetIOManager],
        **frames: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        rows = []
        for night in window(context).days():
            markets = [_market_night(market, frames, night, data, openings(lake.lake, market)) for market in MARKETS]
            fused = _closed_in(frames["fused_signal"], night)
            record = frames["signal_track_record"]
            record = record[record["timestamp"] <= night.end]
            page = f"reports/{night.night}.html"
            lake.lake.atomic_write(page, nightly_page(night.start, fused, record, markets).encode())
            summary = _summary(night, fused, markets, lake.lake.url(page))
            lake.lake.atomic_write(f"reports/{night.night}.txt", summary.encode())
            rows.append(_row(night, page, fused, markets))
        report = pd.DataFrame(rows)
        last = lake.lake.url(page)
        return dg.Output(
            report,
            metadata={
                "page": dg.MetadataValue.path(last),
                "summary": dg.MetadataValue.md(f"```\n{summary.replace('`', chr(39))}\n```"),
            },
        )

    return [nightly_report]


def _market_night(
    market: Market, frames: Frames, night: Window, data: MarketDataResource, openings: int
) -> MarketNight:
    def tonight(name: str) -> pd.DataFrame:
        frame = frames[f"{market.name}_{name}"]
        return frame[frame["night"] == night.start]

    panel = frames[f"{market.name}_market_panel"]
    panel = panel[panel["timestamp"] <= night.end]
    closes = panel.pivot(index="timestamp", columns="symbol", values="close") if len(panel) else pd.DataFrame()
    reasons = {name: data.missing_reason(market, name) for name in (fact.removeprefix("raw_") for fact in FACTS)}
    return MarketNight(
        market,
        tonight("factor_definitions"),
        tonight("factor_library"),
        tonight("backtest_metrics"),
        _closed_in(frames[f"{market.name}_source_signals"], night),
        closes,
        {name: reason for name, reason in reasons.items() if reason},
        notes=tuple(filter(None, [hindsight(tonight("raw_instruments"), list(closes.columns))])),
        noise=tonight("noise_floor"),
        openings=openings,
    )


def _closed_in(table: pd.DataFrame, night: Window) -> pd.DataFrame:
    return table[(table["timestamp"] > night.start) & (table["timestamp"] <= night.end)]


def _summary(night: Window, fused: pd.DataFrame, markets: list[MarketNight], page: str) -> str:
    trials = {m.market.name: m.trials for m in markets}
    library = library_text({m.market.name: m.library for m in markets}, {m.market.name: m.metrics for m in markets})
    floor = floor_text({m.market.name: m.noise for m in markets})
    universe = "\n".join(f"{m.market.name}: {note}" for m in markets for note in m.notes)
    parts = [
        f"The night of {night.night}",
        signal_text(fused),
        funnel_text(trials),
        floor,
        library,
        universe,
        f"Report  {page}",
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _row(night: Window, page: str, fused: pd.DataFrame, markets: list[MarketNight]) -> dict[str, object]:
    counts = fused["decision"].value_counts()
    trials = pd.concat([m.trials for m in markets])
    mined = trials[trials["proposer"] != "reference"]
    return {
        "night": night.start,
        "path": page,
        "markets": int(fused["market"].nunique()),
        **{name: int(counts.get(name.upper(), 0)) for name in ("long", "short", "hold")},
        "proposed": len(mined),
        "accepted": int((mined["verdict"] == "accepted").sum()),
    }
