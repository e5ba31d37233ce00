"""
Signal generation for one market at the last bar of each day: the table of sources and the factors of the library.
"""

import numpy as np
import pandas as pd

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import Node, evaluate, fields_used, lookback, parse
from alpha_pipeline.kernels import portable
from alpha_pipeline.market.markets import Market, partition_days
from alpha_pipeline.market.panel import KEY, Panel
from alpha_pipeline.signals.reason_text import leading_factors, strongest_headlines
from alpha_pipeline.signals.sources import LIBRARY_SOURCE, NEWS_SOURCE, SOURCES, Source
from alpha_pipeline.tables import FACTOR_VALUES, LIBRARY, METRICS, SOURCE_SIGNALS
from alpha_pipeline.typing import Array, Integers

# Symbols required to rank a cross-section.
MINIMUM_BREADTH = 3


def source_signals(
    panel: Panel,
    factor_values: pd.DataFrame,
    library: pd.DataFrame,
    metrics: pd.DataFrame,
    market: Market,
    start: pd.Timestamp,
    end: pd.Timestamp,
    news: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """
    Signals of every source at the last bar of each day in (start, end].

    Args:
        panel: bars up to `end`, with history before `start`.
        factor_values: rows of `tables.FACTOR_VALUES` for the window.
        library: rows of `tables.LIBRARY` for the run dates of the window.
        metrics: rows of `tables.METRICS` for the run dates of the window; the probabilistic Sharpe ratio of a factor
            scales its weight.
        market: of the panel; resolves durations.
        start: exclusive, UTC.
        end: inclusive, UTC.
        news: rows of `tables.RAW_NEWS` from a day before `start` on; quoted in the reasons only.

    Returns:
        Rows of `tables.SOURCE_SIGNALS`; value in [-1, 1], confidence in [0, 1]. A source whose fields are absent, whose
        windows the bars of the market cannot express, or that is inactive for a symbol, has no row. Empty on days
        without a bar.
    """
    rows = _decision_rows(panel, start, end)
    if len(rows) == 0:
        return SOURCE_SIGNALS.empty()
    parts = [_source_rows(nodes, source, panel, rows) for source, nodes in _available(panel, market)]
    decided = pd.DatetimeIndex(panel.timestamps[rows]).tz_localize("UTC")
    parts.append(_library_rows(factor_values[factor_values["timestamp"].isin(decided)], library, metrics))
    signals = pd.concat([part for part in parts if len(part)] or [SOURCE_SIGNALS.empty()], ignore_index=True)
    return signals if news is None or news.empty else _with_headlines(signals, news)


def past_signals(panel: Panel, market: Market, end: pd.Timestamp, days: float) -> pd.DataFrame:
    """
    Signals of the source table at the last bar of each of the `days` days up to `end`, computed from the panel.

    Sources are causal, so these are the signals of that time. The library is left out: its factors were chosen later.

    Returns:
        Rows of `tables.SOURCE_SIGNALS`.
    """
    start = (
        max(end - pd.Timedelta(days=days), pd.Timestamp(panel.timestamps[0], tz="UTC"))
        if len(panel.timestamps)
        else end
    )
    return source_signals(panel, FACTOR_VALUES.empty(), LIBRARY.empty(), METRICS.empty(), market, start, end)


def _decision_rows(panel: Panel, start: pd.Timestamp, end: pd.Timestamp) -> Integers:
    """Positions of the last bar of each day that closed in (start, end]."""
    first, last = panel.closed_by(start), panel.closed_by(end)
    stamps = pd.Series(pd.DatetimeIndex(panel.timestamps[first:last]).tz_localize("UTC"))
    days = partition_days(stamps)
    return np.flatnonzero(days.ne(days.shift(-1)).to_numpy()) + first


def _available(panel: Panel, market: Market) -> list[tuple[Source, list[Node]]]:
    """Sources that the market has the fields of, and whose durations its bars can express."""
    available = []
    for source in SOURCES:
        try:
            nodes = [parse(text, bar=market.clock) for text in (source.value, source.confidence, source.measure)]
        except ExpressionError:  # five days of bars of a month, or sixty of bars of a minute
            continue
        if set().union(*(fields_used(node) for node in nodes)) <= set(panel.fields):
            available.append((source, nodes))
    return available


def _source_rows(nodes: list[Node], source: Source, panel: Panel, rows: Integers) -> pd.DataFrame:
    need = max(lookback(node) for node in nodes)
    first = max(0, int(rows[0]) - need)
    segment = panel.rows(first, int(rows[-1]) + 1)
    value, confidence, measure = (array[rows - first] for _, array in sorted(evaluate(nodes, segment)))
    table = _long(panel, rows, value=value, confidence=confidence, measure=measure)
    table = table.loc[np.isfinite(table["value"]) & np.isfinite(table["confidence"])]
    reason = [f"{source.meaning}: {m:+.2f}" for m in table["measure"]]
    table = table.assign(source=source.name, reason=reason)
    signals: pd.DataFrame = table.drop(columns="measure")
    return signals


def _with_headlines(signals: pd.DataFrame, news: pd.DataFrame) -> pd.DataFrame:
    """The same rows; reasons of the news sentiment quote the headline that supports their value most."""
    is_news = signals["source"] == NEWS_SOURCE
    sentiment = signals[is_news]
    quotes = strongest_headlines(news, sentiment[KEY], sentiment["value"].tolist())
    lines = zip(sentiment["reason"], quotes, strict=True)
    reasons = [f"{quote}, {reason}" if quote else reason for reason, quote in lines]
    return signals.assign(reason=signals["reason"].mask(is_news, pd.Series(reasons, sentiment.index, dtype=object)))


def _long(panel: Panel, rows: Integers, **values: Array) -> pd.DataFrame:
    symbols = len(panel.symbols)
    return pd.DataFrame(
        {
            "timestamp": pd.DatetimeIndex(np.repeat(panel.timestamps[rows], symbols)).tz_localize("UTC"),
            "symbol": list(panel.symbols) * len(rows),
            **{name: array.reshape(-1) for name, array in values.items()},
        }
    )


def _library_rows(values: pd.DataFrame, library: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """
    Cross-sectional ranks of the traded factors, weighted by their validated rank IC times the probabilistic Sharpe
    ratio since admission, as of the run date (0.5 where that is unknown).

    Value: weighted mean of ranks scaled to [-1, 1]; confidence: agreement of the factors times 1 - exp(-n / 2).
    """
    traded = library[(library["weight"] != 0) & library["status"].isin(["accepted", "probation"])]
    if traded.empty or values.empty:
        return SOURCE_SIGNALS.empty()
    sharpe = metrics.set_index(["run_date", "factor_id"])["probabilistic_sharpe"].fillna(0.5)
    traded = traded.join(sharpe.rename("psr"), on=["run_date", "factor_id"])
    traded["weight"] *= traded["psr"].fillna(0.5)
    days = partition_days(values["timestamp"]).dt.tz_localize("UTC")
    tables = []
    for run_date, factors in traded.groupby("run_date"):
        today = values[days == run_date]
        weights = factors.set_index("factor_id")["weight"]
        names = [name for name in weights.index if name in today.columns]
        if today.empty or not names:
            continue
        ranks = today.groupby("timestamp")[names].transform(_signed_rank)
        weighted = ranks * weights[names]
        total_weight = (ranks.notna() * weights[names].abs()).sum(axis=1)
        strength = weighted.abs().sum(axis=1)
        value = weighted.sum(axis=1) / total_weight.where(total_weight > 0)
        agreement = weighted.sum(axis=1).abs() / strength.where(strength > 0)
        confidence = agreement * (1 - portable.exp(-ranks.notna().sum(axis=1).to_numpy() / 2))
        table = today[["timestamp", "symbol"]].assign(value=value, confidence=confidence.fillna(0))
        ranked = factors.set_index("factor_id").loc[names].reset_index()
        table["reason"] = leading_factors(ranked, ranks.to_numpy(float), weights[names].to_numpy(float))
        tables.append(table.assign(source=LIBRARY_SOURCE).dropna(subset=["value"]))
    signals: pd.DataFrame = pd.concat(tables or [SOURCE_SIGNALS.empty()], ignore_index=True)
    return signals


def _signed_rank(x: pd.Series) -> pd.Series:
    """Midranks of one bar scaled to (-1, 1); NaN below the minimum breadth."""
    n = x.notna().sum()
    return (2 * (x.rank() - 0.5) / n - 1) if n >= MINIMUM_BREADTH else x * np.nan
