"""Every source stays in its bounds on wild data, and speaks only when it has something to say."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.expressions import evaluate, parse
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.signals.generation import source_signals
from alpha_pipeline.signals.sources import LIBRARY_SOURCE, SOURCES, WEIGHTS, Source
from alpha_pipeline.tables import FACTOR_VALUES, LIBRARY, METRICS, SOURCE_SIGNALS

DAY = pd.Timedelta(1, "D")
BARS = {"crypto": 1_224, "equities": 120}


def market_panel(market: Market, wild: bool = False) -> Panel:
    """Every field any source reads; wild ones have spikes, zeros, gaps, flat stretches and a symbol without values."""
    rng = np.random.default_rng(0)
    bars = BARS[market.name]
    shape = (bars, 5)
    fields = {
        "close": 100 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=0)),
        "volume": rng.lognormal(5, 1, shape),
        "news_sentiment": np.where(rng.random(shape) < 0.9, rng.uniform(-1, 1, shape), np.nan),
        "social_sentiment": np.where(rng.random(shape) < 0.3, rng.uniform(-1, 1, shape), np.nan),
        "news_count": rng.poisson(2.0, shape).astype(float),
        "posts": rng.poisson(9.0, shape).astype(float),
        "netflow": rng.normal(0, 1e5, shape),
        "whale_balance": 1e6 + np.cumsum(rng.normal(0, 1e3, shape), axis=0),
        "funding": rng.normal(1e-4, 1e-4, shape),
        "tvl": 5e9 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=0)),
        "stablecoin_supply": 1e11 * np.exp(np.cumsum(rng.normal(0, 0.001, (bars, 1)), axis=0)) * np.ones(shape),
    }
    for values in fields.values() if wild else ():
        values[rng.random(shape) < 0.1] = np.nan
        values[rng.random(shape) < 0.02] *= 1e6
        values[rng.random(shape) < 0.05] = 0.0
        values[bars // 2 : bars // 2 + 60] = values[bars // 2]
        values[:, 4] = np.nan
    times = pd.date_range("2019-01-01 01:00", periods=bars, freq=market.bar).to_numpy("datetime64[us]")
    return Panel(times, tuple("ABCDE"), fields)


def generate(panel: Panel, market: Market, start: pd.Timestamp | None = None) -> pd.DataFrame:
    """All signals of a panel without a library."""
    first, last = (pd.Timestamp(panel.timestamps[i], tz="UTC") for i in (0, -1))
    no_library = FACTOR_VALUES.empty(), LIBRARY.empty(), METRICS.empty()
    return source_signals(panel, *no_library, market, start or first, last)


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.name)
@pytest.mark.parametrize("market", [CRYPTO, EQUITIES], ids=lambda m: m.name)
@pytest.mark.parametrize("wild", [False, True], ids=["tame", "wild"])
def test_expressions_parse_and_are_bounded(source: Source, market: Market, wild: bool) -> None:
    """Value in [-1, 1] and confidence in [0, 1] or NaN, whatever the data; and on tame data they do speak."""
    panel = market_panel(market, wild)
    nodes = [parse(text, fields=list(panel.fields), bar=market.bar) for text in (source.value, source.confidence)]
    value, confidence = (values for _, values in sorted(evaluate(nodes, panel), key=lambda item: item[0]))
    for values, low in ((value, -1.0), (confidence, 0.0)):
        results = values[np.isfinite(values)]
        assert wild or len(results)
        assert ((results >= low) & (results <= 1.0)).all()


def test_every_source_has_a_weight() -> None:
    """One table of names and weights, all positive."""
    assert set(WEIGHTS) == {source.name for source in SOURCES} | {LIBRARY_SOURCE}
    assert min(WEIGHTS.values()) > 0


def test_all_sources_speak_on_a_full_panel_in_the_stored_form() -> None:
    """Rows are unique and conform to the table."""
    signals = generate(market_panel(CRYPTO), CRYPTO)
    assert set(signals["source"]) == {source.name for source in SOURCES}
    assert SOURCE_SIGNALS.conform(signals).num_rows == len(signals)


def test_wild_data_make_no_row_that_is_not_a_number() -> None:
    """Spikes, gaps and a symbol without values give no rows with NaN or infinite values."""
    signals = generate(market_panel(CRYPTO, wild=True), CRYPTO)
    assert len(signals)
    assert np.isfinite(signals[["value", "confidence"]]).all(axis=None)
    assert "E" not in set(signals["symbol"])


@pytest.mark.parametrize("field", ["news_sentiment", "social_sentiment"])
def test_a_day_without_posts_is_silence(field: str) -> None:
    """No headline and no post is no row, not a row of confidence 0 that would dilute the others."""
    panel = market_panel(CRYPTO)
    panel[field][-24:, :2] = np.nan
    signals = generate(panel, CRYPTO, pd.Timestamp(panel.timestamps[-1], tz="UTC") - DAY)
    active = signals[signals["source"] == f"sentiment_{field.split('_')[0]}"]
    assert set(active["symbol"]) <= set("CDE")
    assert len(active)
    assert (active["confidence"] > 0).all()


def test_a_window_without_bars_is_silent() -> None:
    """A weekend has no signal and no error."""
    panel = market_panel(EQUITIES)
    end = pd.Timestamp(panel.timestamps[-1], tz="UTC")
    no_library = FACTOR_VALUES.empty(), LIBRARY.empty(), METRICS.empty()
    results = source_signals(panel, *no_library, EQUITIES, end, end + 2 * DAY)
    assert len(results) == 0
    assert list(results.columns) == [c.name for c in SOURCE_SIGNALS.columns]


@pytest.mark.parametrize("wild", [False, True], ids=["tame", "wild"])
def test_a_day_says_the_same_alone_and_with_days_after_it(wild: bool) -> None:
    """In a window of three days, the first says the same to the last bit whatever follows, or when nothing does."""
    panel = market_panel(CRYPTO, wild)
    start = pd.Timestamp(panel.timestamps[-1], tz="UTC") - 3 * DAY
    altered = {name: values.copy() for name, values in panel.fields.items()}
    for values in altered.values():
        values[-48:] *= 7
    results = []
    for other in (panel, Panel(panel.timestamps, panel.symbols, altered), panel.until(start + DAY)):
        signals = generate(other, CRYPTO, start)
        signals = signals[signals["timestamp"] <= start + DAY]
        results.append(signals.sort_values(["symbol", "source"], ignore_index=True))
    assert len(results[0])
    pd.testing.assert_frame_equal(results[0], results[1], check_exact=True)
    pd.testing.assert_frame_equal(results[0], results[2], check_exact=True)


def test_value_locked_that_only_follows_the_price_says_nothing_of_its_own() -> None:
    """Deposits are deflated by the token's price: with stablecoins as they were, twice the price is no inflow."""
    panel = market_panel(CRYPTO)
    dollars = panel["stablecoin_supply"]
    still = np.tile(np.exp(0.001 * np.sin(np.arange(len(dollars)) / 24.0))[:, None], (1, 5))
    coins = np.exp(0.01 * np.cos(np.arange(len(dollars)) / 30.0))[:, None]
    results = []
    for price in (panel["close"], panel["close"] * np.exp(np.linspace(0, 3, len(dollars)) ** 2)[:, None]):
        fields = {**panel.fields, "close": price, "tvl": 1e6 * coins * price, "stablecoin_supply": still}
        signals = generate(Panel(panel.timestamps, panel.symbols, fields), CRYPTO)
        results.append(signals.loc[signals["source"] == "tvl_momentum", ["value", "confidence"]].to_numpy())
    assert len(results[0]) and (results[0] != 0).any()
    np.testing.assert_allclose(results[0], results[1], atol=1e-6)


def test_deposits_and_fresh_dollars_point_up() -> None:
    """Coins locked and dollars issued faster than before are a long, their mirror a short; disagreement halves it."""
    panel = market_panel(CRYPTO)
    days = np.arange(panel.shape[0]) / 24.0
    late = np.where(days > 45, days - 45, 0.0)[:, None] * np.array([[0.02, -0.02, 0.02, -0.02, 0.02]])
    wiggle = 0.01 * np.sin(days * 2)[:, None]
    fields = {**panel.fields, "tvl": 1e9 * panel["close"] * np.exp(late + wiggle)}
    for sign in (1, -1):
        fields["stablecoin_supply"] = 1e11 * np.exp(sign * np.abs(late) + 0.1 * wiggle)
        signals = generate(
            Panel(panel.timestamps, panel.symbols, fields), CRYPTO, pd.Timestamp(panel.timestamps[-2], tz="UTC")
        )
        expected = signals[signals["source"] == "tvl_momentum"].set_index("symbol")
        agreeing, torn = ("ACE", "BD") if sign > 0 else ("BD", "ACE")
        assert (np.sign(expected.loc[list(agreeing), "value"]) == sign).all()
        assert expected.loc[list(agreeing), "confidence"].min() > 2 * expected.loc[list(torn), "confidence"].max()


def test_a_steady_rise_is_a_sure_long_and_its_mirror_a_short() -> None:
    """Five- and twenty-day moves that agree have full confidence."""
    drift = np.arange(80)[:, None] * np.array([[0.02, -0.02, 0.02, -0.02, 0.02]])
    noise = np.random.default_rng(1).normal(0, 0.005, (80, 5))
    times = market_panel(EQUITIES).timestamps[:80]
    panel = Panel(times, tuple("ABCDE"), {"close": np.exp(drift + noise)})
    signals = generate(panel, EQUITIES, pd.Timestamp(times[-2], tz="UTC")).set_index("symbol")
    assert (signals.loc[["A", "C", "E"], "value"] > 0.9).all()
    assert (signals.loc[["B", "D"], "value"] < -0.9).all()
    assert (signals["confidence"] == 1).all()
