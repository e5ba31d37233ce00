"""
Reference factors of the library: templates, classics, and factors of funding, on-chain data and sentiment.

They are measured like any other factor and labelled as references; they are a benchmark and never traded.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReferenceFactor:
    """A known factor: its display name, its expression in the DSL, and why it might work."""

    name: str
    source: str
    rationale: str


REFERENCES = (
    ReferenceFactor(
        "momentum_volume",
        "ts_return(close, 5d) * log(volume / ts_mean(volume, 20d) + 1)",
        rationale="Momentum confirmed by volume.",
    ),
    ReferenceFactor(
        "mean_reversion_volatility",
        "-ts_zscore(close, 20d) / realized_vol(close, 10d)",
        rationale="Mean reversion scaled by the volatility regime.",
    ),
    ReferenceFactor(
        "breakout_filter",
        "sign(close - delay(ts_max(close, 20d), 1)) * ts_zscore(volume, 20d)",
        rationale="Breakouts out of the range before the bar, filtered by volume.",
    ),
    ReferenceFactor(
        "rsi_momentum",
        "(rsi(close, 14) - 50) / 50 * ts_return(close, 5d)",
        rationale="Momentum weighted by Wilder's relative strength.",
    ),
    ReferenceFactor(
        "volatility_adjusted_return",
        "ts_return(close, 5d) / realized_vol(close, 5d)",
        rationale="Return per unit of risk.",
    ),
    ReferenceFactor("short_term_reversal", "-ts_return(close, 1d)", rationale="Yesterday's losers recover."),
    ReferenceFactor("low_volatility", "-realized_vol(close, 20d)", rationale="Calm symbols are underpriced."),
    ReferenceFactor(
        "price_volume_divergence", "-ts_corr(close, volume, 10d)", rationale="Moves without volume do not last."
    ),
    ReferenceFactor(
        "funding_momentum",
        "-ts_zscore(ts_mean(funding, 7d), 30d) * (close > ts_min(close, 3d) * 1.01)",
        rationale="Those who pay to be short are squeezed once the price recovers.",
    ),
    ReferenceFactor(
        "whale_accumulation",
        "ts_zscore(delta(whale_balance, 7d), 60d) * (ts_rank(ts_max(close, 14d) / ts_min(close, 14d), 60d) < 0.3)",
        rationale="Large holders buy while the price rests.",
    ),
    ReferenceFactor(
        "exchange_flow",
        "-tanh(ts_zscore(netflow / ts_mean(volume, 30d), 30d))",
        rationale="Coins that leave exchanges are not for sale.",
    ),
    ReferenceFactor(
        "social_momentum",
        "ts_zscore(delta(social_sentiment, 3d), 30d) - ts_zscore(ts_return(close, 3d), 30d)",
        rationale="Talk that has run ahead of the price, or fallen behind it.",
    ),
    ReferenceFactor(
        "defi_tvl_momentum",
        "ts_zscore(log_return(tvl, 14d) - log_return(close, 14d), 60d)"
        " + ts_zscore(log_return(stablecoin_supply, 14d), 60d)",
        rationale="Value locked beyond what the price explains, and fresh money on the chain.",
    ),
)
