"""
The 158 features known as Alpha158, in the DSL.

Source: Yang, Liu, Zhou, Bian, Liu, Qlib: An AI-oriented Quantitative Investment Platform (2020), feature set Alpha158.
"""

WINDOWS = (5, 10, 20, 30, 60)

_BAR = {
    "KMID": "(close - open) / open",
    "KLEN": "(high - low) / open",
    "KMID2": "(close - open) / (high - low + 1e-12)",
    "KUP": "(high - maximum(open, close)) / open",
    "KUP2": "(high - maximum(open, close)) / (high - low + 1e-12)",
    "KLOW": "(minimum(open, close) - low) / open",
    "KLOW2": "(minimum(open, close) - low) / (high - low + 1e-12)",
    "KSFT": "(2 * close - high - low) / open",
    "KSFT2": "(2 * close - high - low) / (high - low + 1e-12)",
    "OPEN0": "open / close",
    "HIGH0": "high / close",
    "LOW0": "low / close",
    "VWAP0": "vwap / close",
}

_UP, _DOWN, _MOVE = "maximum(delta(close, 1), 0)", "maximum(-delta(close, 1), 0)", "abs(delta(close, 1))"
_VOLUME_UP, _VOLUME_DOWN = "maximum(delta(volume, 1), 0)", "maximum(-delta(volume, 1), 0)"
_VOLUME_MOVE = "abs(delta(volume, 1))"
_WEIGHTED_MOVE = "abs(close / delay(close, 1) - 1) * volume"

_ROLLING = {
    "ROC": "delay(close, N) / close",
    "MA": "ts_mean(close, N) / close",
    "STD": "ts_std(close, N) / close",
    "BETA": "ts_slope(close, N) / close",
    "RSQR": "ts_rsquare(close, N)",
    "RESI": "ts_detrend(close, N) / close",
    "MAX": "ts_max(high, N) / close",
    "MIN": "ts_min(low, N) / close",
    "QTLU": "ts_quantile(close, N, 0.8) / close",
    "QTLD": "ts_quantile(close, N, 0.2) / close",
    "RANK": "ts_rank(close, N)",
    "RSV": "(close - ts_min(low, N)) / (ts_max(high, N) - ts_min(low, N) + 1e-12)",
    "IMAX": "ts_argmax(high, N) / N",
    "IMIN": "ts_argmin(low, N) / N",
    "IMXD": "(ts_argmax(high, N) - ts_argmin(low, N)) / N",
    "CORR": "ts_corr(close, log(volume + 1), N)",
    "CORD": "ts_corr(close / delay(close, 1), log(volume / delay(volume, 1) + 1), N)",
    "CNTP": "ts_mean(close > delay(close, 1), N)",
    "CNTN": "ts_mean(close < delay(close, 1), N)",
    "CNTD": "ts_mean(close > delay(close, 1), N) - ts_mean(close < delay(close, 1), N)",
    "SUMP": f"ts_sum({_UP}, N) / (ts_sum({_MOVE}, N) + 1e-12)",
    "SUMN": f"ts_sum({_DOWN}, N) / (ts_sum({_MOVE}, N) + 1e-12)",
    "SUMD": f"(ts_sum({_UP}, N) - ts_sum({_DOWN}, N)) / (ts_sum({_MOVE}, N) + 1e-12)",
    "VMA": "ts_mean(volume, N) / (volume + 1e-12)",
    "VSTD": "ts_std(volume, N) / (volume + 1e-12)",
    "WVMA": f"ts_std({_WEIGHTED_MOVE}, N) / (ts_mean({_WEIGHTED_MOVE}, N) + 1e-12)",
    "VSUMP": f"ts_sum({_VOLUME_UP}, N) / (ts_sum({_VOLUME_MOVE}, N) + 1e-12)",
    "VSUMN": f"ts_sum({_VOLUME_DOWN}, N) / (ts_sum({_VOLUME_MOVE}, N) + 1e-12)",
    "VSUMD": f"(ts_sum({_VOLUME_UP}, N) - ts_sum({_VOLUME_DOWN}, N)) / (ts_sum({_VOLUME_MOVE}, N) + 1e-12)",
}

ALPHA158: dict[str, str] = {
    **_BAR,
    **{f"{name}{n}": text.replace("N", str(n)) for name, text in _ROLLING.items() for n in WINDOWS},
}
