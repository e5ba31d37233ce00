"""
Raw tables: what the doors gave, by the day on which it became known, refused when it breaks its contract.

The bulk history before the first day is one unpartitioned table; nothing here interprets a value.
"""

from collections.abc import Iterator, Mapping

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import DataError
from alpha_pipeline.market.markets import Market
from alpha_pipeline.text.scorer import SentimentScorer
from alpha_pipeline.validation.raw.feed_health import ailments, feed_health
from assets.wiring.partitions import FIRST_DAY, Window, window
from assets.wiring.table_asset import key_of, markdown_table, stored
from resources.ingest.collector import STRETCH_DAYS, Accept, Collection, Collector
from resources.ingest.ingestion_gate import Gate
from resources.ingest.universe import universe_by_day
from resources.lake.io_manager import ParquetIOManager
from resources.llm.resource import LanguageModel
from resources.llm.sentiment import SentimentResource
from resources.market_data import MarketDataResource

Result = Iterator[dg.AssetCheckResult | dg.Output[pd.DataFrame]]
Metadata = dict[str, dg.MetadataValue | int | float | str]

CONTRACT = (
    "Keys, coherent positive prices, stamps and coverage (Great Expectations), once impossible rows are quarantined."
)
COMPLETE = "What was asked for came: no symbol, feed or metric failed. What did not come is asked for again."
HEALTHY = "No gaps, stale symbols, jumps, stretches without trade or late stamps."
FACTS = {
    "raw_adjustments": (tables.RAW_ADJUSTMENTS, "Adjusted closes, dividends and splits, apart from the bars."),
    "raw_funding": (tables.RAW_FUNDING, "Funding rates of perpetuals, at their own settlement stamps."),
    "raw_derivatives": (
        tables.RAW_DERIVATIVES,
        "Open interest of perpetuals, and the order book where it was seen live.",
    ),
    "raw_news": (tables.RAW_NEWS, "Headlines with their score, stamped when they could first be read."),
    "raw_social": (tables.RAW_SOCIAL, "Post counts and sentiment per symbol and hour."),
    "raw_onchain": (tables.RAW_ONCHAIN, "Chain metrics: flows, addresses, supply, value locked."),
}


class RawConfig(dg.Config):
    """
    How a raw table is filled.

    `refetch` asks for days that are stored too: what the vendor says otherwise now becomes a row known from now on.
    `stretch_days` are fetched, checked and stored at once; a run that is broken off keeps them.
    """

    refetch: bool = False
    stretch_days: int = STRETCH_DAYS


def raw_assets(market: Market) -> list[dg.AssetsDefinition]:
    """Listings, history, bars and the kinds of facts of one market."""
    facts = [_facts(market, name, table, text) for name, (table, text) in FACTS.items()]
    return [_instruments(market), _history(market), _ohlcv(market), *facts]


def _instruments(market: Market) -> dg.AssetsDefinition:
    @stored(
        tables.RAW_INSTRUMENTS,
        "raw",
        market,
        description="Which symbols were listed and delisted up to each day, those that are gone too.",
        checks={"complete": COMPLETE},
    )
    def raw_instruments(
        context: dg.AssetExecutionContext,
        config: RawConfig,
        data: MarketDataResource,
        lake: dg.ResourceParam[ParquetIOManager],
    ) -> Result:
        run_dates = [day.start for day in window(context).days()]
        key, symbols = "/".join(context.asset_key.path), data.door(market).symbols(market)
        known = universe_by_day(lake.lake, key, run_dates, symbols, lambda: data.instruments(market), config.refetch)
        context.log.info(f"{known.table['symbol'].nunique()} symbols with dates" if len(known.table) else "no dates")
        _warn(context, known.failures)
        yield _complete(known.failures)
        ends = known.table["delisted_at"].notna()
        counts: Metadata = {"symbols": int(known.table["symbol"].nunique()), "delisted": int(ends.sum())}
        shown = known.table.sort_values("timestamp", ascending=False)[["symbol", "listed_at", "delisted_at", "status"]]
        counts["listings"] = markdown_table(shown.drop_duplicates(), 20)
        yield dg.Output(known.table, metadata={**counts, **_told(known.failures, known.notes)})

    return raw_instruments


def _history(market: Market) -> dg.AssetsDefinition:
    @stored(
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
        table = data.door(market).history(market, end)
        first = table["timestamp"].min() if len(table) else end
        context.log.info(f"{len(table):,} bars of {table['symbol'].nunique()} symbols since {first:%Y-%m-%d}")
        gate = _gate(lake, market, tables.OHLCV_HISTORY)
        try:
            table = gate.accept(table, first - market.bar_length, end)
        except DataError as refusal:
            yield _judged(gate, "history_quality", refusal)
            raise
        yield _judged(gate, "history_quality")
        yield dg.Output(table, metadata=_bars(table))

    return ohlcv_history


def _ohlcv(market: Market) -> dg.AssetsDefinition:
    @stored(
        tables.RAW_OHLCV,
        "raw",
        market,
        description=f"Bars of {market.bar} as the source gave them, stamped at their close.",
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
            done = collector.collect(span.start, span.end, gate.accept, config.refetch, context.log.info)
        except DataError as refusal:
            yield _judged(gate, "data_quality", refusal)
            raise
        context.log.info(
            f"{len(done.table):,} bars of {done.table['symbol'].nunique()} symbols from {collector.sources[0].name}"
        )
        _warn(context, done.failures, gate)
        yield _judged(gate, "data_quality")
        yield _complete(done.failures)
        yield _healthy(done.table, market, span)
        yield dg.Output(done.table, metadata={**_bars(done.table), **_how(done, gate)})

    return raw_ohlcv


def _facts(market: Market, name: str, table: tables.Table, description: str) -> dg.AssetsDefinition:
    kind = name.removeprefix("raw_")

    @stored(
        table,
        "raw",
        market,
        description=f"{description} Empty where the source has none, and says so.",
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
                done = collector.collect(span.start, span.end, _scored(gate, scorer), config.refetch, context.log.info)
            except DataError as refusal:
                yield _judged(gate, "data_quality", refusal)
                raise
        found = f"{len(done.table):,} rows from {', '.join(source.name for source in collector.sources)}"
        context.log.info(f"absent: {absent}" if absent else found)
        _warn(context, done.failures, gate)
        yield _judged(gate, "data_quality")
        yield _complete(done.failures)
        told: Metadata = {"absent": absent} if absent else {"symbols": int(done.table["symbol"].nunique())}
        yield dg.Output(done.table, metadata={**told, **_how(done, gate)})

    return raw_facts


def _gate(lake: ParquetIOManager, market: Market, table: tables.Table) -> Gate:
    return Gate(lake.lake, "/".join(key_of(table.name, market).path), table, market)


def _collector(
    config: RawConfig,
    data: MarketDataResource,
    lake: ParquetIOManager,
    market: Market,
    kind: str,
    gate: Gate,
    scorer: SentimentScorer | None,
) -> Collector:
    return Collector(
        lake.lake,
        gate.key,
        market,
        data.door(market).symbols(market),
        data.sources(market, kind, (lambda texts: scorer.score(texts).tolist()) if scorer else (lambda texts: ())),
        required=kind == "ohlcv",
        back=data.back(kind),
        stretch_days=config.stretch_days,
    )


def _scored(gate: Gate, scorer: SentimentScorer) -> Accept:
    """The gate, behind which headlines without a score get one."""

    def accept(rows: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        good = gate.accept(rows, start, end)
        if "news_sentiment" not in good or not (unscored := good["news_sentiment"].isna()).any():
            return good
        scores = good["news_sentiment"].copy()
        scores[unscored] = scorer.score(good.loc[unscored, "title"].tolist())
        return good.assign(news_sentiment=scores)

    return accept


def _judged(gate: Gate, check: str, refusal: DataError | None = None) -> dg.AssetCheckResult:
    """What the gate said; a refusal fails the check, and whoever yields it raises: nothing of it is stored."""
    results, aside = gate.results(), sum(gate.reasons.values())
    return dg.AssetCheckResult(
        check_name=check,
        passed=refusal is None,
        description=str(refusal) if refusal else f"{len(results)} expectations met; {aside} rows quarantined",
        metadata={"quarantined": aside, "expectations": markdown_table(results, 40)},
    )


def _complete(failures: Mapping[str, str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name="complete",
        passed=not failures,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(failures)} failed: {', '.join(list(failures)[:5])}" if failures else "all came",
        metadata={"failed": len(failures), **_told(failures, {})},
    )


def _healthy(bars: pd.DataFrame, market: Market, span: Window) -> dg.AssetCheckResult:
    health = feed_health(bars[bars["timestamp"] > span.start], market, span.start, span.end)
    said = ailments(health, market)
    return dg.AssetCheckResult(
        check_name="healthy",
        passed=not said,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(said) or "nothing odd",
        metadata={"ailments": len(said), "symbols": markdown_table(health, 60)},
    )


def _warn(context: dg.AssetExecutionContext, failures: Mapping[str, str], gate: Gate | None = None) -> None:
    """What the checks and the metadata say, for who reads the run's log alone."""
    for what, why in failures.items():
        context.log.warning(f"did not come: {what}: {why}")
    if gate and gate.reasons:
        told = ", ".join(f"{number} x {why}" for why, number in gate.reasons.items())
        context.log.warning(f"{sum(gate.reasons.values())} rows quarantined in quarantine/{gate.key}: {told}")


def _how(done: Collection, gate: Gate) -> Metadata:
    aside = {f"quarantined: {why}": number for why, number in gate.reasons.items()}
    days: Metadata = {"fetched_days": done.fetched_days, "kept_days": done.kept_days}
    return {**days, "quarantined": sum(gate.reasons.values()), **_told(done.failures, {**done.notes, **aside})}


def _told(failures: Mapping[str, str], notes: Mapping[str, int]) -> Metadata:
    told: Metadata = {}
    if failures:
        told["failures"] = markdown_table(pd.DataFrame(failures.items(), columns=["what", "why"]), 40)
    if notes:
        told["notes"] = markdown_table(pd.DataFrame(notes.items(), columns=["what", "rows"]), 40)
    return told


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
