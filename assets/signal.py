"""
Signals: what each source says of each symbol, the one fused decision, and how past decisions did.

The first is per market; the others join the markets.
"""

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import MissingPartitionError
from alpha_pipeline.fusion import fuse, score_decisions, source_signals
from alpha_pipeline.market import MARKETS, Market
from alpha_pipeline.panel import Panel, with_history
from alpha_pipeline.reporting import markdown_image, signal_bars, signal_heat
from assets.declare import key_of, markdown_table, stored
from assets.factors import panel_inputs
from assets.partitions import Window, lookback, window

# Days a decision may wait for its outcome: a weekend, holidays and the horizon.
OUTCOME_DAYS = 7


def signal_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`source_signals` of one market."""
    tonight = {
        name: dg.AssetIn(key_of(name, market)) for name in ("factor_library", "factor_values", "backtest_metrics")
    }

    @stored(
        tables.SOURCE_SIGNALS,
        "signal",
        market,
        description="What price, volume, the factor library and the text and chain sources say, each in [-1, 1].",
        ins={**tonight, **panel_inputs(market)},
    )
    def source_signals_table(
        context: dg.AssetExecutionContext,
        factor_library: pd.DataFrame,
        factor_values: pd.DataFrame,
        backtest_metrics: pd.DataFrame,
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        span = window(context)
        panel = with_history(ohlcv_history, market_panel).until(span.end)
        signals = source_signals(panel, factor_values, factor_library, backtest_metrics, market, span.start, span.end)
        found = sorted(signals["source"].unique())
        context.log.info(f"{len(signals)} signals from {', '.join(found) or 'no source'}")
        last = signals[signals["timestamp"] == signals["timestamp"].max()]
        heat = dg.MetadataValue.md(markdown_image(signal_heat(last), "signal of each source and symbol"))
        return dg.Output(signals, metadata={"sources": ", ".join(found) or "none", "heat": heat})

    return [source_signals_table]


def joined_signal_assets() -> list[dg.AssetsDefinition]:
    """`fused_signal` and `signal_track_record`, over all markets."""
    return [_fused_signal(), _track_record()]


def _fused_signal() -> dg.AssetsDefinition:
    @stored(
        tables.FUSED_SIGNAL,
        "signal",
        description="One decision per symbol: LONG, SHORT or HOLD, with value, confidence and reasons.",
        ins={m.name: dg.AssetIn(key_of("source_signals", m), metadata={"allow_missing": True}) for m in MARKETS},
    )
    def fused_signal(context: dg.AssetExecutionContext, **signals: pd.DataFrame) -> dg.Output[pd.DataFrame]:
        span = window(context)
        silent = [market for market, table in signals.items() if table.empty]
        if len(silent) == len(signals):
            raise MissingPartitionError(_nothing_to_fuse(span))
        fused = fuse(signals)
        last = fused[fused["timestamp"] > span.end - pd.Timedelta(days=1)]
        counts = last["decision"].value_counts()
        context.log.info(", ".join(f"{n} {decision}" for decision, n in counts.items()))
        bars = dg.MetadataValue.md(markdown_image(signal_bars(last), "fused signal per symbol"))
        strongest = last.reindex(last["value"].abs().sort_values(ascending=False).index)
        table = markdown_table(strongest[["market", "symbol", "decision", "value", "confidence", "reasons"]], 15)
        metadata: dict[str, dg.MetadataValue | int | str] = {
            d: int(counts.get(d.upper(), 0)) for d in ("long", "short", "hold")
        }
        metadata |= {"decisions": bars, "strongest": table, "silent_markets": ", ".join(silent) or "none"}
        return dg.Output(fused, metadata=metadata)

    return fused_signal


def _nothing_to_fuse(span: Window) -> str:
    last = (span.end - pd.Timedelta(days=1)).date()
    names = " or ".join(f"{market.name}/source_signals" for market in MARKETS)
    return (
        f"no source signals on {span.start.date()}...{last}: neither {names} has rows there. Materialize them first: "
        f"dagster asset materialize -m alpha_pipeline.definitions --select '+fused_signal' --partition {last}"
    )


def _track_record() -> dg.AssetsDefinition:
    past = lookback(OUTCOME_DAYS)
    prices = {
        m.name: dg.AssetIn(key_of("market_panel", m), partition_mapping=past, metadata={"allow_missing": True})
        for m in MARKETS
    }

    @stored(
        tables.TRACK_RECORD,
        "signal",
        description="What earlier decisions came to, a row when the outcome is known; never rewritten by later nights.",
        ins={
            "fused_signal": dg.AssetIn("fused_signal", partition_mapping=past, metadata={"allow_missing": True}),
            **prices,
        },
    )
    def signal_track_record(
        context: dg.AssetExecutionContext, fused_signal: pd.DataFrame, **panels: pd.DataFrame
    ) -> dg.Output[pd.DataFrame]:
        span = window(context)
        scored = [
            score_decisions(fused_signal, Panel.from_table(panels[m.name]), m, span.start, span.end)
            for m in MARKETS
            if len(panels[m.name])
        ]
        found = [table for table in scored if len(table)]
        record = pd.concat(found, ignore_index=True) if found else tables.TRACK_RECORD.empty()
        acted = record[record["decision"] != "HOLD"]
        metadata: dict[str, int | float] = {"outcomes": len(record), "acted_on": len(acted)}
        if len(acted):
            metadata |= {"hit_rate": float(acted["hit"].mean()), "mean_net_return": float(acted["net_return"].mean())}
        context.log.info(f"{len(record)} outcomes, {len(acted)} of them acted on")
        return dg.Output(record, metadata=metadata)

    return signal_track_record
