"""
Reasons of signals as text: leading factors of the library, strongest headline of the news sentiment.

Names and titles are untrusted: they are cleaned and truncated here, and escaped where they are shown.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from alpha_pipeline.market.fields import AGGREGATION
from alpha_pipeline.text.untrusted import normalize, truncate
from alpha_pipeline.typing import Array

SHOWN_FACTORS = 3
MAX_NAME, MAX_EXPRESSION, MAX_TITLE, MAX_HOST = 24, 40, 80, 30


def clip(text: object, width: int) -> str:
    """One normalized line of at most `width` characters, truncated with an ellipsis; "" for no text."""
    return truncate(normalize(text), width)


def leading_factors(factors: pd.DataFrame, ranks: Array, weights: Array) -> list[str]:
    """
    The factors with the largest contributions to each row of the library's signal.

    Args:
        factors: one row per column of `ranks`: `factor_id`, `name`, `expression`.
        ranks: (rows, factors) signed ranks in (-1, 1); NaN where a factor has no value.
        weights: (factors,) signed.

    Returns:
        (rows,) such as `3 library factors, led by momentum [ts_return(close, 120)] rank +0.80 weight +0.012`, up to
        three of them, the largest product of rank and weight first.
    """
    labels = [_label(*row) for row in factors[["factor_id", "name", "expression"]].itertuples(index=False)]
    contribution = np.nan_to_num(np.abs(ranks * weights))
    order = np.argsort(-contribution, axis=1, kind="stable")[:, :SHOWN_FACTORS]
    lines = []
    for row, columns in enumerate(order):
        present = np.isfinite(ranks[row])
        leaders = [f"{labels[i]} rank {ranks[row, i]:+.2f} weight {weights[i]:+.3f}" for i in columns if present[i]]
        factor = "factor" if present.sum() == 1 else "factors"
        lines.append(f"{present.sum()} library {factor}, led by {', '.join(leaders)}")
    return lines


def strongest_headlines(news: pd.DataFrame, keys: pd.DataFrame, direction: Sequence[float]) -> list[str]:
    """
    The scored headline that supports each value most, among those it was computed from.

    Args:
        news: rows of `tables.RAW_NEWS`; only the first revision of an item counts.
        keys: (rows,) `timestamp` and `symbol` of the values.
        direction: (rows,) values; for 0 the headline with the largest absolute score is chosen.

    Returns:
        (rows,) such as `"Coin surges" (example.com, +0.80)`; "" where no scored headline became available in the 24
        hours up to the bar.
    """
    first = news.sort_values("available_at", kind="stable").drop_duplicates(["symbol", "url"])
    scored = first[first["news_sentiment"].notna()]
    by_symbol = dict(iter(scored.groupby("symbol")))
    lines = []
    for (moment, symbol), value in zip(keys[["timestamp", "symbol"]].itertuples(index=False), direction, strict=True):
        items = by_symbol.get(symbol, scored.iloc[:0])
        items = items[(items["available_at"] <= moment) & (items["available_at"] > moment - AGGREGATION)]
        score = items["news_sentiment"].to_numpy(float)
        if not len(score):
            lines.append("")
            continue
        strongest = items.iloc[int(np.argmax(score * np.sign(value) if value else np.abs(score)))]
        title, sentiment = clip(strongest["title"], MAX_TITLE), strongest["news_sentiment"]
        lines.append(f'"{title}" ({_host(strongest["url"])}, {sentiment:+.2f})')
    return lines


def _host(url: str) -> str:
    try:
        return clip(urlsplit(url).netloc.removeprefix("www."), MAX_HOST)
    except ValueError:  # an incomplete IPv6 address
        return ""


def _label(factor_id: str, name: object, expression: object) -> str:
    label, formula = clip(name, MAX_NAME) or factor_id, clip(expression, MAX_EXPRESSION)
    return f"{label} [{formula}]" if formula else label
