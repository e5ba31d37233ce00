"""
Oscillators: where the price stands, or which way it has been moving, on a scale of their own.

Declared as formulas; those that weigh by volume are in `volume`.
"""

from alpha_pipeline.operators.indicators.parameters import CLOSE, HIGH, LOW, TYPICAL, X, bars
from alpha_pipeline.operators.registry import Parameter, formula

_SCALE = Parameter("scale", "number", default=0.015, minimum=1e-12)

formula(
    "rsi", (X, bars(14)),
    "where(wilder(abs(delta(x, 1)), window) > 0,"
    " 100 * wilder(maximum(delta(x, 1), 0), window) / wilder(abs(delta(x, 1)), window), 50)",
    "Wilder's relative strength index, 0 to 100; 50 where nothing moved.", "rsi(close, 14)",
    ("relative_strength_index", "rsi_wilder"),
)  # fmt: skip
formula(
    "rsi_sma", (X, bars(14)),
    "where(ts_sum(abs(delta(x, 1)), window) > 0,"
    " 100 * ts_sum(maximum(delta(x, 1), 0), window) / ts_sum(abs(delta(x, 1)), window), 50)",
    "Relative strength index with plain sums (Cutler), 0 to 100; 50 where nothing moved.", "rsi_sma(close, 14)",
    ("cutler_rsi",),
)  # fmt: skip
formula(
    "cmo", (X, bars(14)), "100 * ts_sum(delta(x, 1), window) / ts_sum(abs(delta(x, 1)), window)",
    "Chande momentum oscillator, -100 to 100; NaN where nothing moved.", "cmo(close, 14)", ("chande_momentum",),
)  # fmt: skip
formula(
    "stochastic", (HIGH, LOW, CLOSE, bars(14)),
    "100 * (close - ts_min(low, window)) / (ts_max(high, window) - ts_min(low, window))",
    "Place of the close in the range of the last `window` bars, 0 to 100 (%K).", "stochastic(high, low, close, 14)",
    ("stoch", "stoch_k", "stochastic_k"),
)  # fmt: skip
formula(
    "stochastic_d", (HIGH, LOW, CLOSE, bars(14), bars(3, "smooth")),
    "ts_mean(stochastic(high, low, close, window), smooth)",
    "Mean of %K over `smooth` bars (%D, or the slow %K).", "stochastic_d(high, low, close, 14, 3)",
    ("stoch_d", "stochastic_slow", "slow_k"),
)  # fmt: skip
formula(
    "stochastic_rsi", (X, bars(14)),
    "(rsi(x, window) - ts_min(rsi(x, window), window))"
    " / (ts_max(rsi(x, window), window) - ts_min(rsi(x, window), window))",
    "Place of the RSI in its own range of the last `window` bars, 0 to 1.", "stochastic_rsi(close, 14)",
    ("stoch_rsi", "stochrsi"),
)  # fmt: skip
formula(
    "williams_r", (HIGH, LOW, CLOSE, bars(14)),
    "-100 * (ts_max(high, window) - close) / (ts_max(high, window) - ts_min(low, window))",
    "Williams %R, -100 to 0.", "williams_r(high, low, close, 14)", ("willr", "williams", "wr"),
)  # fmt: skip
formula(
    "ibs", (HIGH, LOW, CLOSE), "(close - low) / (high - low)",
    "Internal bar strength: place of the close in its bar, 0 to 1; NaN for a bar without range.",
    "ibs(high, low, close)", ("internal_bar_strength",),
)  # fmt: skip
formula(
    "cci", (TYPICAL, bars(20), _SCALE), "(x - ts_mean(x, window)) / (scale * ts_mad(x, window))",
    "Commodity channel index: distance of x from its mean in mean absolute deviations.",
    "cci(typical_price(), 20)", ("commodity_channel_index",),
)  # fmt: skip
formula(
    "tsi", (X, bars(25, "slow"), bars(13, "fast")),
    "100 * ema(ema(delta(x, 1), slow), fast) / ema(ema(abs(delta(x, 1)), slow), fast)",
    "True strength index: smoothed move over smoothed size of moves, -100 to 100.", "tsi(close, 25, 13)",
    ("true_strength_index",),
)  # fmt: skip
formula(
    "ultimate", (HIGH, LOW, CLOSE, bars(7, "short"), bars(14, "middle"), bars(28, "long")),
    "100 / 7 * ("
    "4 * ts_sum(close - minimum(low, delay(close, 1)), short) / ts_sum(true_range(high, low, close), short) + "
    "2 * ts_sum(close - minimum(low, delay(close, 1)), middle) / ts_sum(true_range(high, low, close), middle) + "
    "ts_sum(close - minimum(low, delay(close, 1)), long) / ts_sum(true_range(high, low, close), long))",
    "Ultimate oscillator: buying pressure over three windows, 0 to 100.", "ultimate(high, low, close, 7, 14, 28)",
    ("ultimate_oscillator", "ultosc", "uo"),
)  # fmt: skip
formula(
    "choppiness", (HIGH, LOW, CLOSE, bars(14, minimum=2)),
    "100 * log(ts_sum(true_range(high, low, close), window) / (ts_max(high, window) - ts_min(low, window)))"
    " / log(window)",
    "Choppiness index: near 100 sideways, near 0 in a straight move.", "choppiness(high, low, close, 14)",
    ("chop", "choppiness_index"),
)  # fmt: skip
