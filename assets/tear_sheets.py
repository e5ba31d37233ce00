"""
Tear sheets: an HTML page and a PNG per traded factor, and of the best references for comparison.
"""

import dagster as dg
import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.assets.backtests import library_backtests, library_inputs, listing_input, trial_input
from alpha_pipeline.assets.wiring.partitions import Window, window
from alpha_pipeline.assets.wiring.table_asset import key_of, parquet_asset
from alpha_pipeline.backtesting.missing_measures import undefined_reasons
from alpha_pipeline.library.library_backtests import LibraryBacktest
from alpha_pipeline.market.gaps import with_history
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.universe import survivorship_warning
from alpha_pipeline.reporting.charts import markdown_png
from alpha_pipeline.reporting.funnel import funnel_counts
from alpha_pipeline.reporting.sheet import Sheet
from alpha_pipeline.reporting.sheet_page import tear_sheet_page, tear_sheet_png
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.llm.cache import prompt_of
from alpha_pipeline.validation import SampledRanks, rank_correlations

REFERENCES, TRADED = 2, 20
BIASED = "Selected on these bars, so its measures are biased upwards. This page does not use the holdout."
AS_WRITTEN = (
    "A reference is measured as written: long where its values are high. In the ledger of trials the same formula is "
    "measured in the direction estimated on train, so its measures may have the opposite sign there."
)
IDLE = "On bars without values, such as those after a gap in the prices, the book is in cash with a return of 0."
FULL_COVERAGE = 0.95
PROVENANCE = (
    "proposer",
    "model",
    "prompt_mode",
    "parent",
    "dialect",
    "source",
    "rationale",
    "risks",
    "expected_performance",
    "feedback",
)


def tear_sheet_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`tear_sheets` of one market."""

    @parquet_asset(
        tables.TEAR_SHEETS,
        "report",
        market,
        kinds=("parquet", "html", "matplotlib"),
        description="HTML page and PNG of each traded factor and the best references, as of the last run date.",
        ins={
            "factor_definitions": trial_input(market, columns=None),
            "backtest_metrics": dg.AssetIn(key_of("backtest_metrics", market)),
            **library_inputs(market),
            **listing_input(market),
        },
    )
    def tear_sheets(
        context: dg.AssetExecutionContext,
        lake: dg.ResourceParam[ParquetIOManager],
        factor_definitions: pd.DataFrame,
        backtest_metrics: pd.DataFrame,
        factor_library: pd.DataFrame,
        raw_funding: pd.DataFrame,
        raw_instruments: pd.DataFrame,
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        panel = with_history(ohlcv_history, market_panel, market)
        last = Window(window(context).end - pd.Timedelta(days=1), window(context).end)
        run_date, library_backtest = next(library_backtests(last, market, factor_library, panel, raw_funding))
        trials = tables.TRIALS.complete(factor_definitions[factor_definitions["run_date"] <= run_date.start])
        metrics = backtest_metrics[backtest_metrics["run_date"] == run_date.start]
        rows, preview = [], None
        warning = survivorship_warning(raw_instruments, panel.symbols)
        for sheet, status in _sheets(library_backtest, metrics, trials, run_date, lake.lake, warning):
            place = f"tear_sheets/{market.name}/{run_date.run_date}/{sheet.factor_id}"
            wide = tear_sheet_png(sheet)
            narrow = tear_sheet_png(sheet, narrow=True)
            lake.lake.atomic_write(f"{place}.png", wide)
            lake.lake.atomic_write(f"{place}.html", tear_sheet_page(sheet, wide, narrow).encode())
            preview = preview or dg.MetadataValue.md(markdown_png(narrow, f"tear sheet of {sheet.name}"))
            keys = {"run_date": run_date.start, "factor_id": sheet.factor_id, "status": status}
            rows.append({**keys, "html_path": f"{place}.html", "png_path": f"{place}.png"})
        context.log.info(f"{len(rows)} tear sheets")
        pages = {str(row["factor_id"]): dg.MetadataValue.path(lake.lake.url(str(row["html_path"]))) for row in rows}
        out = pd.DataFrame(rows) if rows else tables.TEAR_SHEETS.empty()
        first = {"first_sheet": preview} if preview else {}
        return dg.Output(out, metadata={"sheets": len(rows), **first, **pages})

    return [tear_sheets]


def _sheets(
    library_backtest: LibraryBacktest,
    metrics: pd.DataFrame,
    trials: pd.DataFrame,
    run_date: Window,
    lake: Lake,
    warning: str,
) -> list[tuple[Sheet, str]]:
    """Sheets with the status of their factors: traded factors first, by absolute t."""
    order = metrics.assign(size=metrics["t_stat"].abs()).sort_values("size", ascending=False)
    reference = order["status"] == "reference"
    chosen = pd.concat([order[~reference].head(TRADED), order[reference].head(REFERENCES)])
    factors = library_backtest.factors.set_index("factor_id")
    last_trials = trials.drop_duplicates("factor_id", keep="last").set_index("factor_id")
    ranked = {
        name: SampledRanks.of(values[library_backtest.start :]) for name, values in library_backtest.values.items()
    }
    closes = library_backtest.panel.timestamps[[library_backtest.start, -1]].astype("datetime64[D]")
    counts = funnel_counts(trials)
    sheets = []
    for row in chosen.to_dict("records"):
        name = str(row["factor_id"])
        origin = last_trials.loc[name].to_dict() if name in last_trials.index else {}
        others = {key: ranks for key, ranks in ranked.items() if key != name}
        provenance = [
            ("entered", str(factors.loc[name, "since"])[:10]),
            *((key, str(origin.get(key, ""))) for key in PROVENANCE),
        ]
        prompt = prompt_of(lake, str(origin.get("request_hash", "")))
        segment = (
            f"validation, {closes[0]} to {closes[1]}, {_coverage(library_backtest, name):.0%} of the bars with values"
        )
        sheet = Sheet(
            name=str(factors.loc[name, "name"]),
            factor_id=name,
            expression=str(factors.loc[name, "expression"]),
            market=library_backtest.market,
            run_date=run_date.start,
            segment=segment,
            study=library_backtest.study_factor(name),
            measures={str(key): float(value) for key, value in row.items() if isinstance(value, int | float)},
            undefined=undefined_reasons({str(key): value for key, value in row.items()}),
            correlations=rank_correlations(ranked[name], others),
            funnel=counts,
            stage="reference" if row["status"] == "reference" else str(origin.get("stage", "accepted")),
            provenance=[
                *((label, text) for label, text in provenance if text),
                *([("prompt", prompt)] if prompt else []),
            ],
            notes=[
                AS_WRITTEN if row["status"] == "reference" else BIASED,
                *([warning] if warning else []),
                *([IDLE] if _coverage(library_backtest, name) < FULL_COVERAGE else []),
            ],
        )
        sheets.append((sheet, str(row["status"])))
    return sheets


def _coverage(library_backtest: LibraryBacktest, name: str) -> float:
    """Share of the evaluation bars on which the factor has a value for any symbol."""
    return float(np.isfinite(library_backtest.values[name][library_backtest.start :]).any(axis=1).mean())
