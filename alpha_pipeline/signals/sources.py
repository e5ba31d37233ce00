"""
The table of signal sources: value and confidence as expressions of the factor language, and a base weight.

Expressions are causal; a source is absent in a market that lacks its fields.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """
    One source of the fused signal.

    Args:
        name: as stored and shown.
        weight: base weight; weights of absent sources are distributed over the active ones.
        value: expression in [-1, 1]; NaN where the source is inactive.
        confidence: expression in [0, 1].
        measure: expression quoted in the reason.
        meaning: description of `measure`.
    """

    name: str
    weight: float
    value: str
    confidence: str
    measure: str
    meaning: str


# Days resolve to bars by the market, so one table serves hours and days. A missing bar keeps the last known price.
PRICE = "ffill(close, 3d)"
VOLUME = "fill(volume, 0)"
DAILY = f"ts_return({PRICE}, 1d)"
MOVE_5D = f"(ts_return({PRICE}, 5d) / (ts_std({DAILY}, 20d) * sqrt(5)))"
MOVE_20D = f"(ts_return({PRICE}, 20d) / (ts_std({DAILY}, 20d) * sqrt(20)))"
MOVE = f"(0.5 * {MOVE_5D} + 0.5 * {MOVE_20D})"
VOLUME_RATIO = f"(ts_sum({VOLUME}, 1d) / (ts_mean({VOLUME}, 20d) * ts_count({VOLUME} >= 0, 1d)))"
# TVL in dollars is mostly price: its growth beyond the token's return, and the growth of stablecoin supply.
LOCKED = f"ts_zscore(log_return(tvl, 14d) - log_return({PRICE}, 14d), 30d)"
DOLLARS = "ts_zscore(log_return(stablecoin_supply, 14d), 30d)"
INFLOW = f"(0.5 * {LOCKED} + 0.5 * {DOLLARS})"

NEWS_SOURCE = "sentiment_news"
SOURCES = (
    Source(
        "price_momentum",
        0.25,
        value=f"tanh({MOVE})",
        confidence=f"clip(abs({MOVE}), 0, 1) * where({MOVE_5D} * {MOVE_20D} > 0, 1, 0.5)",
        measure=MOVE,
        meaning="5- and 20-day move in sigmas",
    ),
    Source(
        "volume_breakout",
        0.20,
        value=f"keep_if(sign({DAILY}) * tanh({VOLUME_RATIO} - 1), {VOLUME_RATIO} > 1.5)",
        confidence=f"clip({VOLUME_RATIO} / 3, 0, 1)",
        measure=VOLUME_RATIO,
        meaning="volume of the day over its 20-day mean",
    ),
    Source(
        NEWS_SOURCE,
        0.20,
        value="clip(news_sentiment, -1, 1)",
        confidence="clip(1 - exp(-news_count / 5), 0, 1)",
        measure="news_sentiment",
        meaning="mean sentiment of the day's headlines",
    ),
    Source(
        "sentiment_social",
        0.15,
        value="keep_if(clip(social_sentiment, -1, 1), posts > 0)",
        confidence="clip(1 - exp(-posts / 20), 0, 1)",
        measure="social_sentiment",
        meaning="mean sentiment of the day's posts",
    ),
    Source(
        "onchain_flow",
        0.20,
        value="-tanh(ts_zscore(netflow, 30d))",
        confidence="clip(abs(ts_zscore(netflow, 30d)) / 2, 0, 1)",
        measure="ts_zscore(netflow, 30d)",
        meaning="exchange net inflow against its 30 days",
    ),
    Source(
        "whale_accumulation",
        0.10,
        value="tanh(ts_zscore(delta(whale_balance, 7d), 30d))",
        confidence="clip(abs(ts_zscore(delta(whale_balance, 7d), 30d)) / 2, 0, 1)",
        measure="ts_zscore(delta(whale_balance, 7d), 30d)",
        meaning="weekly change of large holders against 30 days",
    ),
    Source(
        "funding",
        0.10,
        value="-tanh(ts_zscore(funding, 7d))",
        confidence="clip(abs(ts_zscore(funding, 7d)) / 2, 0, 1)",
        measure="ts_zscore(funding, 7d)",
        meaning="funding rate against its 7 days",
    ),
    Source(
        "tvl_momentum",
        0.10,
        value=f"tanh({INFLOW})",
        confidence=f"clip(abs({INFLOW}) / 2, 0, 1) * where({LOCKED} * {DOLLARS} > 0, 1, 0.5)",
        measure=INFLOW,
        meaning="two-week growth of locked value beyond price and of stablecoins, against 30 days",
    ),
)
# Lower bounds; the upper bound is 1 for both.
MINIMUM = {"value": -1.0, "confidence": 0.0}
LIBRARY_SOURCE = "library_factors"
LIBRARY_WEIGHT = 0.25
WEIGHTS = {**{source.name: source.weight for source in SOURCES}, LIBRARY_SOURCE: LIBRARY_WEIGHT}
