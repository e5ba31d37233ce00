"""
Volume: prices weighed by what was traded, and the side it was traded on.

Declared as formulas. Lines that are summed from the beginning of history elsewhere are summed over a window here: a
factor has bounded memory.
"""

from alpha_pipeline.operators.indicators.parameters import CLOSE, HIGH, LOW, TYPICAL, VOLUME, X, bars
from alpha_pipeline.operators.registry import formula

_FLOW = "clv(high, low, close) * volume"

formula(
    "vwap", (TYPICAL, VOLUME, bars(20)), "ts_sum(x * volume, window) / ts_sum(volume, window)",
    "Volume-weighted mean price of the last `window` bars.", "vwap(close, volume, 20)", ("rolling_vwap", "ts_vwap"),
)  # fmt: skip
formula(
    "vwap_distance", (X, VOLUME, bars(20)), "x / (ts_sum(x * volume, window) / ts_sum(volume, window)) - 1",
    "Distance of x from its volume-weighted mean, as a fraction of it.", "vwap_distance(close, volume, 20)",
    ("distance_to_vwap", "vwap_deviation"),
)  # fmt: skip
formula(
    "volume_ratio", (VOLUME, bars(20)), "volume / ts_mean(volume, window)",
    "Volume over its mean.", "volume_ratio(volume, 20)", ("relative_volume", "rvol", "vol_ratio"),
)  # fmt: skip
formula(
    "adv", (VOLUME, bars(20)), "ts_mean(volume, window)",
    "Average volume of the last `window` bars; adv20 means adv(20).", "adv(volume, 20)", ("average_volume",),
)  # fmt: skip
formula(
    "amihud", (X, VOLUME, bars(20)), "ts_mean(abs(ts_return(x, 1)) / (x * volume), window)",
    "Amihud illiquidity: mean of abs(return) per money traded.", "amihud(close, volume, 20)", ("illiquidity",),
)  # fmt: skip
formula(
    "obv", (X, VOLUME, bars(20)), "ts_sum(sign(delta(x, 1)) * volume, window)",
    "On-balance volume over the last `window` bars.", "obv(close, volume, 20)", ("on_balance_volume",),
)  # fmt: skip
formula(
    "pvt", (X, VOLUME, bars(20)), "ts_sum(ts_return(x, 1) * volume, window)",
    "Price-volume trend over the last `window` bars.", "pvt(close, volume, 20)", ("vpt", "price_volume_trend"),
)  # fmt: skip
formula(
    "up_down_volume", (X, VOLUME, bars(20)),
    "ts_sum(where(delta(x, 1) > 0, volume, 0), window) / ts_sum(where(delta(x, 1) < 0, volume, 0), window)",
    "Volume of rising bars over volume of falling ones; NaN where none fell.", "up_down_volume(close, volume, 20)",
    ("up_down_volume_ratio", "updown_volume"),
)  # fmt: skip
formula(
    "clv", (HIGH, LOW, CLOSE), "where(high > low, (2 * close - high - low) / (high - low), 0)",
    "Close location value: -1 at the low of the bar, 1 at its high; 0 for a bar without range.",
    "clv(high, low, close)", ("close_location", "close_location_value", "money_flow_multiplier"),
)  # fmt: skip
formula(
    "adl", (HIGH, LOW, CLOSE, VOLUME, bars(20)), f"ts_sum({_FLOW}, window)",
    "Accumulation and distribution over the last `window` bars.", "adl(high, low, close, volume, 20)",
    ("accumulation_distribution", "ad_line"),
)  # fmt: skip
formula(
    "cmf", (HIGH, LOW, CLOSE, VOLUME, bars(20)), f"ts_sum({_FLOW}, window) / ts_sum(volume, window)",
    "Chaikin money flow, -1 to 1.", "cmf(high, low, close, volume, 20)", ("chaikin_money_flow",),
)  # fmt: skip
# The line A summed from the beginning cancels: A - ema(A, n) is (n - 1) / 2 * ema(A - delay(A, 1), n).
formula(
    "chaikin", (HIGH, LOW, CLOSE, VOLUME, bars(3, "fast"), bars(10, "slow")),
    f"(slow - 1) / 2 * ema({_FLOW}, slow) - (fast - 1) / 2 * ema({_FLOW}, fast)",
    "Chaikin oscillator: fast minus slow exponential mean of the accumulation-distribution line.",
    "chaikin(high, low, close, volume, 3, 10)", ("chaikin_oscillator", "adosc"),
)  # fmt: skip
formula(
    "mfi", (HIGH, LOW, CLOSE, VOLUME, bars(14)),
    "where(ts_sum(where(delta(typical_price(high, low, close), 1) != 0,"
    " typical_price(high, low, close) * volume, 0), window) > 0,"
    " 100 * ts_sum(where(delta(typical_price(high, low, close), 1) > 0,"
    " typical_price(high, low, close) * volume, 0), window)"
    " / ts_sum(where(delta(typical_price(high, low, close), 1) != 0,"
    " typical_price(high, low, close) * volume, 0), window), 50)",
    "Money flow index: share of money traded on rising bars, 0 to 100; 50 where nothing moved.",
    "mfi(high, low, close, volume, 14)", ("money_flow_index",),
)  # fmt: skip
formula(
    "force_index", (X, VOLUME, bars(13)), "ema(delta(x, 1) * volume, window)",
    "Exponential mean of change times volume, in money.", "force_index(close, volume, 13)", ("force", "elder_force"),
)  # fmt: skip
formula(
    "ease_of_movement", (HIGH, LOW, VOLUME, bars(14)),
    "ts_mean(delta((high + low) / 2, 1) * (high - low) / volume, window)",
    "Mean move of the bar's middle times its range per volume traded, without an arbitrary scale.",
    "ease_of_movement(high, low, volume, 14)", ("eom", "emv"),
)  # fmt: skip
formula(
    "kyle_lambda", (X, VOLUME, bars(60, minimum=2)), "ts_beta(delta(x, 1), sign(delta(x, 1)) * volume, window)",
    "Price impact: slope of changes on signed volume.", "kyle_lambda(close, volume, 60)", ("kyle", "price_impact"),
)  # fmt: skip
