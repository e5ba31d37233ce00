"""
Raw tables: rows of the sources, by the day on which they became known, checked against their contract.

The history before the first day is one unpartitioned table.
"""

from collections.abc import Iterator, Mapping

import dagster as dg
import pandas as pd
from pydantic import Field

from alpha_pipeline import tables
from alpha_pipeline.assets.wiring.partitions import FIRST_DAY, Window, window
from alpha_pipeline.assets.wiring.table_asset import key_of, markdown_table, parquet_asset
from alpha_pipeline.errors import DataError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.resources.configuration import RunConfig
from alpha_pipeline.resources.ingest.collector import BATCH_DAYS, Accept, Collection, Collector
from alpha_pipeline.resources.ingest.ingestion_gate import IngestionGate
from alpha_pipeline.resources.ingest.listed_symbols import listings_by_day
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.llm.resource import LanguageModel
from alpha_pipeline.resources.llm.sentiment import SentimentResource
from alpha_pipeline.resources.market_data import MarketDataResource
from alpha_pipeline.text.scorer import SentimentScorer
from alpha_pipeline.validation.raw.feed_health import (
    COVERAGE,
    JUMP,
    SKEW,
    STALE_BARS,
    feed_warnings,
    measure_feed_health,
)

Result = Iterator[dg.AssetCheckResult | dg.Output[pd.DataFrame]]
Metadata = dict[str, dg.MetadataValue | int | float | str]

CONTRACT = (
    "Unique keys, coherent positive prices, stamps and coverage (Great Expectations), after rejected rows were removed."
)
COMPLETE = "No symbol, feed or metric failed; those that fail are fetched again."
HEALTHY = "No gaps, stale symbols, jumps, periods without volume or late stamps."
FACTS = {
    "raw_adjustments": (tables.RAW_ADJUSTMENTS, "Adjusted closes, dividends and splits, separate from the bars."),
    "raw_funding": (tables.RAW_FUNDING, "Funding rates of perpetuals, at their settlement times."),
    "raw_derivatives": (
        tables.RAW_DERIVATIVES,
        "Open interest of perpetuals, and order book imbalance where the window is live.",
    ),
    "raw_news": (tables.RAW_NEWS, "Headlines with their sentiment, stamped when first published."),
    "raw_social": (tables.RAW_SOCIAL, "Post counts and sentiment per symbol and hour."),
    "raw_onchain": (tables.RAW_ONCHAIN, "Chain metrics: flows, addresses, supply, value locked."),
}


class RawConfig(RunConfig):
    """Collection of a raw table."""

    refetch: bool = Field(
        default=False,
        description="Fetch stored days too: values the vendor has changed since become rows available from now on.",
    )
    batch_days: int = Field(
        default=BATCH_DAYS,
        ge=1,
        description="Days that are fetched, checked and stored at once; an interrupted run keeps its stored batches.",
    )


def raw_assets(market: Market) -> list[dg.AssetsDefinition]:
    """Listings, history, bars and facts of one market."""
    facts = [_facts(market, name, table, text) for name, (table, text) in FACTS.items()]
    return [_instruments(market), _history(market), _ohlcv(market), *facts]


def _instruments(market: Market) -> dg.AssetsDefinition:
    @parquet_asset(
        tables.RAW_INSTRUMENTS,
        "raw",
        market,
        description="Symbols listed and delisted up to each day, delisted ones included.",
        checks={"complete": COMPLETE},
    )
    def raw_instruments(
        context: dg.AssetExecutionContext,
        config: RawConfig,
        data: MarketDataResource,
        lake: dg.ResourceParam[ParquetIOManager],
    ) -> Result:
        run_dates = [day.start for day in window(context).days()]
        key, symbols = "/".join(context.asset_key.path), data.bar_source(market).symbols(market)
        listings = listings_by_day(lake.lake, key, run_dates, symbols, lambda: data.instruments(market), config.refetch)
        context.log.info(
            f"{listings.table['symbol'].nunique()} symbols with listing dates"
            if len(listings.table)
            else "no listing dates"
        )
        _warn(context, listings.failures)
        yield _complete(listings.failures)
        ends = listings.table["delisted_at"].notna()
        counts: Metadata = {"symbols": int(listings.table["symbol"].nunique()), "delisted": int(ends.sum())}
        shown = listings.table.sort_values("timestamp", ascending=False)[
            ["symbol", "listed_at", "delisted_at", "status"]
        ]
        counts["listings"] = markdown_table(shown.drop_duplicates(), 20)
        yield dg.Output(listings.table, metadata={**counts, **_details(listings.failures, listings.counts)})

    return raw_instruments


def _history(market: Market) -> dg.AssetsDefinition:
    @parquet_asset(
        tables.OHLCV_HISTORY,
        "raw",
        market,
        partitioned=False,
        description=f"Every bar before the first day of the graph ({FIRST_DAY}), loaded once.",
        blocking={"history_quality": CONTRACT},
    )
    def ohlcv_history(
        context: dg.AssetExecutionContext, data: MarketDataResource, lake: dg.ResourceParam[ParquetIOManager]
    ) -> Result:
        end = pd.Timestamp(FIRST_DAY, tz="UTC")
        table = data.bar_source(market).history(market, end)
        first = table["timestamp"].min() if len(table) else end
        context.log.info(f"{len(table):,} bars of {table['symbol'].nunique()} symbols since {first:%Y-%m-%d}")
        gate = _gate(lake, market, tables.OHLCV_HISTORY)
        try:
            start = first - market.bar_length
            table = gate.accept(gate.judge(table, start, end), start, end)
        except DataError as refusal:
            yield _contract_check(gate, "history_quality", refusal)
            raise
        yield _contract_check(gate, "history_quality")
        yield dg.Output(table, metadata=_bars(table))

    return ohlcv_history


def _ohlcv(market: Market) -> dg.AssetsDefinition:
    @parquet_asset(
        tables.RAW_OHLCV,
        "raw",
        market,
        description=f"Bars of {market.bar} of the source, stamped at their close.",
        blocking={"data_quality": CONTRACT},
        checks={"complete": COMPLETE, "healthy": HEALTHY},
    )
    def raw_ohlcv(
        context: dg.AssetExecutionContext,
        config: RawConfig,
        data: MarketDataResource,
        lake: dg.ResourceParam[ParquetIOManager],
    ) -> Result:
        span, gate = window(context), _gate(lake, market, tables.RAW_OHLCV)
        collector = _collector(config, data, lake, market, "ohlcv", gate, None)
        try:
            collection = collector.collect(
                span.start, span.end, gate.accept, config.refetch, context.log.info, gate.judge
            )
        except DataError as refusal:
            yield _contract_check(gate, "data_quality", refusal)
            raise
        context.log.info(
            f"{len(collection.table):,} bars of {collection.table['symbol'].nunique()} symbols "
            f"from {collector.sources[0].name}"
        )
        _warn(context, collection.failures, gate)
        yield _contract_check(gate, "data_quality")
        yield _complete(collection.failures)
        yield _healthy(collection.table, market, span)
        yield dg.Output(collection.table, metadata={**_bars(collection.table), **_collection(collection, gate)})

    return raw_ohlcv


def _facts(market: Market, name: str, table: tables.Table, description: str) -> dg.AssetsDefinition:
    kind = name.removeprefix("raw_")

    @parquet_asset(
        table,
        "raw",
        market,
        description=f"{description} Empty where no source has any; the metadata say why.",
        blocking={"data_quality": CONTRACT},
        checks={"complete": COMPLETE},
    )
    def raw_facts(
        context: dg.AssetExecutionContext,
        config: RawConfig,
        data: MarketDataResource,
        model: LanguageModel,
        sentiment: SentimentResource,
        lake: dg.ResourceParam[ParquetIOManager],
    ) -> Result:
        span, gate = window(context), _gate(lake, market, table)
        absent = data.missing_reason(market, kind)
        with sentiment.scorer(model, lake.lake) as scorer:
            collector = _collector(config, data, lake, market, kind, gate, scorer)
            try:
                collection = collector.collect(
                    span.start, span.end, _scored(gate, scorer), config.refetch, context.log.info, gate.judge
                )
            except DataError as refusal:
                yield _contract_check(gate, "data_quality", refusal)
                raise
        summary = f"{len(collection.table):,} rows from {', '.join(source.name for source in collector.sources)}"
        context.log.info(f"absent: {absent}" if absent else summary)
        _warn(context, collection.failures, gate)
        yield _contract_check(gate, "data_quality")
        yield _complete(collection.failures)
        source: Metadata = {"absent": absent} if absent else {"symbols": int(collection.table["symbol"].nunique())}
        yield dg.Output(collection.table, metadata={**source, **_collection(collection, gate)})

    return raw_facts


def _gate(lake: ParquetIOManager, market: Market, table: tables.Table) -> IngestionGate:
    return IngestionGate(lake.lake, "/".join(key_of(table.name, market).path), table, market)


def _collector(
    config: RawConfig,
    data: MarketDataResource,
    lake: ParquetIOManager,
    market: Market,
    kind: str,
    gate: IngestionGate,
    scorer: SentimentScorer | None,
) -> Collector:
    return Collector(
        lake.lake,
        gate.key,
        market,
        data.bar_source(market).symbols(market),
        data.sources(market, kind, (lambda texts: scorer.score(texts).tolist()) if scorer else (lambda texts: ())),
        required=kind == "ohlcv",
        look_back=data.look_back(market, kind),
        batch_days=config.batch_days,
    )


def _scored(gate: IngestionGate, scorer: SentimentScorer) -> Accept:
    """The gate, after which headlines without a score are scored."""

    def accept(rows: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        accepted = gate.accept(rows, start, end)
        if "news_sentiment" not in accepted or not (unscored := accepted["news_sentiment"].isna()).any():
            return accepted
        scores = accepted["news_sentiment"].copy()
        scores[unscored] = scorer.score(accepted.loc[unscored, "title"].tolist())
        return accepted.assign(news_sentiment=scores)

    return accept


def _contract_check(gate: IngestionGate, check: str, refusal: DataError | None = None) -> dg.AssetCheckResult:
    """The check of a contract; after a refusal the caller raises, and nothing is stored."""
    results, rejected = gate.results(), gate.rejected.total()
    failed = int((~results["passed"].astype(bool)).sum())
    return dg.AssetCheckResult(
        check_name=check,
        passed=refusal is None,
        description=str(refusal) if refusal else f"{len(results)} expectations met; {rejected} rows quarantined",
        metadata={
            "rejected_rows": rejected,
            "expectations_met": len(results) - failed,
            "expectations_failed": failed,
            "expectations": markdown_table(results, 40),
        },
    )


def _complete(failures: Mapping[str, str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name="complete",
        passed=not failures,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(failures)} failed: {', '.join(list(failures)[:5])}" if failures else "no failures",
        metadata={"failed": len(failures), **_details(failures, {})},
    )


def _healthy(bars: pd.DataFrame, market: Market, span: Window) -> dg.AssetCheckResult:
    health = measure_feed_health(bars[bars["timestamp"] > span.start], market, span.start, span.end)
    warnings = feed_warnings(health, market)
    worst = {
        "least_coverage": health["coverage"].min(),
        "most_stale_bars": health["stale_bars"].max(),
        "largest_jump": health["jump"].max(),
        "longest_delay_seconds": health["skew_seconds"].max(),
    }
    limits = {
        "coverage_threshold": COVERAGE,
        "stale_bars_threshold": STALE_BARS,
        "jump_threshold": JUMP,
        "delay_seconds_threshold": SKEW.total_seconds(),
    }
    measured = {name: float(value) for name, value in worst.items() if pd.notna(value)}
    return dg.AssetCheckResult(
        check_name="healthy",
        passed=not warnings,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(warnings) or "no warnings",
        metadata={"warnings": len(warnings), **measured, **limits, "symbols": markdown_table(health, 60)},
    )


def _warn(context: dg.AssetExecutionContext, failures: Mapping[str, str], gate: IngestionGate | None = None) -> None:
    """Log failures and rejected rows, which checks and metadata show too."""
    for item, reason in failures.items():
        context.log.warning(f"failed: {item}: {reason}")
    if gate and gate.rejected:
        reasons = ", ".join(f"{number} x {reason}" for reason, number in gate.rejected.items())
        context.log.warning(f"{gate.rejected.total()} rows quarantined in quarantine/{gate.key}: {reasons}")


def _collection(collection: Collection, gate: IngestionGate) -> Metadata:
    rejected = {f"rejected: {reason}": number for reason, number in gate.rejected.items()}
    return {
        "fetched_days": collection.fetched_days,
        "stored_days": collection.stored_days,
        "rejected_rows": gate.rejected.total(),
        **_details(collection.failures, {**collection.counts, **rejected}),
    }


def _details(failures: Mapping[str, str], counts: Mapping[str, int]) -> Metadata:
    details: Metadata = {}
    if failures:
        details["failures"] = markdown_table(pd.DataFrame(failures.items(), columns=["item", "reason"]), 40)
    if counts:
        details["counts"] = markdown_table(pd.DataFrame(counts.items(), columns=["remark", "rows"]), 40)
    return details


def _bars(table: pd.DataFrame) -> Metadata:
    if table.empty:
        return {"note": "no session on these days"}
    last = table.sort_values("timestamp").groupby("symbol").tail(1)
    return {
        "symbols": int(table["symbol"].nunique()),
        "first_bar": str(table["timestamp"].min()),
        "last_bar": str(table["timestamp"].max()),
        "last_bars": markdown_table(last[["timestamp", "symbol", "close", "volume"]], 8),
    }
