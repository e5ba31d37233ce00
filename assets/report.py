"""
The nightly report: one per run date over all markets, as HTML and as text for the terminal.
"""

import time
from collections.abc import Mapping

import dagster as dg
import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.assets.panel import FACT_AGE_DAYS
from alpha_pipeline.assets.wiring.partitions import MARKETS, Window, lookback, window
from alpha_pipeline.assets.wiring.table_asset import key_of, parquet_asset
from alpha_pipeline.llm.budget import month_so_far
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.universe import survivorship_warning
from alpha_pipeline.reporting.charts import markdown_png
from alpha_pipeline.reporting.funnel import floor_text, tokens
from alpha_pipeline.reporting.model_comparison import comparison_text
from alpha_pipeline.reporting.report import nightly_page
from alpha_pipeline.reporting.sections import MarketReport
from alpha_pipeline.reporting.text_tables import funnel_text, latest_decisions, library_text, signal_text
from alpha_pipeline.resources.lake.holdout_access import holdout_accesses
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager

OF_RUN_DATE = (
    "raw_instruments",
    "data_coverage",
    "factor_library",
    "noise_floor",
    "backtest_metrics",
    "tear_sheets",
    "source_signals",
)
MONTH_DAYS = 31
# Fusion methods are compared weekly; older comparisons are not shown.
COMPARED_DAYS = 13
Frames = dict[str, pd.DataFrame]


def report_assets() -> list[dg.AssetsDefinition]:
    """`nightly_report`."""
    optional = {"allow_missing": True}
    ins = {f"{m.name}_{name}": dg.AssetIn(key_of(name, m), metadata=optional) for m in MARKETS for name in OF_RUN_DATE}
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

    @parquet_asset(
        tables.NIGHTLY_REPORT,
        "report",
        description="Nightly report: decisions with reasons, mining results, library performance and track record.",
        kinds=("parquet", "html"),
        ins=ins,
    )
    def nightly_report(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[ParquetIOManager], **frames: pd.DataFrame
    ) -> dg.Output[pd.DataFrame]:
        from alpha_pipeline.reporting.pictures import TITLES, report_pictures  # a slow import that only drawing needs

        rows = []
        for run_date in window(context).days():
            markets = [_market_report(m, frames, run_date, holdout_accesses(lake.lake, m)) for m in MARKETS]
            fused = _closed_in(frames["fused_signal"], run_date)
            record = frames["signal_track_record"]
            record = record[record["timestamp"] <= run_date.end]
            account = frames["paper_ledger"]
            account = account[account["timestamp"] <= run_date.end]
            trials = {m.market.name: m.trials for m in markets}
            pictures = report_pictures(latest_decisions(fused), trials, record)
            for name, png in pictures.items():
                lake.lake.atomic_write(f"reports/{run_date.run_date}/{name}.png", png)
            beside = [(f"{run_date.run_date}/{name}.png", title) for name, title in TITLES.items()]
            page = f"reports/{run_date.run_date}.html"
            comparison = _last(frames["fusion_comparison"], run_date)
            html = nightly_page(run_date.start, fused, record, markets, beside, _took(context), account, comparison)
            lake.lake.atomic_write(page, html.encode())
            summary = _summary(run_date, fused, markets, comparison, lake.lake.url(page))
            lake.lake.atomic_write(f"reports/{run_date.run_date}.txt", summary.encode())
            rows.append(
                _row(run_date, page, fused, markets) | {"chart_paths": " ".join(f"reports/{to}" for to, _ in beside)}
            )
        report = pd.DataFrame(rows)
        return dg.Output(
            report,
            metadata={
                "page": dg.MetadataValue.path(lake.lake.url(page)),
                "decisions": dg.MetadataValue.md(markdown_png(pictures["signal"], "decisions of the run date")),
                **_cost(markets, _took(context)),
                "summary": dg.MetadataValue.md(f"```\n{summary.replace('`', chr(39))}\n```"),
            },
        )

    return [nightly_report]


def _took(context: dg.AssetExecutionContext) -> float:
    """Seconds since the start of the run; NaN outside a recorded run."""
    record = context.instance.get_run_record_by_id(context.run_id)
    return time.time() - record.start_time if record and record.start_time else np.nan


def _cost(markets: list[MarketReport], took: float) -> Mapping[str, float]:
    """Model cost of the last run date and of its month so far, per market; the UI plots numbers by partition."""
    costs = {"run_seconds": took} if np.isfinite(took) else {}
    for m in markets:
        usd, used = float(m.trials["usd"].sum()), tokens(m.trials)
        costs |= {
            f"{m.market.name}_usd": usd,
            f"{m.market.name}_usd_this_month": usd + m.month.usd,
            f"{m.market.name}_tokens": used,
            f"{m.market.name}_tokens_this_month": used + m.month.tokens,
            f"{m.market.name}_model_seconds": float(m.trials["model_seconds"].sum()),
        }
    return costs


def _market_report(market: Market, frames: Frames, run_date: Window, holdout_accesses: int) -> MarketReport:
    def rows(name: str) -> pd.DataFrame:
        frame = frames[f"{market.name}_{name}"]
        return frame[frame["run_date"] == run_date.start]

    panel = frames[f"{market.name}_market_panel"]
    panel = panel[panel["timestamp"] <= run_date.end]
    closes = panel.pivot(index="timestamp", columns="symbol", values="close") if len(panel) else pd.DataFrame()
    news = frames[f"{market.name}_raw_news"]
    old = run_date.end - pd.Timedelta(days=FACT_AGE_DAYS)
    return MarketReport(
        market,
        rows("factor_definitions"),
        rows("factor_library"),
        rows("backtest_metrics"),
        _closed_in(frames[f"{market.name}_source_signals"], run_date),
        closes,
        notes=tuple(filter(None, [survivorship_warning(rows("raw_instruments"), list(closes.columns))])),
        noise=rows("noise_floor"),
        holdout_accesses=holdout_accesses,
        coverage=rows("data_coverage"),
        headlines=news[(news["available_at"] > old) & (news["available_at"] <= run_date.end)],
        month=month_so_far(frames[f"{market.name}_factor_definitions"], run_date.start),
        sheets=rows("tear_sheets"),
    )


def _closed_in(table: pd.DataFrame, run_date: Window) -> pd.DataFrame:
    return table[(table["timestamp"] > run_date.start) & (table["timestamp"] <= run_date.end)]


def _last(comparison: pd.DataFrame, run_date: Window) -> pd.DataFrame:
    """Rows of the latest comparison within `COMPARED_DAYS` of the run date."""
    first = run_date.start - pd.Timedelta(days=COMPARED_DAYS)
    recent = comparison[(comparison["run_date"] >= first) & (comparison["run_date"] <= run_date.start)]
    return recent[recent["run_date"] == recent["run_date"].max()]


def _summary(
    run_date: Window, fused: pd.DataFrame, markets: list[MarketReport], comparison: pd.DataFrame, page: str
) -> str:
    trials = {m.market.name: m.trials for m in markets}
    library = library_text({m.market.name: m.library for m in markets}, {m.market.name: m.metrics for m in markets})
    floor = floor_text({m.market.name: m.noise for m in markets})
    universe = "\n".join(f"{m.market.name}: {note}" for m in markets for note in m.notes)
    parts = [
        f"Run date {run_date.run_date}",
        signal_text(fused),
        comparison_text(comparison),
        funnel_text(trials),
        floor,
        library,
        universe,
        f"Report  {page}",
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _row(run_date: Window, page: str, fused: pd.DataFrame, markets: list[MarketReport]) -> dict[str, object]:
    counts = fused["decision"].value_counts()
    trials = pd.concat([m.trials for m in markets])
    mined = trials[trials["proposer"] != "reference"]
    return {
        "run_date": run_date.start,
        "path": page,
        "markets": int(fused["market"].nunique()),
        **{name: int(counts.get(name.upper(), 0)) for name in ("long", "short", "hold")},
        "proposed": len(mined),
        "accepted": int((mined["verdict"] == "accepted").sum()),
    }
