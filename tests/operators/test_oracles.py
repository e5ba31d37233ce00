"""Every windowed and cross-sectional operator equals pandas, on panels chosen to hurt."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.expressions import evaluate, parse
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.operators import operators
from alpha_pipeline.typing import Array

W = 7
Frame = pd.DataFrame


def _rolling(f: Callable[[Array], float]) -> Callable[[Frame, Frame], Frame]:
    return lambda x, y: x.rolling(W).apply(f, raw=True)


def _weights(n: int) -> Array:
    return np.arange(1.0, n + 1.0)


def _line(values: Array) -> Array:
    return np.polyval(np.polyfit(np.arange(len(values)), values - values.mean(), 1), np.arange(len(values)))


def _ewm(x: Frame, **how: float) -> Frame:
    return x.ewm(**how, min_periods=W).mean().where(x.notna())


def _pairs(f: Callable[[Array, Array], float]) -> Callable[[Frame, Frame], Frame]:
    """`f` of both windows where neither holds a NaN."""

    def apply(x: Frame, y: Frame) -> Frame:
        out = np.full(x.shape, np.nan)
        for t in range(W - 1, len(x)):
            for c in range(x.shape[1]):
                a, b = x.iloc[t - W + 1 : t + 1, c].to_numpy(), y.iloc[t - W + 1 : t + 1, c].to_numpy()
                if not np.isnan(a + b).any():
                    out[t, c] = f(a, b)
        return Frame(out)

    return apply


def _cov(a: Array, b: Array) -> float:
    return float(((a - a.mean()) * (b - b.mean())).sum() / (W - 1))


def _corr(a: Array, b: Array) -> float:
    return _cov(a, b) / np.sqrt(_cov(a, a) * _cov(b, b)) if np.ptp(a) and np.ptp(b) else np.nan


def _beta(a: Array, b: Array) -> float:
    return _cov(a, b) / _cov(b, b) if np.ptp(b) else np.nan


def _resid(a: Array, b: Array) -> float:
    return a[-1] - a.mean() - _beta(a, b) * (b[-1] - b.mean())


def _regressed(x: Frame, y: Frame) -> Frame:
    both = x.notna() & y.notna()
    a, b = x.where(both), y.where(both)
    a, b = a.sub(a.mean(axis=1), axis=0), b.sub(b.mean(axis=1), axis=0)
    square = (b**2).sum(axis=1)
    slope = ((a * b).sum(axis=1) / square.where(square > 0)).fillna(0.0)
    return a.sub(b.mul(slope, axis=0)).where(both.sum(axis=1) >= 3, axis=0)


def _winsorized(x: Frame) -> Frame:
    low, high = x.quantile(0.1, axis=1), x.quantile(0.9, axis=1)
    return x.clip(low, high, axis=0)


def _returns(x: Frame, lag: int) -> Frame:
    return x / x.shift(lag) - 1.0


ORACLES: dict[str, Callable[[Frame, Frame], Frame]] = {
    "ts_mean(x, 7)": _rolling(np.mean),
    "ts_sum(x, 7)": _rolling(np.sum),
    "ts_count(x > y, 7)": lambda x, y: (x > y).astype(float).where(x.notna() & y.notna()).rolling(W).sum(),
    "ts_product(x, 7)": _rolling(np.prod),
    "ts_min(x, 7)": lambda x, y: x.rolling(W).min(),
    "ts_max(x, 7)": lambda x, y: x.rolling(W).max(),
    "ts_argmin(x, 7)": _rolling(lambda v: np.argmin(v) + 1.0),
    "ts_argmax(x, 7)": _rolling(lambda v: np.argmax(v) + 1.0),
    "ts_std(x, 7)": _rolling(lambda v: np.std(v, ddof=1)),
    "ts_var(x, 7)": _rolling(lambda v: np.var(v, ddof=1)),
    "ts_mad(x, 7)": _rolling(lambda v: np.abs(v - v.mean()).mean()),
    "ts_zscore(x, 7)": _rolling(lambda v: (v[-1] - v.mean()) / v.std(ddof=1) if np.ptp(v) else np.nan),
    "ts_skew(x, 7)": _rolling(lambda v: pd.Series(v - v.mean()).skew() if np.ptp(v) else np.nan),
    "ts_kurt(x, 7)": _rolling(lambda v: pd.Series(v - v.mean()).kurt() if np.ptp(v) else np.nan),
    "ts_rank(x, 7)": lambda x, y: x.rolling(W).rank(pct=True),
    "ts_quantile(x, 7, 0.3)": lambda x, y: x.rolling(W).quantile(0.3),
    "ts_median(x, 7)": lambda x, y: x.rolling(W).median(),
    "ts_corr(x, y, 7)": _pairs(_corr),
    "ts_cov(x, y, 7)": _pairs(_cov),
    "ts_beta(x, y, 7)": _pairs(_beta),
    "ts_resid(x, y, 7)": _pairs(_resid),
    "ts_slope(x, 7)": _rolling(lambda v: np.polyfit(np.arange(W), v - v.mean(), 1)[0]),
    "ts_rsquare(x, 7)": _rolling(lambda v: np.var(_line(v)) / np.var(v) if np.ptp(v) else np.nan),
    "ts_detrend(x, 7)": _rolling(lambda v: v[-1] - v.mean() - _line(v)[-1]),
    "decay_linear(x, 7)": _rolling(lambda v: (v * _weights(W)).sum() / _weights(W).sum()),
    "delay(x, 3)": lambda x, y: x.shift(3),
    "delta(x, 3)": lambda x, y: x.diff(3),
    "ts_return(x, 3)": lambda x, y: _returns(x, 3),
    "log_return(x, 3)": lambda x, y: np.log1p(_returns(x.where(x > 0), 3)),
    "ema(x, 7)": lambda x, y: _ewm(x, span=W),
    "wilder(x, 7)": lambda x, y: _ewm(x, alpha=1 / W),
    "ewm_mean(x, 0.2, 0, 7)": lambda x, y: _ewm(x, alpha=0.2, adjust=False),
    "present_mean(x, 7, 3)": lambda x, y: x.rolling(W, min_periods=3).mean(),
    "present_sum(x, 7, 3)": lambda x, y: x.rolling(W, min_periods=3).sum(),
    "present_std(x, 7, 3)": lambda x, y: x.rolling(W, min_periods=3).apply(lambda v: np.nanstd(v, ddof=1), raw=True),
    "present_min(x, 7, 3)": lambda x, y: x.rolling(W, min_periods=3).min(),
    "present_max(x, 7, 3)": lambda x, y: x.rolling(W, min_periods=3).max(),
    "present_count(x, 7)": lambda x, y: x.rolling(W, min_periods=0).count(),
    "ffill(x, 7)": lambda x, y: x.ffill(limit=6),
    "cs_rank(x)": lambda x, y: x.rank(axis=1, pct=True),
    "cs_zscore(x)": lambda x, y: x.sub(x.mean(axis=1), axis=0).div(x.std(axis=1), axis=0),
    "cs_demean(x)": lambda x, y: x.sub(x.mean(axis=1), axis=0),
    "cs_scale(x)": lambda x, y: x.div(x.abs().sum(axis=1), axis=0),
    "cs_winsorize(x, 0.1)": lambda x, y: _winsorized(x),
    "cs_residual(x, y)": _regressed,
}  # fmt: skip


def _panel(kind: str) -> Panel:
    rng = np.random.default_rng(7)
    bars, symbols = {"one row": (1, 5), "one symbol": (40, 1)}.get(kind, (40, 5))
    x, y = rng.normal(10, 1, (bars, symbols)), rng.normal(5, 1, (bars, symbols))
    if kind == "nan":
        x[rng.random(x.shape) < 0.05] = np.nan
        y[rng.random(y.shape) < 0.05] = np.nan
        x[:, 2] = np.nan
    if kind == "ties":
        x, y = np.round(x), np.round(y)
    if kind == "spike":
        x[11, 1] = 1e12
        y[13, 3] = -1e12
    if kind == "constant":
        x[:], y[:, 1] = 3.7, -0.1
    if kind == "level":
        x, y = x + 1e8, y + 1e8
    return Panel(np.arange(bars).astype("datetime64[us]"), tuple("abcde"[:symbols]), {"x": x, "y": y})


# At a level of 1e8 the oracles of these lose digits themselves; what they compute does not depend on the level.
LEVEL_FREE = {
    "ts_std", "ts_mad", "ts_var", "ts_zscore", "ts_skew", "ts_kurt", "ts_corr", "ts_cov", "ts_beta", "ts_resid",
    "ts_slope", "ts_rsquare", "ts_detrend", "delta", "cs_zscore", "cs_demean", "cs_residual", "present_std",
}  # fmt: skip
PANELS = ["random", "nan", "ties", "spike", "level", "constant", "one row", "one symbol"]


@pytest.mark.parametrize("kind", PANELS)
@pytest.mark.parametrize("text", ORACLES)
def test_operator_equals_its_oracle(text: str, kind: str) -> None:
    """Values and NaN pattern are those of pandas, to 1e-9 of the largest value the window could give."""
    panel = _panel(kind)
    shift = 1e8 if kind == "level" and text.partition("(")[0] in LEVEL_FREE else 0.0
    x, y = Frame(panel["x"] - shift), Frame(panel["y"] - shift)
    with np.errstate(all="ignore"):
        expected = np.array(ORACLES[text](x, y), float)
    expected[np.isinf(expected)] = np.nan
    ((_, found),) = evaluate([parse(text)], panel, 1)
    assert found.shape == panel.shape
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), err_msg="NaN pattern")
    # The spike costs digits in the oracle's own sums; the exact tests of the kernels cover what follows it.
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 if kind != "spike" else 1e-3)


@pytest.mark.parametrize("text", ["group_demean(x, g)", "group_rank(x, g)"])
def test_group_operators_equal_pandas(text: str) -> None:
    """Group by group and bar by bar what pandas' groupby gives, with ties, absent values and absent groups."""
    rng = np.random.default_rng(9)
    x, group = np.round(rng.normal(0, 2, (30, 12)), 1), rng.integers(0, 4, (30, 12)).astype(float)
    group[5:] = group[4]  # as sectors are: the same for many bars
    x[rng.random(x.shape) < 0.1] = np.nan
    group[20:, 3] = np.nan
    panel = Panel(np.arange(30).astype("datetime64[us]"), tuple("abcdefghijkl"), {"x": x, "g": group})
    ((_, found),) = evaluate([parse(text)], panel, 1)
    for t in range(30):
        groups = pd.Series(x[t]).groupby(group[t])
        ranked = groups.rank(pct=True) if "rank" in text else pd.Series(x[t]) - groups.transform("mean")
        np.testing.assert_allclose(found[t], ranked, rtol=1e-12, atol=1e-12)


def test_every_kernel_with_memory_has_an_oracle() -> None:
    """An operator along time or across symbols cannot be added without one."""
    tested = {text.partition("(")[0] for text in ORACLES} | {"group_demean", "group_rank"}
    names = {o.name for o in operators().values() if o.kernel and o.group not in {"arithmetic", "indicators"}}
    assert names == tested
