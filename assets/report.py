"""
The morning page: one report per night over all markets, as HTML and as text for the shell.
"""

import time
from collections.abc import Mapping

import dagster as dg
import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.llm.budget import month_so_far
from alpha_pipeline.market.markets import MARKETS, Market
from alpha_pipeline.market.universe import hindsight
from alpha_pipeline.reporting.charts import markdown_png
from alpha_pipeline.reporting.funnel import tokens
from alpha_pipeline.reporting.model_comparison import contest_text
from alpha_pipeline.reporting.noise_floor import floor_text
from alpha_pipeline.reporting.report import nightly_page
from alpha_pipeline.reporting.sections import MarketNight
from alpha_pipeline.reporting.terminal import funnel_text, latest_decisions, library_text, signal_text
from assets.panel import FACT_AGE_DAYS
from assets.wiring.partitions import Window, lookback, window
from assets.wiring.table_asset import key_of, stored
from resources.lake.holdout_access import openings
from resources.lake.io_manager import ParquetIOManager

TONIGHT = (
    "raw_instruments",
    "data_coverage",
    "factor_library",
    "noise_floor",
    "backtest_metrics",
    "tear_sheets",
    "source_signals",
)
MONTH_DAYS = 31
# The methods are compared once a week; an older comparison says too little of tonight.
COMPARED_DAYS = 13
Frames = dict[str, pd.DataFrame]


def report_assets() -> list[dg.AssetsDefinition]:
    """`nightly_report`."""
    optional = {"allow_missing": True}
    ins = {f"{m.name}_{name}": dg.AssetIn(key_of(name, m), metadata=optional) for m in MARKETS for name in TONIGHT}
    earlier = {"raw_news": FACT_AGE_DAYS, "factor_definitions": MONTH_DAYS}
    ins |= {
        f"{m.name}_{name}": dg.AssetIn(key_of(name, m), partition_mapping=lookback(days), metadata=optional)
        for m in MARKETS
        for name, days in earlier.items()
    }
    ins |= {
        f"{m.name}_market_panel": dg.AssetIn(
            key_of("market_panel", m),
            partition_mapping=lookback(),
            metadata={**optional, "columns": ["timestamp", "symbol", "close"]},
        )
        for m in MARKETS
    }
    ins["fused_signal"] = dg.AssetIn("fused_signal")
    paper = {**optional, "columns": ["timestamp", "market", "symbol", "equity"]}
    ins["paper_ledger"] = dg.AssetIn("paper_ledger", partition_mapping=lookback(), metadata=paper)
    ins["fusion_comparison"] = dg.AssetIn(
        "fusion_comparison", partition_mapping=lookback(COMPARED_DAYS), metadata=optional
    )
    ins["signal_track_record"] = dg.AssetIn("signal_track_record", partition_mapping=lookback(), metadata=optional)

    @stored(
        tables.NIGHTLY_REPORT,
        "report",
        description="The page a person reads in the morning: decisions and why, what was mined, what it earned.",
        kinds=("parquet", "html"),
        ins=ins,
    )
    def nightly_report(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[ParquetIOManager], **frames: pd.DataFrame
    ) -> dg.Output[pd.DataFrame]:
        from alpha_pipeline.reporting.pictures import TITLES, night_pictures  # a slow import that only drawing needs

        rows = []
        for night in window(context).days():
            markets = [_market_night(market, frames, night, openings(lake.lake, market)) for market in MARKETS]
            fused = _closed_in(frames["fused_signal"], night)
            record = frames["signal_track_record"]
            record = record[record["timestamp"] <= night.end]
            account = frames["paper_ledger"]
            account = account[account["timestamp"] <= night.end]
            trials = {m.market.name: m.trials for m in markets}
            pictures = night_pictures(latest_decisions(fused), trials, record)
            for name, png in pictures.items():
                lake.lake.atomic_write(f"reports/{night.night}/{name}.png", png)
            beside = [(f"{night.night}/{name}.png", title) for name, title in TITLES.items()]
            page = f"reports/{night.night}.html"
            contest = _last(frames["fusion_comparison"], night)
            html = nightly_page(night.start, fused, record, markets, beside, _took(context), account, contest)
            lake.lake.atomic_write(page, html.encode())
            summary = _summary(night, fused, markets, contest, lake.lake.url(page))
            lake.lake.atomic_write(f"reports/{night.night}.txt", summary.encode())
            rows.append(_row(night, page, fused, markets) | {"pictures": " ".join(f"reports/{to}" for to, _ in beside)})
        report = pd.DataFrame(rows)
        return dg.Output(
            report,
            metadata={
                "page": dg.MetadataValue.path(lake.lake.url(page)),
                "decisions": dg.MetadataValue.md(markdown_png(pictures["signal"], "decisions of the night")),
                **_cost(markets, _took(context)),
                "summary": dg.MetadataValue.md(f"```\n{summary.replace('`', chr(39))}\n```"),
            },
        )

    return [nightly_report]


def _took(context: dg.AssetExecutionContext) -> float:
    """Seconds since the run began; NaN outside a run that is on record."""
    record = context.instance.get_run_record_by_id(context.run_id)
    return time.time() - record.start_time if record and record.start_time else np.nan


def _cost(markets: list[MarketNight], took: float) -> Mapping[str, float]:
    """What the last night and its month so far cost, per market; the UI plots numbers by partition."""
    told = {"run_seconds": took} if np.isfinite(took) else {}
    for m in markets:
        usd, used = float(m.trials["usd"].sum()), tokens(m.trials)
        told |= {
            f"{m.market.name}_usd": usd,
            f"{m.market.name}_usd_this_month": usd + m.month.usd,
            f"{m.market.name}_tokens": used,
            f"{m.market.name}_tokens_this_month": used + m.month.tokens,
            f"{m.market.name}_model_seconds": float(m.trials["model_seconds"].sum()),
        }
    return told


def _market_night(market: Market, frames: Frames, night: Window, openings: int) -> MarketNight:
    def tonight(name: str) -> pd.DataFrame:
        frame = frames[f"{market.name}_{name}"]
        return frame[frame["night"] == night.start]

    panel = frames[f"{market.name}_market_panel"]
    panel = panel[panel["timestamp"] <= night.end]
    closes = panel.pivot(index="timestamp", columns="symbol", values="close") if len(panel) else pd.DataFrame()
    news = frames[f"{market.name}_raw_news"]
    old = night.end - pd.Timedelta(days=FACT_AGE_DAYS)
    return MarketNight(
        market,
        tonight("factor_definitions"),
        tonight("factor_library"),
        tonight("backtest_metrics"),
        _closed_in(frames[f"{market.name}_source_signals"], night),
        closes,
        notes=tuple(filter(None, [hindsight(tonight("raw_instruments"), list(closes.columns))])),
        noise=tonight("noise_floor"),
        openings=openings,
        coverage=tonight("data_coverage"),
        headlines=news[(news["available_at"] > old) & (news["available_at"] <= night.end)],
        month=month_so_far(frames[f"{market.name}_factor_definitions"], night.start),
        sheets=tonight("tear_sheets"),
    )


def _closed_in(table: pd.DataFrame, night: Window) -> pd.DataFrame:
    return table[(table["timestamp"] > night.start) & (table["timestamp"] <= night.end)]


def _last(comparison: pd.DataFrame, night: Window) -> pd.DataFrame:
    """The rows of the last night up to this one, of those that this one reads whether alone or in a range."""
    first = night.start - pd.Timedelta(days=COMPARED_DAYS)
    known = comparison[(comparison["night"] >= first) & (comparison["night"] <= night.start)]
    return known[known["night"] == known["night"].max()]


def _summary(
    night: Window, fused: pd.DataFrame, markets: list[MarketNight], comparison: pd.DataFrame, page: str
) -> str:
    trials = {m.market.name: m.trials for m in markets}
    library = library_text({m.market.name: m.library for m in markets}, {m.market.name: m.metrics for m in markets})
    floor = floor_text({m.market.name: m.noise for m in markets})
    universe = "\n".join(f"{m.market.name}: {note}" for m in markets for note in m.notes)
    parts = [
        f"The night of {night.night}",
        signal_text(fused),
        contest_text(comparison),
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
