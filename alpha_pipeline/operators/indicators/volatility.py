"""
Volatility: how far prices move, from closes or whole bars, what trading costs, and how deep they fell.

Declared as formulas; all per bar, not annualised.
"""

from alpha_pipeline.operators.indicators.parameters import CLOSE, HIGH, LOW, OPEN, X, bars
from alpha_pipeline.operators.registry import formula

# Corwin and Schultz, A Simple Way to Estimate Bid-Ask Spreads from Daily High and Low Prices (2012), without their
# correction for overnight gaps. 0.171572875253809904 is 3 - 2 sqrt(2); 2 (e^a - 1) / (e^a + 1) is 2 tanh(a / 2).
_BETA = "(square(log(high / low)) + square(log(delay(high, 1) / delay(low, 1))))"
_GAMMA = "square(log(maximum(high, delay(high, 1)) / minimum(low, delay(low, 1))))"
_ALPHA = f"((sqrt(2) - 1) * sqrt({_BETA}) / 0.1715728752538099 - sqrt({_GAMMA} / 0.1715728752538099))"

formula(
    "true_range", (HIGH, LOW, CLOSE),
    "maximum(high, delay(close, 1)) - minimum(low, delay(close, 1))",
    "Range of the bar including the gap from the last close.", "true_range(high, low, close)", ("tr", "trange"),
)  # fmt: skip
formula(
    "atr", (HIGH, LOW, CLOSE, bars(14)),
    "wilder(maximum(high, delay(close, 1)) - minimum(low, delay(close, 1)), window)",
    "Average true range (Wilder), in price.", "atr(high, low, close, 14)", ("average_true_range",),
)  # fmt: skip
formula(
    "natr", (HIGH, LOW, CLOSE, bars(14)), "100 * atr(high, low, close, window) / close",
    "Average true range in percent of the close.", "natr(high, low, close, 14)",
    ("normalized_atr", "normalised_atr", "atr_percent", "atrp"),
)  # fmt: skip
formula(
    "realized_vol", (X, bars(20)), "ts_std(log_return(x, 1), window)",
    "Standard deviation of log returns per bar, not annualised.", "realized_vol(close, 20)",
    ("realised_vol", "volatility", "realized_volatility", "realised_volatility", "hist_vol", "historical_volatility"),
)  # fmt: skip
formula(
    "downside_vol", (X, bars(20)), "sqrt(ts_mean(square(minimum(log_return(x, 1), 0)), window))",
    "Root of the mean square of falling log returns.", "downside_vol(close, 20)",
    ("downside_deviation", "semi_deviation", "semideviation"),
)  # fmt: skip
formula(
    "parkinson", (HIGH, LOW, bars(20)), "sqrt(ts_mean(square(log(high / low)), window) / 2.772588722239781)",
    "Parkinson volatility per bar from highs and lows.", "parkinson(high, low, 20)", ("parkinson_vol",),
)  # fmt: skip
formula(
    "garman_klass", (OPEN, HIGH, LOW, CLOSE, bars(20)),
    "sqrt(ts_mean(0.5 * square(log(high / low)) - 0.3862943611198906 * square(log(close / open)), window))",
    "Garman-Klass volatility per bar.", "garman_klass(open, high, low, close, 20)", ("garman_klass_vol", "gk_vol"),
)  # fmt: skip
formula(
    "rogers_satchell", (OPEN, HIGH, LOW, CLOSE, bars(20)),
    "sqrt(ts_mean(log(high / close) * log(high / open) + log(low / close) * log(low / open), window))",
    "Rogers-Satchell volatility per bar; a drift does not disturb it.", "rogers_satchell(open, high, low, close, 20)",
    ("rogers_satchell_vol", "rs_vol"),
)  # fmt: skip
formula(
    "yang_zhang", (OPEN, HIGH, LOW, CLOSE, bars(20, minimum=2)),
    "sqrt(ts_var(log(open / delay(close, 1)), window)"
    " + 0.34 / (1.34 + (window + 1) / (window - 1)) * ts_var(log(close / open), window)"
    " + (1 - 0.34 / (1.34 + (window + 1) / (window - 1)))"
    " * ts_mean(log(high / close) * log(high / open) + log(low / close) * log(low / open), window))",
    "Yang-Zhang volatility per bar: gaps, bars and their range, minimal variance.",
    "yang_zhang(open, high, low, close, 20)", ("yang_zhang_vol", "yz_vol"),
)  # fmt: skip
formula(
    "roll_spread", (X, bars(20, minimum=2)),
    "2 * sqrt(maximum(-ts_cov(delta(x, 1), delay(delta(x, 1), 1), window), 0))",
    "Roll's effective spread from the bounce between changes, in the unit of x; 0 where they do not bounce.",
    "roll_spread(close, 20)", ("roll", "roll_measure"),
)  # fmt: skip
formula(
    "corwin_schultz", (HIGH, LOW, bars(20)), f"ts_mean(maximum(2 * tanh({_ALPHA} / 2), 0), window)",
    "Corwin-Schultz spread from highs and lows, as a fraction of the price; negative estimates count as 0.",
    "corwin_schultz(high, low, 20)", ("corwin_schultz_spread", "high_low_spread"),
)  # fmt: skip
formula(
    "variance_ratio", (X, bars(60, minimum=2), bars(5, "lag")),
    "ts_var(log_return(x, lag), window) / (lag * ts_var(log_return(x, 1), window))",
    "Variance of `lag`-bar returns over `lag` times that of one bar: above 1 trends, below 1 reverts.",
    "variance_ratio(close, 60, 5)", ("vratio", "lo_mackinlay"),
)  # fmt: skip
formula(
    "hurst", (X, bars(60, minimum=2), bars(5, "lag", minimum=2)),
    "0.5 + 0.5 * log(ts_var(log_return(x, lag), window) / (lag * ts_var(log_return(x, 1), window))) / log(lag)",
    "Hurst exponent from the growth of variance between 1 and `lag` bars: 0.5 for a random walk.",
    "hurst(close, 60, 5)", ("hurst_exponent",),
)  # fmt: skip
formula(
    "drawdown", (X, bars(60)), "x / ts_max(x, window) - 1",
    "Distance from the highest x of the last `window` bars, 0 or less.", "drawdown(close, 60)",
    ("distance_from_high", "ts_drawdown", "rolling_drawdown"),
)  # fmt: skip
formula(
    "max_drawdown", (X, bars(60)), "ts_min(x / ts_max(x, window) - 1, window)",
    "Deepest drawdown of the last `window` bars, each from the peak of the `window` bars before it.",
    "max_drawdown(close, 60)", ("mdd", "rolling_max_drawdown"),
)  # fmt: skip
formula(
    "ulcer", (X, bars(14)), "sqrt(ts_mean(square(100 * (x / ts_max(x, window) - 1)), window))",
    "Ulcer index: root mean square of drawdowns in percent.", "ulcer(close, 14)", ("ulcer_index",),
)  # fmt: skip
