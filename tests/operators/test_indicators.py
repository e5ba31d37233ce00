"""Every indicator equals its textbook definition, written in pandas without the language."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import evaluate, parse
from alpha_pipeline.expressions.dsl.calls import synonyms
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.operators import operators
from alpha_pipeline.typing import Array

Frame = pd.DataFrame
Bars = SimpleNamespace  # o, h, l, c, v: open, high, low, close, volume; t: typical price
BARS, SETTLED = 900, 700


def _panel() -> Panel:
    rng = np.random.default_rng(11)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, (BARS, 3)), axis=0))
    opened = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0, 0.003, close.shape))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.004, close.shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.004, close.shape)))
    fields = {"open": opened, "high": high, "low": low, "close": close, "volume": rng.lognormal(3, 1, close.shape)}
    return Panel(np.arange(BARS).astype("datetime64[us]"), ("a", "b", "c"), fields)


PANEL = _panel()
STILL = Panel(PANEL.timestamps, PANEL.symbols, {name: np.full((BARS, 3), 8.0) for name in PANEL.fields})


def ema(x: Frame, n: int) -> Frame:
    return x.ewm(span=n, min_periods=n).mean().where(x.notna())


def rma(x: Frame, n: int) -> Frame:
    return x.ewm(alpha=1 / n, min_periods=n).mean().where(x.notna())


def wma(x: Frame, n: int) -> Frame:
    return x.rolling(n).apply(lambda v: v @ np.arange(1, n + 1) / (n * (n + 1) / 2), raw=True)


def both(a: Frame, b: Frame, pick: str) -> Frame:
    return getattr(np, pick)(a, b)


def true_range(d: Bars) -> Frame:
    before = d.c.shift(1)
    return both(both(d.h - d.l, (d.h - before).abs(), "maximum"), (d.l - before).abs(), "maximum")


def up(x: Frame) -> Frame:
    return x.diff().clip(lower=0)


def down(x: Frame) -> Frame:
    return (-x.diff()).clip(lower=0)


def share(part: Frame, rest: Frame, otherwise: float) -> Frame:
    """100 part / (part + rest), with a value where both vanish."""
    return (100 - 100 / (1 + part / rest)).mask(part + rest == 0, otherwise).mask((rest == 0) & (part > 0), 100.0)


def movement(d: Bars) -> tuple[Frame, Frame]:
    rise, fall = d.h.diff(), -d.l.diff()
    plus = rise.where((rise > fall) & (rise > 0), 0.0).where(rise.notna())
    return plus, fall.where((fall > rise) & (fall > 0), 0.0).where(rise.notna())


def dx(d: Bars, n: int) -> Frame:
    plus, minus = (100 * rma(m, n) / rma(true_range(d), n) for m in movement(d))
    return (100 * (plus - minus).abs() / (plus + minus)).mask(plus + minus == 0, 0.0)


def stochastic(d: Bars, n: int) -> Frame:
    low, high = d.l.rolling(n).min(), d.h.rolling(n).max()
    return (d.c - low) / (high - low) * 100


def rsi(x: Frame, n: int, mean: Callable[[Frame, int], Frame] = rma) -> Frame:
    return share(mean(up(x), n), mean(down(x), n), 50.0)


def macd(x: Frame) -> Frame:
    return ema(x, 12) - ema(x, 26)


def ppo(x: Frame) -> Frame:
    return (ema(x, 12) / ema(x, 26) - 1) * 100


def flow(d: Bars) -> Frame:
    """Money flow volume of the bar."""
    place = ((d.c - d.l) - (d.h - d.c)) / (d.h - d.l)
    return place.fillna(0.0) * d.v


def chaikin(d: Bars) -> Frame:
    """From the line since the beginning, as the textbook has it; equal once the beginning is forgotten."""
    line = flow(d).cumsum()
    return line.ewm(span=3, adjust=False).mean() - line.ewm(span=10, adjust=False).mean()


def mfi(d: Bars, n: int) -> Frame:
    money, move = d.t * d.v, d.t.diff()
    rising = money.where(move > 0, 0.0).where(move.notna()).rolling(n).sum()
    falling = money.where(move < 0, 0.0).where(move.notna()).rolling(n).sum()
    return share(rising, falling, 50.0)


def buying(d: Bars, n: int) -> Frame:
    floor = both(d.l, d.c.shift(1), "minimum")
    return (d.c - floor).rolling(n).sum() / true_range(d).rolling(n).sum()


def log_returns(x: Frame, n: int = 1) -> Frame:
    return np.log(x).diff(n)


def satchell(d: Bars, n: int) -> Frame:
    u, w, c = np.log(d.h / d.o), np.log(d.l / d.o), np.log(d.c / d.o)
    return (u * (u - c) + w * (w - c)).rolling(n).mean()


def yang_zhang(d: Bars, n: int) -> Frame:
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    gap, day = np.log(d.o) - np.log(d.c.shift(1)), np.log(d.c) - np.log(d.o)
    return np.sqrt(gap.rolling(n).var() + k * day.rolling(n).var() + (1 - k) * satchell(d, n))


def corwin_schultz(d: Bars, n: int) -> Frame:
    single = np.log(d.h / d.l) ** 2
    beta = single + single.shift(1)
    gamma = np.log(d.h.rolling(2).max() / d.l.rolling(2).min()) ** 2
    k = 3 - 2 * np.sqrt(2)
    alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / k - np.sqrt(gamma / k)
    return (2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha))).clip(lower=0).rolling(n).mean()


def variance_ratio(x: Frame, n: int, k: int) -> Frame:
    return log_returns(x, k).rolling(n).var() / (k * log_returns(x).rolling(n).var())


def roll_spread(x: Frame, n: int) -> Frame:
    move = x.diff()
    bounce = Frame({s: move[s].rolling(n).cov(move[s].shift(1)) for s in x})
    return 2 * np.sqrt((-bounce).clip(lower=0))


def regressed(y: Frame, x: Frame, n: int) -> Frame:
    return Frame({s: y[s].rolling(n).cov(x[s]) / x[s].rolling(n).var() for s in y})


def place(x: Frame, n: int, find: Callable[..., int]) -> Frame:
    """100 for an extreme now, 0 for one n bars ago."""
    return x.rolling(n + 1).apply(lambda v: 100 * int(find(v)) / n, raw=True)


ORACLES: dict[str, Callable[[Bars], Frame]] = {
    "typical_price()": lambda d: d.t,
    "median_price(high, low)": lambda d: d.l + (d.h - d.l) / 2,
    "mean_price()": lambda d: (d.o + d.h + d.l + d.c) / 4,
    "dema(close, 9)": lambda d: ema(d.c, 9) * 2 - ema(ema(d.c, 9), 9),
    "tema(close, 9)": lambda d: (ema(d.c, 9) - ema(ema(d.c, 9), 9)) * 3 + ema(ema(ema(d.c, 9), 9), 9),
    "hma(close, 17)": lambda d: wma(2 * wma(d.c, 8) - wma(d.c, 17), 4),
    "disparity(close, 15)": lambda d: (d.c - d.c.rolling(15).mean()) / d.c.rolling(15).mean(),
    "macd()": lambda d: macd(d.c),
    "macd_signal()": lambda d: ema(macd(d.c), 9),
    "macd_hist(close)": lambda d: macd(d.c) - ema(macd(d.c), 9),
    "ppo(close)": lambda d: ppo(d.c),
    "ppo_hist()": lambda d: ppo(d.c) - ema(ppo(d.c), 9),
    "trix(close, 9)": lambda d: 100 * ema(ema(ema(d.c, 9), 9), 9).pct_change(1),
    "efficiency_ratio(close, 10)": lambda d: (d.c - d.c.shift(10)).abs() / d.c.diff().abs().rolling(10).sum(),
    "plus_di(14)": lambda d: 100 * rma(movement(d)[0], 14) / rma(true_range(d), 14),
    "minus_di(high, low, close, 14)": lambda d: 100 * rma(movement(d)[1], 14) / rma(true_range(d), 14),
    "dx(high, low, close, 14)": lambda d: dx(d, 14),
    "adx(14)": lambda d: rma(dx(d, 14), 14),
    "vortex(14)": lambda d: (
        ((d.h - d.l.shift(1)).abs().rolling(14).sum() - (d.l - d.h.shift(1)).abs().rolling(14).sum())
        / true_range(d).rolling(14).sum()
    ),
    "aroon_up(25)": lambda d: place(d.h, 25, np.argmax),
    "aroon_down(low, 25)": lambda d: place(d.l, 25, np.argmin),
    "aroon(high, low, 25)": lambda d: place(d.h, 25, np.argmax) - place(d.l, 25, np.argmin),
    "bollinger_upper(close, 20, 2)": lambda d: d.c.rolling(20).mean() + 2 * d.c.rolling(20).std(),
    "bollinger_lower(close, 20, 2)": lambda d: d.c.rolling(20).mean() - 2 * d.c.rolling(20).std(),
    "bollinger(close, 20, 3)": lambda d: (d.c - d.c.rolling(20).mean()) / (3 * d.c.rolling(20).std()),
    "bollinger_width(close, 20, 2)": lambda d: 4 * d.c.rolling(20).std() / d.c.rolling(20).mean(),
    "keltner()": lambda d: (d.c - ema(d.c, 20)) / (2 * rma(true_range(d), 10)),
    "keltner_upper()": lambda d: ema(d.c, 20) + 2 * rma(true_range(d), 10),
    "keltner_lower()": lambda d: ema(d.c, 20) - 2 * rma(true_range(d), 10),
    "donchian(20)": lambda d: stochastic(d, 20) / 50 - 1,
    "donchian_middle(9)": lambda d: d.l.rolling(9).min() / 2 + d.h.rolling(9).max() / 2,
    "rsi(close, 14)": lambda d: rsi(d.c, 14),
    "rsi_sma(14)": lambda d: rsi(d.c, 14, lambda x, n: x.rolling(n).mean()),
    "cmo(14)": lambda d: (
        100 * (up(d.c).rolling(14).sum() - down(d.c).rolling(14).sum()) / (up(d.c) + down(d.c)).rolling(14).sum()
    ),
    "stochastic(14)": lambda d: stochastic(d, 14),
    "stochastic_d(14, 3)": lambda d: stochastic(d, 14).rolling(3).mean(),
    "stochastic_rsi(10)": lambda d: (
        (rsi(d.c, 10) - rsi(d.c, 10).rolling(10).min())
        / (rsi(d.c, 10).rolling(10).max() - rsi(d.c, 10).rolling(10).min())
    ),
    "williams_r(14)": lambda d: stochastic(d, 14) - 100,
    "ibs()": lambda d: (d.c - d.l) / (d.h - d.l),
    "cci(20)": lambda d: d.t.rolling(20).apply(
        lambda v: (v[-1] - v.mean()) / (0.015 * np.abs(v - v.mean()).mean()) if np.ptp(v) else np.nan, raw=True
    ),
    "tsi()": lambda d: 100 * ema(ema(d.c.diff(), 25), 13) / ema(ema(d.c.diff().abs(), 25), 13),
    "ultimate()": lambda d: 100 * (4 * buying(d, 7) + 2 * buying(d, 14) + buying(d, 28)) / 7,
    "choppiness(14)": lambda d: (
        100 * np.log10(true_range(d).rolling(14).sum() / (d.h.rolling(14).max() - d.l.rolling(14).min())) / np.log10(14)
    ),
    "true_range()": true_range,
    "atr(14)": lambda d: rma(true_range(d), 14),
    "natr(14)": lambda d: rma(true_range(d), 14) / d.c * 100,
    "realized_vol(close, 20)": lambda d: log_returns(d.c).rolling(20).std(),
    "downside_vol(close, 20)": lambda d: np.sqrt((log_returns(d.c).clip(upper=0) ** 2).rolling(20).mean()),
    "parkinson(20)": lambda d: np.sqrt((np.log(d.h / d.l) ** 2).rolling(20).mean() / (4 * np.log(2))),
    "garman_klass(20)": lambda d: np.sqrt(
        (np.log(d.h / d.l) ** 2 / 2 - (2 * np.log(2) - 1) * np.log(d.c / d.o) ** 2).rolling(20).mean()
    ),
    "rogers_satchell(20)": lambda d: np.sqrt(satchell(d, 20)),
    "yang_zhang(20)": lambda d: yang_zhang(d, 20),
    "roll_spread(close, 20)": lambda d: roll_spread(d.c, 20),
    "corwin_schultz(20)": lambda d: corwin_schultz(d, 20),
    "variance_ratio(close, 60, 5)": lambda d: variance_ratio(d.c, 60, 5),
    "hurst(close, 60, 5)": lambda d: (np.log(variance_ratio(d.c, 60, 5)) / np.log(5) + 1) / 2,
    "drawdown(close, 60)": lambda d: (d.c - d.c.rolling(60).max()) / d.c.rolling(60).max(),
    "max_drawdown(close, 60)": lambda d: (d.c / d.c.rolling(60).max() - 1).rolling(60).min(),
    "ulcer(14)": lambda d: np.sqrt(((100 * d.c / d.c.rolling(14).max() - 100) ** 2).rolling(14).mean()),
    "vwap(20)": lambda d: (d.t * d.v).rolling(20).sum() / d.v.rolling(20).sum(),
    "vwap_distance(close, volume, 20)": lambda d: (
        d.c * d.v.rolling(20).sum() / (d.c * d.v).rolling(20).sum() - 1
    ),
    "volume_ratio(20)": lambda d: d.v / d.v.rolling(20).mean(),
    "adv(volume, 20)": lambda d: d.v.rolling(20).mean(),
    "amihud(20)": lambda d: (d.c.pct_change(1).abs() / (d.c * d.v)).rolling(20).mean(),
    "obv(20)": lambda d: (np.sign(d.c.diff()) * d.v).rolling(20).sum(),
    "pvt(20)": lambda d: (d.c.pct_change(1) * d.v).rolling(20).sum(),
    "up_down_volume(20)": lambda d: (
        d.v.where(d.c.diff() > 0, 0.0).where(d.c.diff().notna()).rolling(20).sum()
        / d.v.where(d.c.diff() < 0, 0.0).where(d.c.diff().notna()).rolling(20).sum()
    ),
    "clv()": lambda d: flow(d) / d.v,
    "adl(20)": lambda d: flow(d).rolling(20).sum(),
    "cmf(20)": lambda d: flow(d).rolling(20).sum() / d.v.rolling(20).sum(),
    "chaikin()": chaikin,
    "mfi(14)": lambda d: mfi(d, 14),
    "force_index(13)": lambda d: ema(d.c.diff() * d.v, 13),
    "ease_of_movement(14)": lambda d: (((d.h + d.l) / 2).diff() / (d.v / (d.h - d.l))).rolling(14).mean(),
    "kyle_lambda(60)": lambda d: regressed(d.c.diff(), np.sign(d.c.diff()) * d.v, 60),
}  # fmt: skip


def _values(text: str, panel: Panel) -> Array:
    ((_, values),) = evaluate([parse(text, fields=panel.fields)], panel, 1)
    return values


@pytest.mark.parametrize("text", ORACLES)
def test_indicator_equals_its_definition(text: str) -> None:
    """Values and NaN pattern; the line that never ends is compared once its beginning is forgotten."""
    d = Bars(**{name[0]: Frame(values) for name, values in PANEL.fields.items()})
    d.t = (d.h + d.l + d.c) / 3
    with np.errstate(all="ignore"):
        expected = np.array(ORACLES[text](d), float)
    expected[np.isinf(expected)] = np.nan
    settled = slice(SETTLED if text == "chaikin()" else 0, None)
    scale = np.nanmax(np.abs(expected))
    np.testing.assert_allclose(_values(text, PANEL)[settled], expected[settled], rtol=1e-7, atol=1e-9 * scale)


FLAT = {
    "rsi(14)": 50, "rsi_sma(14)": 50, "mfi(14)": 50, "dx(14)": 0, "adx(14)": 0, "clv()": 0, "cmf(20)": 0, "obv(20)": 0,
    "realized_vol(20)": 0, "yang_zhang(20)": 0, "roll_spread(20)": 0, "corwin_schultz(20)": 0, "drawdown(20)": 0,
    "tema(20)": 8, "hma(20)": 8, "macd()": 0, "trix()": 0, "natr(14)": 0, "vwap(20)": 8, "chaikin()": 0,
    "ease_of_movement(14)": 0, "aroon(25)": 0,
    "cci(20)": np.nan, "stochastic(14)": np.nan, "efficiency_ratio(10)": np.nan, "plus_di(14)": np.nan,
    "up_down_volume(20)": np.nan, "hurst()": np.nan, "choppiness(14)": np.nan, "donchian(20)": np.nan, "tsi()": np.nan,
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FLAT.items())
def test_where_nothing_moves(text: str, expected: float) -> None:
    """A flat market gives the neutral value the documentation names, else NaN; never noise of rounding."""
    np.testing.assert_allclose(_values(text, STILL)[-1], expected, rtol=1e-12, atol=1e-12)


def test_every_indicator_has_an_oracle() -> None:
    """A formula cannot be added without one."""
    tested = {text.partition("(")[0] for text in ORACLES}
    assert tested == {o.name for o in operators().values() if o.formula}


SPELLINGS = [
    ("stoch(14)", "stochastic(high, low, close, 14)"),
    ("willr(timeperiod=14)", "williams_r(14)"),
    ("commodity_channel_index(window=20)", "cci(20)"),
    ("cci(close, 20)", "(close - ts_mean(close, 20)) / (0.015 * ts_mad(close, 20))"),
    ("ADX(14)", "adx(high, low, close, 14)"),
    ("ultosc(7, 14, 28)", "ultimate()"),
    ("macd_line(close, 12, 26)", "macd(close, fast=12, slow=26)"),
    ("natr(close, 14)", "natr(14)"),
    ("midprice(9)", "donchian_middle(high, low, 9)"),
    ("vwap_distance(close, volume, 20)", "close / vwap(close, volume, 20) - 1"),
]


@pytest.mark.parametrize(("text", "other"), SPELLINGS)
def test_spellings(text: str, other: str) -> None:
    """Names of libraries, named and left-out arguments mean the same node."""
    assert parse(text) is parse(other)


def test_aliases_are_shared_only_on_purpose() -> None:
    """A name with two meanings is told apart by its arguments: no indicator shares one."""
    shared = {name: found for name, found in synonyms().items() if len({o.name for o in found}) > 1}
    assert not {name for name, found in shared.items() if any(o.formula for o in found)}


@pytest.mark.parametrize("text", ["hma(close, 1)", "yang_zhang(1)", "choppiness(1)", "macd(close, 0, 26)"])
def test_windows_too_short_are_refused(text: str) -> None:
    """A window that leaves nothing to compute is refused with its smallest value."""
    with pytest.raises(ExpressionError, match="bars"):
        parse(text)
