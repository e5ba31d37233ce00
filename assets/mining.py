"""
Factors: the run date's trials, and the values of the library they lead to.

The outer loop is an edge: the run date's trials depend on those of every earlier run date.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.assets.wiring.config import CONFIGURED, MiningConfig, mining_config
from alpha_pipeline.assets.wiring.partitions import MARKET_SETTINGS, SETTINGS, Window, earlier, lookback, window
from alpha_pipeline.assets.wiring.table_asset import key_of, markdown_table, parquet_asset
from alpha_pipeline.expressions import lookback as factor_lookback
from alpha_pipeline.factors.submitted_factors import factor_file
from alpha_pipeline.factors.values import evaluate_one, factor_values, library_nodes
from alpha_pipeline.library.lifecycle import library_as_of
from alpha_pipeline.llm.budget import PRICES, Spent, month_so_far, spent, tightest
from alpha_pipeline.market.gaps import with_history
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.progress_report import Progress
from alpha_pipeline.mining.proposers import mutation, random_grammar
from alpha_pipeline.mining.sessions import mine_session, try_candidates
from alpha_pipeline.mining.task import Proposer
from alpha_pipeline.reporting.charts import bar_chart, funnel_chart, markdown_image
from alpha_pipeline.reporting.formatting import plural
from alpha_pipeline.reporting.funnel import best_of, cost_text, proposals, tokens, unanswered
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.llm.resource import LanguageModel
from alpha_pipeline.validation import CheckResult, canaries, checks, meaning, validate, wrong_canaries

# Every earlier run date counts as a trial; Dagster has no "all before", a very large window is.
ALL_NIGHTS = 36_500
# Leaks and emptiness stop the graph; a gap in the data lowers the coverage of a sound factor, so that only warns.
BLOCKING = ("no_lookahead", "start_independence", "variation", "movement")
CANARIES = "canaries"
TRUE_CANARIES = "Known cheaters, written behind the language's back, are caught, and honest factors are let through."
INFORMING = tuple(name for name in checks() if name not in BLOCKING)


def panel_inputs(market: Market) -> dict[str, dg.AssetIn]:
    """Everything known about a market up to the run date: the bulk history and every day since."""
    return {
        "ohlcv_history": dg.AssetIn(key_of("ohlcv_history", market)),
        "market_panel": dg.AssetIn(
            key_of("market_panel", market), partition_mapping=lookback(), metadata={"from_the_first": True}
        ),
    }


def funding_input(market: Market) -> dict[str, dg.AssetIn]:
    """What holders of perpetuals paid since the first day, where the market has any."""
    whole = {"allow_missing": True, "from_the_first": True}
    return {"raw_funding": dg.AssetIn(key_of("raw_funding", market), partition_mapping=lookback(), metadata=whole)}


def factor_assets(market: Market) -> list[dg.AssetsDefinition]:
    """Trials and values of one market."""
    return [_trials(market), _values(market)]


def _trials(market: Market) -> dg.AssetsDefinition:
    reads_own_past = dg.AssetIn(
        key_of("factor_definitions", market),
        partition_mapping=earlier(ALL_NIGHTS),
        metadata={"allow_missing": True},
    )

    Configuration: Any = mining_config(market)  # noqa: N806  # a class

    @parquet_asset(
        tables.TRIALS,
        "mining",
        market,
        kinds=("parquet", "openai"),
        description="The trial ledger: every factor proposed that run date, refused ones too, with its measured fate.",
        ins={**panel_inputs(market), **funding_input(market), "earlier_trials": reads_own_past},
    )
    def factor_definitions(
        context: dg.AssetExecutionContext,
        config: Configuration,
        model: LanguageModel,
        lake: dg.ResourceParam[ParquetIOManager],
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
        raw_funding: pd.DataFrame,
        earlier_trials: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        span = window(context)
        panel = with_history(ohlcv_history, market_panel, market)
        settings = config.settings(Path(model.prices) if model.prices else PRICES)
        ledger = earlier_trials[earlier_trials["run_date"] < span.start]
        # A run date asked in another way before keeps those trials: they count.
        stored = lake.lake.read_days("/".join(context.asset_key.path), context.partition_keys, allow_missing=True)[0]
        candidates = config.candidates_for(market, factor_file())
        newest = max(lake.lake.days("/".join(context.asset_key.path)), default="")
        run_dates: list[pd.DataFrame] = []
        with _proposer(model_of(market, model), config, lake) as proposer:
            if settings.rounds:
                context.log.info(f"proposer: {proposer.name} {proposer.model}".rstrip())
            for run_date in span.days():
                known = panel.until(run_date.end)
                tell = partial(_tell, context, run_date.run_date)
                paid = raw_funding[raw_funding["available_at"] <= run_date.end]
                retired = partial(
                    retired_factors, lake, market, panel, raw_funding, list(span.days()), tuple(run_dates)
                )
                rows = stored[stored["run_date"] == run_date.start]
                if run_date.run_date >= newest:  # a replay of an older run date gets no new trials
                    told = (candidates, settings, tell, paid, retired)
                    rows = try_candidates(run_date.start, market, known, ledger, rows, *told)
                asked = (proposer, settings, tell, paid, config.fresh, retired)
                run_dates.append(mine_session(run_date.start, market, known, ledger, rows, *asked))
                ledger = pd.concat([ledger, run_dates[-1]], ignore_index=True)
        trials = pd.concat(run_dates, ignore_index=True)
        if silent := unanswered(trials):
            context.log.warning(f"{plural(silent, 'question')} went unanswered; config `retry: true` asks them again")
        month = month_so_far(ledger, run_date.start)
        limit, used = tightest(settings.budget, spent(run_dates[-1]), month)
        described = _describe_trials(trials, run_dates[-1], month)
        return dg.Output(trials, metadata={**described, "limit": limit, "limit_used": used})

    return factor_definitions


def model_of(market: Market, model: LanguageModel) -> LanguageModel:
    """The model of a market where it differs from the project's, else the one of the run."""
    own = MARKET_SETTINGS[market.name].model
    return model if own == SETTINGS.model else LanguageModel.of(own)


@contextmanager
def _proposer(model: LanguageModel, config: MiningConfig, lake: ParquetIOManager) -> Iterator[Proposer]:
    """The configured writer; controls, and a run date without rounds, need no model and open none."""
    controls = {"random_grammar": random_grammar, "mutation": mutation}
    chosen = model.proposer if config.proposer == CONFIGURED else config.proposer
    chosen = chosen if config.rounds else "random_grammar"  # type: ignore[attr-defined]  # of the settings
    if chosen in controls:
        yield controls[chosen]()
        return
    with model.open(lake.lake, fresh=config.fresh, retry=config.retry) as chat:
        yield model.writer(chat)


def retired_factors(
    lake: ParquetIOManager,
    market: Market,
    panel: Panel,
    funding: pd.DataFrame,
    days: Sequence[Window],
    run_dates: Sequence[pd.DataFrame],
) -> frozenset[str]:
    """
    factor_ids retired before a run date: in the library stored before the first of `days`, brought forward over the
    trials of the run dates mined since. Dagster refuses a library that depends on trials and the other way round.
    """
    key = "/".join(key_of("factor_library", market).path)
    stored = [day for day in lake.lake.days(key) if day < days[0].run_date]
    library = tables.LIBRARY.complete(lake.lake.read(key, stored[-1], stored[-1])) if stored else tables.LIBRARY.empty()
    for day, trials in zip(days, run_dates, strict=False):
        library = library_as_of(day.start, market, panel, library, trials, funding)
    return frozenset(library.loc[library["status"] == "retired", "factor_id"])


def _tell(context: dg.AssetExecutionContext, run_date: str, progress: Progress) -> None:
    """A line in the log and an event on the asset, for whoever watches while it runs."""
    context.log.info(progress.text)
    if progress.figures:
        metadata = {name: float(value) for name, value in progress.figures.items()}
        event = dg.AssetObservation(context.asset_key, partition=run_date, description=progress.text, metadata=metadata)
        context.log_event(event)


def _describe_trials(
    trials: pd.DataFrame, last: pd.DataFrame, month: Spent
) -> dict[str, dg.MetadataValue | float | str]:
    columns = [
        "name",
        "proposer",
        "factor_type",
        "prompt_mode",
        "canonical",
        "stage",
        "reason",
        "valid_rank_ic",
        "valid_t_stat",
        "valid_sharpe",
    ]
    best = trials.sort_values("valid_t_stat", ascending=False, na_position="last")
    return {
        "funnel": dg.MetadataValue.md(markdown_image(funnel_chart(trials), "rejection funnel")),
        "accepted": int((trials["verdict"] == "accepted").sum()),
        "proposed": len(trials),
        "proposers": ", ".join(sorted(trials["proposer"].unique())),
        "models": ", ".join(sorted(set(trials["model"]) - {""})) or "none",
        "tokens": tokens(trials),
        "model_seconds": float(trials["model_seconds"].sum()),
        "cost": cost_text(trials),
        "usd": float(last["usd"].sum()),
        "usd_this_month": month.usd + float(last["usd"].sum()),
        "tokens_this_month": month.tokens + tokens(last),
        "parsed": int((proposals(trials)["canonical"] != "").sum()),
        **best_of(last),
        "unanswered": unanswered(trials),
        **_power(last),
        "critique": next(iter(trials.loc[trials["critique"] != "", "critique"].iloc[::-1]), "none"),
        "trials": markdown_table(best[columns], 40),
    }


def _power(last: pd.DataFrame) -> dict[str, dg.MetadataValue | float | str]:
    """Probability that a true rank IC of 0.02 would be found; nothing without trials."""
    known = last["power"].dropna()
    return {"power": float(known.iloc[-1])} if len(known) else {}


def _values(market: Market) -> dg.AssetsDefinition:
    @parquet_asset(
        tables.FACTOR_VALUES,
        "factors",
        market,
        kinds=("parquet", "numba"),
        description="Values of every factor active, one column each; checked for look-ahead and emptiness.",
        ins={"factor_library": dg.AssetIn(key_of("factor_library", market)), **panel_inputs(market)},
        blocking={name: meaning(name) for name in BLOCKING} | {CANARIES: TRUE_CANARIES},
        checks={name: meaning(name) for name in INFORMING},
    )
    def factor_values_asset(
        context: dg.AssetExecutionContext,
        factor_library: pd.DataFrame,
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
    ) -> Iterator[dg.AssetCheckResult | dg.Output[pd.DataFrame]]:
        span = window(context)
        panel = with_history(ohlcv_history, market_panel, market).until(span.end)
        table = factor_values(factor_library, panel, market, span.start, span.end)
        yield _canaries(panel)
        yield from _check(factor_library, panel, market)
        factors = len(table.columns) - len(tables.FACTOR_VALUES.columns)
        context.log.info(f"{factors} factors on {len(table):,} rows")
        yield dg.Output(table, metadata={"factors": factors, **_described(table)})

    return factor_values_asset


def _described(table: pd.DataFrame) -> dict[str, dg.MetadataValue | float]:
    """How much of each factor has a value, drawn and told."""
    share = table.drop(columns=["timestamp", "symbol"]).notna().mean().sort_values()
    if share.empty:
        return {}
    title = "Share of bars and symbols with a value"
    chart = bar_chart(share.index.tolist(), share.to_numpy(float), title, spec=".0%", limits=(0.0, 1.0))
    return {"coverage": dg.MetadataValue.md(markdown_image(chart, title)), "least_coverage": float(share.min())}


def _canaries(panel: Panel) -> dg.AssetCheckResult:
    """Do the checks themselves still work on these bars?"""
    wrong = wrong_canaries(panel)
    return dg.AssetCheckResult(
        check_name=CANARIES,
        passed=not wrong,
        description="; ".join(wrong) or f"{len(canaries())} canaries: every cheater caught, every honest factor passed",
        metadata={"failed": len(wrong), "canaries": len(canaries())},
    )


def _check(library: pd.DataFrame, panel: Panel, market: Market) -> Iterator[dg.AssetCheckResult]:
    """
    Every factor again on cut and altered panels, grouped by check.

    A factor of funding or chain metrics has no values in the first weeks of a live graph, since facts have no history
    before it. That is told, here and by `coverage`, and stops nobody else.
    """
    nodes = library_nodes(library, market)
    results: list[tuple[str, CheckResult]] = []
    for name, node in nodes.items():
        found = validate(partial(evaluate_one, node), panel, factor_lookback(node))
        results += [(name, check) for check in found]
    frame = pd.DataFrame(
        [
            {
                "factor": n,
                "check": c.name,
                "passed": c.passed,
                "value": c.value,
                "threshold": c.threshold,
                "detail": c.detail,
            }
            for n, c in results
        ],
        columns=["factor", "check", "passed", "value", "threshold", "detail"],
    )
    for name in (*BLOCKING, *INFORMING):
        rows = frame[frame["check"] == name]
        failed = rows[~rows["passed"].astype(bool)]
        silent = failed[failed["value"].isna()] if name in BLOCKING else failed.iloc[:0]
        failed = failed.drop(index=silent.index)
        yield dg.AssetCheckResult(
            check_name=name,
            passed=failed.empty,
            severity=dg.AssetCheckSeverity.ERROR if name in BLOCKING else dg.AssetCheckSeverity.WARN,
            description=f"{len(rows) - len(failed) - len(silent)} of {len(rows)} factors pass"
            + (f"; nothing to compare yet: {', '.join(silent['factor'])}" if len(silent) else ""),
            metadata={
                "factors": len(rows),
                "failed": len(failed),
                "silent": len(silent),
                **_thresholds(rows),
                "results": markdown_table(rows, 40),
            },
        )


def _thresholds(rows: pd.DataFrame) -> dict[str, float]:
    """Threshold of a check, and the lowest and highest value; only what is a number."""
    numbers = {"threshold": rows["threshold"].max(), "lowest": rows["value"].min(), "highest": rows["value"].max()}
    return {name: float(value) for name, value in numbers.items() if pd.notna(value) and np.isfinite(value)}
