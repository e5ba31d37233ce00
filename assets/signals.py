"""
Assets `source_signals`, per market, and `fused_signal`, over all markets.
"""

from collections.abc import Mapping

import dagster as dg
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.assets.mining import panel_inputs
from alpha_pipeline.assets.wiring.config import FusionConfig
from alpha_pipeline.assets.wiring.partitions import MARKETS, Window, lookback, window
from alpha_pipeline.assets.wiring.table_asset import key_of, markdown_table, parquet_asset
from alpha_pipeline.errors import MissingPartitionError
from alpha_pipeline.fusion.decision import DecisionRule, configured_method
from alpha_pipeline.fusion.fused_signal import MEMORY_DAYS, fuse
from alpha_pipeline.fusion.labels import LabeledSignals, training_data
from alpha_pipeline.market.gaps import with_history
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.reporting.charts import markdown_image, signal_bars
from alpha_pipeline.reporting.heat_map import signal_heat
from alpha_pipeline.settings import load_settings
from alpha_pipeline.signals.generation import source_signals


def signal_assets(market: Market) -> list[dg.AssetsDefinition]:
    """`source_signals` of one market."""
    factors = {
        name: dg.AssetIn(key_of(name, market)) for name in ("factor_library", "factor_values", "backtest_metrics")
    }
    # A headline is used for 24 hours, and a session may close before midnight: two days of news.
    news = dg.AssetIn(key_of("raw_news", market), partition_mapping=lookback(1), metadata={"allow_missing": True})

    @parquet_asset(
        tables.SOURCE_SIGNALS,
        "signal",
        market,
        description="Signals of price, volume, the factor library, text and on-chain data, each in [-1, 1].",
        ins={**factors, **panel_inputs(market), "raw_news": news},
    )
    def source_signals_table(
        context: dg.AssetExecutionContext,
        factor_library: pd.DataFrame,
        factor_values: pd.DataFrame,
        backtest_metrics: pd.DataFrame,
        ohlcv_history: pd.DataFrame,
        market_panel: pd.DataFrame,
        raw_news: pd.DataFrame,
    ) -> dg.Output[pd.DataFrame]:
        span = window(context)
        panel = with_history(ohlcv_history, market_panel, market).until(span.end)
        signals = source_signals(
            panel, factor_values, factor_library, backtest_metrics, market, span.start, span.end, raw_news
        )
        sources = sorted(signals["source"].unique())
        context.log.info(f"{len(signals)} signals from {', '.join(sources) or 'no source'}")
        last = signals[signals["timestamp"] == signals["timestamp"].max()]
        heat = dg.MetadataValue.md(markdown_image(signal_heat(last), "signals by source and symbol"))
        symbols = {f"{source}_symbols": int(n) for source, n in last.groupby("source")["symbol"].nunique().items()}
        return dg.Output(signals, metadata={"sources": ", ".join(sources) or "none", "heat_map": heat, **symbols})

    return [source_signals_table]


def joined_signal_assets() -> list[dg.AssetsDefinition]:
    """
    `fused_signal`, over all markets.

    Raises:
        SettingError: the settings name an unknown method.
    """
    configured_method(load_settings().fusion)
    return [_fused_signal()]


def fusion_inputs(market: Market) -> dict[str, dg.AssetIn]:
    """All signals up to the run date and the prices of their outcomes; days that are not stored are skipped."""
    key = {"signals": "source_signals", "history": "ohlcv_history", "panel": "market_panel"}
    by_day = {"allow_missing": True, "from_the_first": True}
    return {
        f"{market.name}_{name}": dg.AssetIn(
            key_of(table, market),
            partition_mapping=None if table == "ohlcv_history" else lookback(),
            metadata={"allow_missing": True} if table == "ohlcv_history" else by_day,
        )
        for name, table in key.items()
    }


def prices(market: Market, frames: Mapping[str, pd.DataFrame], span: Window) -> Panel:
    """Bars of one market up to the end of the run, from its frames of `fusion_inputs`."""
    return with_history(frames[f"{market.name}_history"], frames[f"{market.name}_panel"], market).until(span.end)


def past(market: Market, frames: Mapping[str, pd.DataFrame], panel: Panel, span: Window, days: float) -> LabeledSignals:
    """Labelled samples of the run and of `days` before it."""
    length = days + (span.end - span.start) / pd.Timedelta(days=1)
    return training_data(panel, market, frames[f"{market.name}_signals"], span.end, length)


def _fused_signal() -> dg.AssetsDefinition:
    @parquet_asset(
        tables.FUSED_SIGNAL,
        "signal",
        description="One decision per symbol: LONG, SHORT or HOLD, with value, confidence and reasons.",
        ins={name: asset for m in MARKETS for name, asset in fusion_inputs(m).items()},
    )
    def fused_signal(
        context: dg.AssetExecutionContext, config: FusionConfig, **frames: pd.DataFrame
    ) -> dg.Output[pd.DataFrame]:
        span = window(context)
        signals = {m.name: _within(frames[f"{m.name}_signals"], span) for m in MARKETS}
        active = [m for m in MARKETS if len(signals[m.name])]
        if not active:
            raise MissingPartitionError(_nothing_to_fuse(span))
        chosen = {m.name: config.settings(m) for m in active}
        samples = {m.name: past(m, frames, prices(m, frames, span), span, MEMORY_DAYS) for m in active}
        fused = pd.concat([fuse({name: signals[name]}, samples, *chosen[name]) for name in chosen], ignore_index=True)
        last = fused[fused["timestamp"] > span.end - pd.Timedelta(days=1)]
        counts = last["decision"].value_counts()
        context.log.info(", ".join(f"{n} {decision}" for decision, n in counts.items()))
        chart = dg.MetadataValue.md(markdown_image(signal_bars(last), "fused signal by symbol"))
        strongest = last.reindex(last["value"].abs().sort_values(ascending=False).index)
        table = markdown_table(strongest[["market", "symbol", "decision", "value", "confidence", "reasons"]], 15)
        metadata: dict[str, dg.MetadataValue | float | str] = {
            d: int(counts.get(d.upper(), 0)) for d in ("long", "short", "hold")
        }
        calibration_bars = last.groupby("market")["calibration_bars"].max()
        metadata |= {
            "method": _by_market({name: method for name, (method, _) in chosen.items()}),
            "decision_rule": _by_market({name: _rule_text(rule) for name, (_, rule) in chosen.items()}),
            "calibration_bars": ", ".join(f"{market}: {n} bars" for market, n in calibration_bars.items()),
            "decisions": chart,
            "strongest": table,
            "inactive_markets": ", ".join(m.name for m in MARKETS if m not in active) or "none",
        }
        if last["confidence"].notna().any():
            metadata |= {name: float(last[name].mean()) for name in ("confidence", "coverage")}
        return dg.Output(fused, metadata=metadata)

    return fused_signal


def _rule_text(rule: DecisionRule) -> str:
    return f"|value| above {rule.threshold:g} and confidence above {rule.confidence:g}"


def _by_market(texts: Mapping[str, str]) -> str:
    """One text where all markets have the same, else one by market."""
    values = set(texts.values())
    return values.pop() if len(values) == 1 else "; ".join(f"{name}: {text}" for name, text in texts.items())


def _within(signals: pd.DataFrame, span: Window) -> pd.DataFrame:
    return signals[(signals["timestamp"] > span.start) & (signals["timestamp"] <= span.end)]


def _nothing_to_fuse(span: Window) -> str:
    last = (span.end - pd.Timedelta(days=1)).date()
    names = " and ".join(f"{market.name}/source_signals" for market in MARKETS)
    return (
        f"no source signals on {span.start.date()}...{last}: {names} have no rows. Materialize them first: "
        f"dagster asset materialize -m alpha_pipeline.definitions --select '+fused_signal' --partition {last}"
    )
