"""
Known factors the library starts with: the five templates of the specification and three classics.

They are measured like any other and labelled as references; they are never traded, only compared with.
"""

from alpha_pipeline.factor import FactorDefinition

REFERENCES = (
    FactorDefinition(
        "momentum_volume",
        "ts_return(close, 5d) * log(volume / ts_mean(volume, 20d) + 1)",
        rationale="Momentum confirmed by volume.",
    ),
    FactorDefinition(
        "mean_reversion_volatility",
        "-ts_zscore(close, 20d) / realized_vol(close, 10d)",
        rationale="Mean reversion scaled by the volatility regime.",
    ),
    FactorDefinition(
        "breakout_filter",
        "sign(close - delay(ts_max(close, 20d), 1)) * ts_zscore(volume, 20d)",
        rationale="Breakouts out of the range before the bar, filtered by volume.",
    ),
    FactorDefinition(
        "rsi_momentum",
        "(rsi(close, 14) - 50) / 50 * ts_return(close, 5d)",
        rationale="Momentum weighted by Wilder's relative strength.",
    ),
    FactorDefinition(
        "volatility_adjusted_return",
        "ts_return(close, 5d) / realized_vol(close, 5d)",
        rationale="Return per unit of risk.",
    ),
    FactorDefinition("short_term_reversal", "-ts_return(close, 1d)", rationale="Yesterday's losers recover."),
    FactorDefinition("low_volatility", "-realized_vol(close, 20d)", rationale="Calm symbols are underpriced."),
    FactorDefinition(
        "price_volume_divergence", "-ts_corr(close, volume, 10d)", rationale="Moves without volume do not last."
    ),
)
