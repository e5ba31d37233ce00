"""
Trend: means that follow faster, distances between means, channels, and how directly a price moved.

Declared as formulas; oscillators with fixed bounds are in `oscillators`.
"""

from alpha_pipeline.operators.indicators.parameters import CLOSE, HIGH, LOW, OPEN, WIDTH, X, bars
from alpha_pipeline.operators.registry import formula

_RISE, _FALL = "maximum(delta(high, 1), 0)", "maximum(-delta(low, 1), 0)"
_MOVED = f"where({_RISE} > {_FALL}, {_RISE}, where({_FALL} > {_RISE}, -{_FALL}, 0))"

formula(
    "typical_price", (HIGH, LOW, CLOSE), "(high + low + close) / 3",
    "Mean of high, low and close.", "typical_price(high, low, close)", ("hlc3", "typprice"),
)  # fmt: skip
formula(
    "median_price", (HIGH, LOW), "(high + low) / 2",
    "Middle of high and low.", "median_price(high, low)", ("hl2", "medprice", "mid_price"),
)  # fmt: skip
formula(
    "mean_price", (OPEN, HIGH, LOW, CLOSE), "(open + high + low + close) / 4",
    "Mean of open, high, low and close.", "mean_price(open, high, low, close)", ("ohlc4", "avgprice"),
)  # fmt: skip
formula(
    "dema", (X, bars(20)), "2 * ema(x, window) - ema(ema(x, window), window)",
    "Double exponential mean: less lag than ema.", "dema(close, 20)", ("double_ema",),
)  # fmt: skip
formula(
    "tema", (X, bars(20)),
    "3 * ema(x, window) - 3 * ema(ema(x, window), window) + ema(ema(ema(x, window), window), window)",
    "Triple exponential mean: less lag than dema.", "tema(close, 10)", ("triple_ema",),
)  # fmt: skip
formula(
    "hma", (X, bars(20, minimum=2)),
    "decay_linear(2 * decay_linear(x, floor(window / 2)) - decay_linear(x, window), floor(sqrt(window)))",
    "Hull moving average: linear weights over window, half of it and its root (rounded down).", "hma(close, 20)",
    ("hull", "hull_ma", "hull_moving_average"),
)  # fmt: skip
formula(
    "disparity", (X, bars(20)), "x / ts_mean(x, window) - 1",
    "Distance of x from its mean, as a fraction of the mean.", "disparity(close, 20)",
    ("ma_distance", "distance_to_mean", "deviation_from_mean", "price_to_ma"),
)  # fmt: skip
formula(
    "macd", (X, bars(12, "fast"), bars(26, "slow")), "ema(x, fast) - ema(x, slow)",
    "Fast minus slow exponential mean, in the unit of x.", "macd(close, 12, 26)",
    ("macd_line", "apo", "price_oscillator"),
)  # fmt: skip
formula(
    "macd_signal", (X, bars(12, "fast"), bars(26, "slow"), bars(9, "signal")),
    "ema(ema(x, fast) - ema(x, slow), signal)",
    "Exponential mean of MACD.", "macd_signal(close, 12, 26, 9)", ("macd_signal_line",),
)  # fmt: skip
formula(
    "macd_hist", (X, bars(12, "fast"), bars(26, "slow"), bars(9, "signal")),
    "ema(x, fast) - ema(x, slow) - ema(ema(x, fast) - ema(x, slow), signal)",
    "MACD minus its own exponential mean.", "macd_hist(close, 12, 26, 9)", ("macd_histogram", "macd_diff"),
)  # fmt: skip
formula(
    "ppo", (X, bars(12, "fast"), bars(26, "slow")), "100 * (ema(x, fast) - ema(x, slow)) / ema(x, slow)",
    "Percentage price oscillator: MACD in percent of the slow mean.", "ppo(close, 12, 26)",
    ("percentage_price_oscillator", "macd_pct"),
)  # fmt: skip
formula(
    "ppo_hist", (X, bars(12, "fast"), bars(26, "slow"), bars(9, "signal")),
    "ppo(x, fast, slow) - ema(ppo(x, fast, slow), signal)",
    "PPO minus its own exponential mean.", "ppo_hist(close, 12, 26, 9)", ("ppo_histogram",),
)  # fmt: skip
formula(
    "trix", (X, bars(15)), "100 * ts_return(ema(ema(ema(x, window), window), window), 1)",
    "Change in percent of a triple-smoothed exponential mean.", "trix(close, 10)",
)  # fmt: skip
formula(
    "efficiency_ratio", (X, bars(10)), "abs(delta(x, window)) / ts_sum(abs(delta(x, 1)), window)",
    "Kaufman efficiency ratio: net move over path, 0 (noise) to 1 (straight); NaN where nothing moved.",
    "efficiency_ratio(close, 10)", ("kaufman_er", "kaufman_efficiency", "er"),
)  # fmt: skip
# Directional movement is the larger of the rise of highs and the fall of lows, with a sign: _MOVED.
formula(
    "plus_di", (HIGH, LOW, CLOSE, bars(14)),
    f"100 * wilder(where({_RISE} > {_FALL}, {_RISE}, 0), window) / atr(high, low, close, window)",
    "Plus directional indicator (Wilder), 0 to 100.", "plus_di(high, low, close, 14)", ("di_plus", "pdi"),
)  # fmt: skip
formula(
    "minus_di", (HIGH, LOW, CLOSE, bars(14)),
    f"100 * wilder(where({_FALL} > {_RISE}, {_FALL}, 0), window) / atr(high, low, close, window)",
    "Minus directional indicator (Wilder), 0 to 100.", "minus_di(high, low, close, 14)", ("di_minus", "mdi"),
)  # fmt: skip
formula(
    "dx", (HIGH, LOW, CLOSE, bars(14)),
    f"where(wilder(abs({_MOVED}), window) > 0,"
    f" 100 * abs(wilder({_MOVED}, window)) / wilder(abs({_MOVED}), window), 0)",
    "Directional movement index, 0 to 100; 0 without any. True ranges cancel in it.", "dx(high, low, close, 14)",
    ("directional_index",),
)  # fmt: skip
formula(
    "adx", (HIGH, LOW, CLOSE, bars(14)), "wilder(dx(high, low, close, window), window)",
    "Average directional index (Wilder): strength of the trend, 0 to 100.", "adx(high, low, close, 10)",
    ("average_directional_index",),
)  # fmt: skip
formula(
    "vortex", (HIGH, LOW, CLOSE, bars(14)),
    "(ts_sum(abs(high - delay(low, 1)), window) - ts_sum(abs(low - delay(high, 1)), window))"
    " / ts_sum(true_range(high, low, close), window)",
    "Vortex indicator, plus line minus minus line.", "vortex(high, low, close, 14)", ("vortex_diff",),
)  # fmt: skip
formula(
    "aroon_up", (HIGH, bars(25)), "100 * (ts_argmax(high, window + 1) - 1) / window",
    "How recent the highest high is: 100 now, 0 `window` bars ago.", "aroon_up(high, 25)",
)  # fmt: skip
formula(
    "aroon_down", (LOW, bars(25)), "100 * (ts_argmin(low, window + 1) - 1) / window",
    "How recent the lowest low is: 100 now, 0 `window` bars ago.", "aroon_down(low, 25)",
)  # fmt: skip
formula(
    "aroon", (HIGH, LOW, bars(25)), "100 * (ts_argmax(high, window + 1) - ts_argmin(low, window + 1)) / window",
    "Aroon oscillator, up minus down, -100 to 100.", "aroon(high, low, 25)", ("aroon_oscillator", "aroonosc"),
)  # fmt: skip
formula(
    "bollinger_upper", (X, bars(20), WIDTH), "ts_mean(x, window) + width * ts_std(x, window)",
    "Upper Bollinger band.", "bollinger_upper(close, 20, 2)", ("bb_upper", "bbands_upper", "upper_band"),
)  # fmt: skip
formula(
    "bollinger_lower", (X, bars(20), WIDTH), "ts_mean(x, window) - width * ts_std(x, window)",
    "Lower Bollinger band.", "bollinger_lower(close, 20, 2)", ("bb_lower", "bbands_lower", "lower_band"),
)  # fmt: skip
formula(
    "bollinger", (X, bars(20), WIDTH), "(x - ts_mean(x, window)) / (width * ts_std(x, window))",
    "Place between the Bollinger bands: -1 at the lower, 1 at the upper.", "bollinger(close, 20, 2)",
    ("bollinger_position", "bbands", "bb", "percent_b"),
)  # fmt: skip
formula(
    "bollinger_width", (X, bars(20), WIDTH), "2 * width * ts_std(x, window) / ts_mean(x, window)",
    "Distance of the Bollinger bands over their middle.", "bollinger_width(close, 20, 2)", ("bb_width", "bandwidth"),
)  # fmt: skip
formula(
    "keltner", (HIGH, LOW, CLOSE, bars(20), WIDTH, bars(10, "atr_window")),
    "(close - ema(close, window)) / (width * atr(high, low, close, atr_window))",
    "Place in the Keltner channel: -1 at the lower line, 1 at the upper.", "keltner(high, low, close, 20, 2, 10)",
    ("keltner_position",),
)  # fmt: skip
formula(
    "keltner_upper", (HIGH, LOW, CLOSE, bars(20), WIDTH, bars(10, "atr_window")),
    "ema(close, window) + width * atr(high, low, close, atr_window)",
    "Upper Keltner line.", "keltner_upper(high, low, close, 20, 2, 10)", ("kc_upper",),
)  # fmt: skip
formula(
    "keltner_lower", (HIGH, LOW, CLOSE, bars(20), WIDTH, bars(10, "atr_window")),
    "ema(close, window) - width * atr(high, low, close, atr_window)",
    "Lower Keltner line.", "keltner_lower(high, low, close, 20, 2, 10)", ("kc_lower",),
)  # fmt: skip
formula(
    "donchian", (HIGH, LOW, CLOSE, bars(20)),
    "2 * (close - ts_min(low, window)) / (ts_max(high, window) - ts_min(low, window)) - 1",
    "Place in the Donchian channel: -1 at the lowest low, 1 at the highest high.", "donchian(high, low, close, 20)",
    ("donchian_position", "channel_position"),
)  # fmt: skip
formula(
    "donchian_middle", (HIGH, LOW, bars(20)), "(ts_max(high, window) + ts_min(low, window)) / 2",
    "Middle of the Donchian channel, the lines of Ichimoku.", "donchian_middle(high, low, 20)",
    ("midprice", "tenkan", "kijun", "ichimoku_line"),
)  # fmt: skip
