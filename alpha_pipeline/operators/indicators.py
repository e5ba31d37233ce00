"""
Indicators: abbreviations written in the language itself.

Each is expanded when parsed, so its parts are shared with everything else that is computed.
"""

from alpha_pipeline.operators.registry import Parameter, formula


def _window(default: int, name: str = "window") -> Parameter:
    return Parameter(name, "window", default=default, minimum=1)


OPEN, HIGH, LOW = (Parameter(name, "series", default=name) for name in ("open", "high", "low"))
CLOSE, VOLUME, X = (
    Parameter(n, "series", default=d) for n, d in (("close", "close"), ("volume", "volume"), ("x", "close"))
)
TYPICAL = Parameter("x", "series", default="(high + low + close) / 3")
WIDTH = Parameter("width", "number", default=2.0, minimum=0.0)

formula(
    "rsi", (X, _window(14)),
    "where(wilder(abs(delta(x, 1)), window) > 0,"
    " 100 * wilder(maximum(delta(x, 1), 0), window) / wilder(abs(delta(x, 1)), window), 50)",
    "Wilder's relative strength index, 0 to 100; 50 where nothing moved.", "rsi(close, 14)",
    ("relative_strength_index", "rsi_wilder"),
)  # fmt: skip
formula(
    "rsi_sma", (X, _window(14)),
    "where(ts_sum(abs(delta(x, 1)), window) > 0,"
    " 100 * ts_sum(maximum(delta(x, 1), 0), window) / ts_sum(abs(delta(x, 1)), window), 50)",
    "Relative strength index with plain sums (Cutler), 0 to 100; 50 where nothing moved.", "rsi_sma(close, 14)",
    ("cutler_rsi",),
)  # fmt: skip
formula(
    "true_range", (HIGH, LOW, CLOSE),
    "maximum(high, delay(close, 1)) - minimum(low, delay(close, 1))",
    "Range of the bar including the gap from the last close.", "true_range(high, low, close)", ("tr", "trange"),
)  # fmt: skip
formula(
    "atr", (HIGH, LOW, CLOSE, _window(14)),
    "wilder(maximum(high, delay(close, 1)) - minimum(low, delay(close, 1)), window)",
    "Average true range (Wilder), in price.", "atr(high, low, close, 14)", ("average_true_range",),
)  # fmt: skip
formula(
    "bollinger_upper", (X, _window(20), WIDTH), "ts_mean(x, window) + width * ts_std(x, window)",
    "Upper Bollinger band.", "bollinger_upper(close, 20, 2)", ("bb_upper", "bbands_upper", "upper_band"),
)  # fmt: skip
formula(
    "bollinger_lower", (X, _window(20), WIDTH), "ts_mean(x, window) - width * ts_std(x, window)",
    "Lower Bollinger band.", "bollinger_lower(close, 20, 2)", ("bb_lower", "bbands_lower", "lower_band"),
)  # fmt: skip
formula(
    "bollinger", (X, _window(20), WIDTH), "(x - ts_mean(x, window)) / (width * ts_std(x, window))",
    "Place between the Bollinger bands: -1 at the lower, 1 at the upper.", "bollinger(close, 20, 2)",
    ("bollinger_position", "bbands", "bb", "percent_b"),
)  # fmt: skip
formula(
    "bollinger_width", (X, _window(20), WIDTH), "2 * width * ts_std(x, window) / ts_mean(x, window)",
    "Distance of the Bollinger bands over their middle.", "bollinger_width(close, 20, 2)", ("bb_width", "bandwidth"),
)  # fmt: skip
formula(
    "vwap", (TYPICAL, VOLUME, _window(20)), "ts_sum(x * volume, window) / ts_sum(volume, window)",
    "Volume-weighted mean price of the last `window` bars.", "vwap(close, volume, 20)", ("rolling_vwap", "ts_vwap"),
)  # fmt: skip
formula(
    "realized_vol", (X, _window(20)), "ts_std(log_return(x, 1), window)",
    "Standard deviation of log returns per bar, not annualised.", "realized_vol(close, 20)",
    ("realised_vol", "volatility", "realized_volatility", "realised_volatility", "hist_vol", "historical_volatility"),
)  # fmt: skip
formula(
    "macd", (X, _window(12, "fast"), _window(26, "slow")), "ema(x, fast) - ema(x, slow)",
    "Fast minus slow exponential mean, in the unit of x.", "macd(close, 12, 26)", ("macd_line",),
)  # fmt: skip
formula(
    "macd_hist", (X, _window(12, "fast"), _window(26, "slow"), _window(9, "signal")),
    "ema(x, fast) - ema(x, slow) - ema(ema(x, fast) - ema(x, slow), signal)",
    "MACD minus its own exponential mean.", "macd_hist(close, 12, 26, 9)", ("macd_histogram", "macd_diff"),
)  # fmt: skip
formula(
    "stochastic", (HIGH, LOW, CLOSE, _window(14)),
    "100 * (close - ts_min(low, window)) / (ts_max(high, window) - ts_min(low, window))",
    "Place of the close in the range of the last `window` bars, 0 to 100 (%K).", "stochastic(high, low, close, 14)",
    ("stoch", "stoch_k", "stochastic_k"),
)  # fmt: skip
formula(
    "williams_r", (HIGH, LOW, CLOSE, _window(14)),
    "-100 * (ts_max(high, window) - close) / (ts_max(high, window) - ts_min(low, window))",
    "Williams %R, -100 to 0.", "williams_r(high, low, close, 14)", ("willr", "williams", "wr"),
)  # fmt: skip
formula(
    "parkinson", (HIGH, LOW, _window(20)), "sqrt(ts_mean(square(log(high / low)), window) / 2.772588722239781)",
    "Parkinson volatility per bar from highs and lows.", "parkinson(high, low, 20)", ("parkinson_vol",),
)  # fmt: skip
formula(
    "garman_klass", (OPEN, HIGH, LOW, CLOSE, _window(20)),
    "sqrt(ts_mean(0.5 * square(log(high / low)) - 0.3862943611198906 * square(log(close / open)), window))",
    "Garman-Klass volatility per bar.", "garman_klass(open, high, low, close, 20)", ("garman_klass_vol", "gk_vol"),
)  # fmt: skip
formula(
    "amihud", (X, VOLUME, _window(20)), "ts_mean(abs(ts_return(x, 1)) / (x * volume), window)",
    "Amihud illiquidity: mean of abs(return) per money traded.", "amihud(close, volume, 20)", ("illiquidity",),
)  # fmt: skip
formula(
    "obv", (X, VOLUME, _window(20)), "ts_sum(sign(delta(x, 1)) * volume, window)",
    "On-balance volume over the last `window` bars.", "obv(close, volume, 20)", ("on_balance_volume",),
)  # fmt: skip
formula(
    "volume_ratio", (VOLUME, _window(20)), "volume / ts_mean(volume, window)",
    "Volume over its mean.", "volume_ratio(volume, 20)", ("relative_volume", "rvol", "vol_ratio"),
)  # fmt: skip
formula(
    "adv", (VOLUME, _window(20)), "ts_mean(volume, window)",
    "Average volume of the last `window` bars; adv20 means adv(20).", "adv(volume, 20)", ("average_volume",),
)  # fmt: skip
formula(
    "typical_price", (HIGH, LOW, CLOSE), "(high + low + close) / 3",
    "Mean of high, low and close.", "typical_price(high, low, close)", ("hlc3", "typprice"),
)  # fmt: skip
