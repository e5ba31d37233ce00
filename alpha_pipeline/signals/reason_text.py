"""
What a source's line says beside its number: the factors that lead the library, the headline that moved a sentiment.

Names and titles are untrusted: they are made plain and short here, and escaped where they are shown.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from alpha_pipeline.market.fields import GATHERED
from alpha_pipeline.text.untrusted import normalize, truncate
from alpha_pipeline.typing import Array

LEADERS = 3
LONGEST_NAME, LONGEST_EXPRESSION, LONGEST_TITLE, LONGEST_HOST = 24, 40, 80, 30


def clip(text: object, width: int) -> str:
    """One normalized line of at most `width` characters; an ellipsis marks the cut, "" stands for no text."""
    return truncate(normalize(text), width)


def leading_factors(factors: pd.DataFrame, ranks: Array, weights: Array) -> list[str]:
    """
    The factors that move each row of the library's signal most.

    Args:
        factors: one row per column of `ranks`: `factor_id`, `name`, `expression`.
        ranks: (rows, factors) signed ranks in (-1, 1); NaN where a factor has no value.
        weights: (factors,) signed.

    Returns:
        (rows,) such as `3 library factors, led by momentum [ts_return(close, 120)] rank +0.80 weight +0.012`, up to
        three of them, the largest product of rank and weight first.
    """
    named = [_named(*row) for row in factors[["factor_id", "name", "expression"]].itertuples(index=False)]
    push = np.nan_to_num(np.abs(ranks * weights))
    order = np.argsort(-push, axis=1, kind="stable")[:, :LEADERS]
    lines = []
    for row, columns in enumerate(order):
        present = np.isfinite(ranks[row])
        led = [f"{named[i]} rank {ranks[row, i]:+.2f} weight {weights[i]:+.3f}" for i in columns if present[i]]
        factor = "factor" if present.sum() == 1 else "factors"
        lines.append(f"{present.sum()} library {factor}, led by {', '.join(led)}")
    return lines


def strongest_headlines(news: pd.DataFrame, keys: pd.DataFrame, direction: Sequence[float]) -> list[str]:
    """
    The scored headline that speaks most for each value, among those that the value was made of.

    Args:
        news: rows of `tables.RAW_NEWS`; an item counts once, when it was first known.
        keys: (rows,) `timestamp` and `symbol` of the values.
        direction: (rows,) values; of 0, the loudest headline is quoted.

    Returns:
        (rows,) such as `"Coin surges" (example.com, +0.80)`; "" where no scored headline became known in the 24 hours
        up to the bar.
    """
    first = news.sort_values("available_at", kind="stable").drop_duplicates(["symbol", "url"])
    scored = first[first["news_sentiment"].notna()]
    by_symbol = dict(iter(scored.groupby("symbol")))
    lines = []
    for (moment, symbol), value in zip(keys[["timestamp", "symbol"]].itertuples(index=False), direction, strict=True):
        mine = by_symbol.get(symbol, scored.iloc[:0])
        fresh = mine[(mine["available_at"] <= moment) & (mine["available_at"] > moment - GATHERED)]
        score = fresh["news_sentiment"].to_numpy(float)
        if not len(score):
            lines.append("")
            continue
        loudest = fresh.iloc[int(np.argmax(score * np.sign(value) if value else np.abs(score)))]
        title, sentiment = clip(loudest["title"], LONGEST_TITLE), loudest["news_sentiment"]
        lines.append(f'"{title}" ({_host(loudest["url"])}, {sentiment:+.2f})')
    return lines


def _host(url: str) -> str:
    try:
        return clip(urlsplit(url).netloc.removeprefix("www."), LONGEST_HOST)
    except ValueError:  # half of an IPv6 address: no reason to end a run date
        return ""


def _named(factor_id: str, name: object, expression: object) -> str:
    shown, formula = clip(name, LONGEST_NAME) or factor_id, clip(expression, LONGEST_EXPRESSION)
    return f"{shown} [{formula}]" if formula else shown
