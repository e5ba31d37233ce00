"""Sources are causal, bounded and absent without their fields."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.expressions import parse
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.signals.generation import source_signals
from alpha_pipeline.signals.sources import SOURCES, WEIGHTS
from alpha_pipeline.tables import FACTOR_VALUES, LIBRARY, METRICS, SOURCE_SIGNALS

EXTRA = ("news_sentiment", "news_count", "social_sentiment", "posts", "netflow", "whale_balance", "funding")
GROWING = ("tvl", "stablecoin_supply")
END = pd.Timestamp("2019-03-01", tz="UTC")
START = END - pd.Timedelta(days=3)
RUN_DATE = START


def panel(market: Market = CRYPTO, extra: tuple[str, ...] = (), seed: int = 0, days: int = 59) -> Panel:
    """Random walks up to `END`, with whatever further fields are asked for."""
    rng = np.random.default_rng(seed)
    times = pd.date_range(END - pd.Timedelta(days=days), END, freq=market.bar, inclusive="right")
    shape = (len(times), 4)
    fields = {
        "close": 100 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=0)),
        "volume": rng.lognormal(3, 0.8, shape),
    }
    fields |= {name: np.clip(rng.normal(0, 0.5, shape), -1, 1) for name in extra if name not in GROWING}
    fields |= {name: 1e9 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=0)) for name in extra if name in GROWING}
    return Panel(times.tz_localize(None).to_numpy("datetime64[us]"), tuple("ABCD"), fields)


def generate(panel: Panel, market: Market = CRYPTO, **tables: pd.DataFrame) -> pd.DataFrame:
    empty = {"factor_values": FACTOR_VALUES.empty(), "library": LIBRARY.empty(), "metrics": METRICS.empty()}
    return source_signals(panel, **(empty | tables), market=market, start=START, end=END)


@pytest.mark.parametrize("market", [CRYPTO, EQUITIES], ids=lambda m: m.name)
@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.name)
def test_every_source_reads_in_every_market(source: object, market: Market) -> None:
    """Its three expressions parse with durations of the market's bar; its weight is positive."""
    for text in (source.value, source.confidence, source.measure):  # type: ignore[attr-defined]
        parse(text, bar=market.bar)
    assert WEIGHTS[source.name] > 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("market", [CRYPTO, EQUITIES], ids=lambda m: m.name)
def test_values_and_confidences_stay_in_range(market: Market) -> None:
    """Values lie in [-1, 1] and confidences in [0, 1]; every source is active."""
    generated = pd.concat(
        [
            generate(panel(market, EXTRA + GROWING, seed, days=59 if market is CRYPTO else 90), market)
            for seed in range(5)
        ]
    )
    assert set(generated["source"]) == set(WEIGHTS) - {"library_factors"}
    assert generated["value"].between(-1, 1).all()
    assert generated["confidence"].between(0, 1).all()
    SOURCE_SIGNALS.conform(generated.drop_duplicates(["timestamp", "symbol", "source"]))


def test_one_decision_a_day_at_its_last_bar() -> None:
    """Three days, three midnights, each belonging to the day that ends there."""
    generated = generate(panel())
    assert sorted(generated["timestamp"].unique()) == list(pd.date_range(START, END, freq="D", inclusive="right"))


def test_absent_fields_give_no_rows() -> None:
    """A market of prices and volume has only price and volume signals."""
    assert set(generate(panel())["source"]) <= {"price_momentum", "volume_breakout"}
    assert "price_momentum" in set(generate(panel())["source"])


def test_sources_are_causal() -> None:
    """Signals of a day do not change when later days are added."""
    full = panel(extra=EXTRA + GROWING)
    day = END - pd.Timedelta(days=1)
    early, late = generate(full.until(day)), generate(full)
    late = late[late["timestamp"] <= day]
    columns = ["timestamp", "symbol", "source"]
    pd.testing.assert_frame_equal(
        early.sort_values(columns, ignore_index=True), late.sort_values(columns, ignore_index=True)
    )


def test_momentum_is_scaled_by_volatility_and_squashed() -> None:
    """Half the 5- and half the 20-day move in daily standard deviations, as numpy has it."""
    market = panel()
    daily = pd.DataFrame(market["close"]).pct_change(24)
    spread = daily.rolling(480).std().iloc[-1]
    move = [pd.DataFrame(market["close"]).pct_change(24 * n).iloc[-1] / (spread * np.sqrt(n)) for n in (5, 20)]
    oracle = np.tanh(0.5 * move[0] + 0.5 * move[1])
    generated = generate(market)
    generated = generated[(generated["source"] == "price_momentum") & (generated["timestamp"] == END)]
    np.testing.assert_allclose(generated.sort_values("symbol")["value"], oracle, rtol=1e-9)


def test_a_quiet_day_breaks_nothing_out() -> None:
    """Volume speaks only above one and a half times its mean, in the direction of the day."""
    calm = panel()
    calm.fields["volume"][:] = 10.0
    assert "volume_breakout" not in set(generate(calm)["source"])
    calm.fields["volume"][-24:, 0] = 40.0
    calm.fields["close"][-24:, 0] = calm.fields["close"][-25, 0] * 0.9
    loud = generate(calm)
    loud = loud[(loud["source"] == "volume_breakout")]
    assert loud["symbol"].tolist() == ["A"]
    assert loud["value"].iloc[0] < -0.8


@pytest.mark.parametrize(
    ("field", "source", "sign"),
    [("netflow", "onchain_flow", -1), ("funding", "funding", -1), ("whale_balance", "whale_accumulation", 1)],
)
def test_directions_and_units(field: str, source: str, sign: int) -> None:
    """Inflow and dear funding are bearish, accumulation bullish; the unit of the field changes nothing."""
    market = panel(extra=EXTRA)
    market.fields[field][-24:] += 5.0
    generated = generate(market)
    generated = generated[(generated["source"] == source) & (generated["timestamp"] == END)].sort_values("symbol")
    assert (np.sign(generated["value"]) == sign).all()
    market.fields[field][:] *= 5_000.0
    rescaled = generate(market)
    rescaled = rescaled[(rescaled["source"] == source) & (rescaled["timestamp"] == END)].sort_values("symbol")
    np.testing.assert_allclose(rescaled["value"], generated["value"], rtol=1e-9)


def test_more_news_is_more_confidence_up_to_one() -> None:
    """No article is silence; one is a murmur; a hundred are no more than certain."""
    confidences = []
    for articles in (0, 1, 5, 100):
        market = panel(extra=("news_sentiment", "news_count"))
        market.fields["news_count"][:] = articles
        market.fields["news_sentiment"][:] = 0.8 if articles else np.nan
        generated = generate(market)
        generated = generated[(generated["source"] == "sentiment_news") & (generated["timestamp"] == END)]
        confidences.append(float(generated["confidence"].iloc[0]) if len(generated) else 0.0)
        np.testing.assert_allclose(generated["value"], 0.8)
    assert confidences == sorted(confidences)
    assert confidences[0] == 0
    assert confidences[-1] <= 1


def library(**weights: float) -> pd.DataFrame:
    rows = [
        {"run_date": RUN_DATE, "factor_id": name, "name": name, "expression": "close", "identity": name}
        | {"status": "accepted", "since": RUN_DATE, "proposer": "model", "weight": weight, "reason": ""}
        for name, weight in weights.items()
    ]
    return pd.DataFrame(rows)


def values(**factors: list[float]) -> pd.DataFrame:
    stamp = RUN_DATE + pd.Timedelta(days=1)
    return pd.DataFrame({"timestamp": stamp, "symbol": list("ABCD"), **factors})


def metrics(**belief: float) -> pd.DataFrame:
    rows = [{"run_date": RUN_DATE, "factor_id": name, "probabilistic_sharpe": p} for name, p in belief.items()]
    return pd.DataFrame(rows)


def test_library_signal_uses_rank_weight_and_probabilistic_sharpe() -> None:
    """Of two opposite factors the one with the higher probabilistic Sharpe dominates; a negative weight flips."""
    table = generate(
        panel(),
        factor_values=values(up=[4.0, 3.0, 2.0, 1.0], down=[1.0, 2.0, 3.0, 4.0]),
        library=library(up=0.02, down=0.02),
        metrics=metrics(up=0.9, down=0.1),
    )
    generated = table[table["source"] == "library_factors"].set_index("symbol")
    np.testing.assert_allclose(generated["value"].sort_index(), 0.8 * np.array([0.75, 0.25, -0.25, -0.75]), atol=1e-12)
    assert generated["confidence"].between(0, 1).all()
    turned = generate(
        panel(), factor_values=values(up=[4.0, 3.0, 2.0, 1.0]), library=library(up=-0.02), metrics=metrics(up=0.9)
    )
    assert turned[turned["source"] == "library_factors"].set_index("symbol").loc["A", "value"] == pytest.approx(-0.75)


def test_a_library_without_a_traded_factor_is_silent() -> None:
    """References have weight 0; a retired factor says nothing either."""
    shipped = library(up=0.0)
    retired = library(up=0.02).assign(status="retired")
    for table in (shipped, retired):
        generated = generate(
            panel(), factor_values=values(up=[4.0, 3.0, 2.0, 1.0]), library=table, metrics=metrics(up=0.9)
        )
        assert "library_factors" not in set(generated["source"])
