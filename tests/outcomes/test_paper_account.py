"""The paper account against hand-made books and an event loop of dictionaries."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.market.markets import CRYPTO, EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.outcomes.paper_account import CASH, PaperConfig, bookable, keep_book
from alpha_pipeline.tables import FUSED_SIGNAL, PAPER_LEDGER, RAW_FUNDING

START = pd.Timestamp("2019-07-01", tz="UTC")
DAY = pd.Timedelta(days=1)
FREE = replace(EQUITIES, fee_bps=0.0, slippage_bps=0.0, borrow_bps_per_year=0.0)
NOTHING = PAPER_LEDGER.empty()
HALF = PaperConfig(capital=1000.0, gross=1.0, max_weight=0.5)


def daily(fields: dict[str, dict[str, list[float]]]) -> Panel:
    """Bars that close at 20:00 of successive days from the first of July on; field -> symbol -> values."""
    symbols = tuple(sorted(next(iter(fields.values()))))
    matrices = {name: np.column_stack([np.array(table[s], float) for s in symbols]) for name, table in fields.items()}
    bars = len(next(iter(matrices.values())))
    times = pd.date_range(START + pd.Timedelta(20, "h"), periods=bars, freq="D").tz_localize(None)
    return Panel(times.to_numpy("datetime64[us]"), symbols, matrices)


def prices(**closes: list[float]) -> Panel:
    return daily({"close": closes})


def decided(*run_dates: dict[str, str], market: str = "equities") -> pd.DataFrame:
    """One decision per day at 20:00, symbol -> direction; a day without any is None."""
    rows = [
        {"timestamp": START + n * DAY + pd.Timedelta(20, "h"), "market": market, "symbol": s, "decision": d}
        for n, run_date in enumerate(run_dates)
        for s, d in run_date.items()
    ]
    return pd.DataFrame(rows).reindex(columns=[c.name for c in FUSED_SIGNAL.columns])


def marks(days: int) -> list[pd.Timestamp]:
    return [START + (n + 1) * DAY for n in range(days)]


def of(rows: pd.DataFrame, symbol: str, column: str) -> list[float]:
    """One column of a symbol, in time; 0 where it has no row."""
    marks_booked = rows[rows["symbol"] == symbol].set_index("timestamp")[column]
    return marks_booked.reindex(sorted(rows["timestamp"].unique()), fill_value=0.0).tolist()


def assert_books_balance(rows: pd.DataFrame, capital: float) -> None:
    """Values add up to the equity and profits to its change, in whole cents."""
    cents = rows.assign(**{name: (rows[name] * 100).round().astype("int64") for name in ("value", "profit", "equity")})
    days = cents.groupby("timestamp").agg(value=("value", "sum"), profit=("profit", "sum"), equity=("equity", "first"))
    assert days["value"].tolist() == days["equity"].tolist()
    before = [round(capital * 100), *days["equity"].tolist()[:-1]]
    assert (days["equity"] - before).tolist() == days["profit"].tolist()
    assert (cents.groupby("timestamp")["equity"].nunique() == 1).all()
    PAPER_LEDGER.conform(rows)


def test_a_decision_is_filled_at_the_next_close_and_marked_every_day() -> None:
    """Half of 1,000 at 100 is five units, bought at 110; then half of 1,000 at 110 is aimed at; HOLD sells at 90."""
    panel = prices(A=[100, 110, 120, 90])
    rows = keep_book(
        NOTHING, decided({"A": "LONG"}, {"A": "LONG"}, {"A": "HOLD"}, {}), panel, FREE, START, marks(4), HALF
    )
    assert of(rows, "A", "quantity") == [0, 5, 4.54545455, 0]
    assert of(rows, "A", "ordered") == [5, -0.45454545, -4.54545455, 0]
    assert of(rows, "A", "trade_price")[1:] == [110, 120, 90]
    assert of(rows, CASH, "value")[:2] == [1000, 450]
    assert of(rows, "A", "profit")[1] == 0
    assert_books_balance(rows, 1000)


def test_a_short_earns_when_the_price_falls_and_pays_borrow() -> None:
    """Sold at 100, bought back at 80; every bar the notional of the bar before pays a 252nd of the yearly rate."""
    market = replace(FREE, borrow_bps_per_year=252.0)
    run_date = {"A": "SHORT"}
    panel = prices(A=[100, 100, 80])
    rows = keep_book(NOTHING, decided(run_date), panel, market, START, marks(3), HALF)
    assert of(rows, "A", "quantity") == [0, -5, -5]
    assert of(rows, "A", "carry") == [0, 0, -0.05]
    assert of(rows, "A", "profit") == [0, 0, 99.95]
    assert of(rows, "A", "equity")[-1] == 1099.95
    assert_books_balance(rows, 1000)


def test_costs_are_those_of_the_market_on_every_trade() -> None:
    """25 basis points of 500 bought."""
    market = replace(FREE, fee_bps=10.0, slippage_bps=15.0)
    rows = keep_book(NOTHING, decided({"A": "LONG"}), prices(A=[100, 100]), market, START, marks(2), HALF)
    assert of(rows, "A", "costs") == [0, 1.25]
    assert of(rows, CASH, "value") == [1000, 498.75]
    assert_books_balance(rows, 1000)


def test_a_missing_price_leaves_the_order_open_with_a_note() -> None:
    """Filled when there is one again, at that price, with the units of the decision."""
    panel = prices(A=[100, np.nan, 50], B=[1, 1, 1])
    rows = keep_book(NOTHING, decided({"A": "LONG"}), panel, FREE, START, marks(3), HALF)
    assert of(rows, "A", "ordered") == [5, 5, 0]
    assert rows[rows["symbol"] == "A"]["note"].tolist() == [
        "filled at the next bar",
        "no price since 2019-07-01 20:00 UTC",
        "",
    ]
    assert of(rows, CASH, "value") == [1000, 1000, 750]
    never = keep_book(NOTHING, decided({"C": "LONG"}), panel, FREE, START, marks(1), HALF)
    assert never["note"].tolist() == ["no price yet; not ordered", ""]
    assert never["equity"].tolist() == [1000, 1000]


def test_a_later_decision_replaces_an_open_order() -> None:
    """The unfilled order is cancelled."""
    panel = prices(A=[100, np.nan, 50], B=[1, 1, 1])
    rows = keep_book(NOTHING, decided({"A": "LONG"}, {"A": "HOLD"}), panel, FREE, START, marks(3), HALF)
    assert of(rows, "A", "ordered") == [5, 0, 0] and of(rows, "A", "quantity") == [0, 0, 0]


@pytest.mark.parametrize(
    ("decisions", "config", "weight"),
    [
        ({"A": "LONG", "B": "SHORT", "C": "LONG", "D": "HOLD"}, PaperConfig(max_weight=0.5), 1 / 3),
        ({"A": "LONG", "B": "SHORT", "C": "LONG", "D": "HOLD"}, PaperConfig(max_weight=0.2), 0.2),
        ({"A": "LONG", "B": "SHORT"}, PaperConfig(gross=0.5, max_weight=0.5), 0.25),
        ({"A": "HOLD"}, PaperConfig(), 0.0),
    ],
)
def test_weights_are_equal_under_the_cap_and_the_gross(
    decisions: dict[str, str], config: PaperConfig, weight: float
) -> None:
    """Signed by the direction; nobody gets more than the cap, all together not more than the gross."""
    panel = prices(A=[1.0], B=[1.0], C=[1.0], D=[1.0])
    rows = keep_book(NOTHING, decided(decisions), panel, FREE, START, marks(1), config)
    sign = {"LONG": 1.0, "SHORT": -1.0, "HOLD": 0.0}
    for symbol, direction in decisions.items():
        assert of(rows, symbol, "target") == pytest.approx([sign[direction] * weight])


def test_a_split_changes_the_units_not_the_value() -> None:
    """Four for one shown by the prices; where the prices show no jump nothing is multiplied."""
    split = {"A": [0, 0, 4, 0], "B": [0, 0, 4, 0]}
    panel = daily({"close": {"A": [100, 100, 25, 25], "B": [100, 100, 100, 100]}, "split": split})
    config = PaperConfig(capital=1000.0, max_weight=0.25)
    rows = keep_book(NOTHING, decided({"A": "LONG", "B": "SHORT"}), panel, FREE, START, marks(4), config)
    assert of(rows, "A", "quantity") == [0, 2.5, 10, 10]
    assert of(rows, "B", "quantity") == [0, -2.5, -2.5, -2.5]
    assert of(rows, CASH, "equity") == [1000] * 4


def test_dividends_are_paid_to_longs_and_by_shorts() -> None:
    """Two a share, by the holdings before the bar's trades."""
    paid = {"A": [0, 2, 2], "B": [0, 2, 2]}
    panel = daily({"close": {"A": [100, 100, 100], "B": [100, 100, 100]}, "dividend": paid})
    rows = keep_book(NOTHING, decided({"A": "LONG", "B": "SHORT"}), panel, FREE, START, marks(3), HALF)
    assert of(rows, "A", "carry") == [0, 0, 10] and of(rows, "B", "carry") == [0, 0, -10]
    assert_books_balance(rows, 1000)


def test_funding_is_paid_by_longs_at_its_stamp() -> None:
    """One in a hundred of 500, by who held at the stamp; the fill is at 20:00 of the second day."""
    stamps = [START + DAY + pd.Timedelta(12, "h"), START + 2 * DAY + pd.Timedelta(8, "h")]
    events = pd.DataFrame({"timestamp": stamps, "symbol": "A", "available_at": stamps, "funding": 0.01})
    rows = keep_book(NOTHING, decided({"A": "LONG"}), prices(A=[100, 100, 100]), FREE, START, marks(3), HALF, events)
    assert of(rows, "A", "carry") == [0, 0, -5]
    assert_books_balance(rows, 1000)
    same = keep_book(
        NOTHING, decided({"A": "LONG"}), prices(A=[100.0] * 3), FREE, START, marks(3), HALF, RAW_FUNDING.empty()
    )
    assert of(same, "A", "carry") == [0, 0, 0]


def test_a_symbol_without_a_decision_is_sold() -> None:
    """A symbol without a decision has target 0."""
    panel = prices(A=[100, 100, 100], B=[100, 100, 100])
    rows = keep_book(NOTHING, decided({"A": "LONG"}, {"B": "LONG"}), panel, FREE, START, marks(3), HALF)
    assert of(rows, "A", "quantity") == [0, 5, 0] and of(rows, "B", "quantity") == [0, 0, 5]


@pytest.mark.parametrize("wrong", [{"capital": 0.0}, {"capital": np.nan}, {"gross": 1.5}, {"max_weight": 0.0}])
def test_a_setting_that_cannot_work_is_refused(wrong: dict[str, float]) -> None:
    """Before anything is booked."""
    with pytest.raises(SettingError, match=f"{next(iter(wrong))} is .*; expected a number in"):
        PaperConfig(**wrong)


def world(seed: int, days: int = 12) -> tuple[Panel, pd.DataFrame, pd.DataFrame]:
    """Hourly random walks with holes, a decision at every midnight, funding every eight hours."""
    rng = np.random.default_rng(seed)
    times = pd.date_range(START + pd.Timedelta(1, "h"), periods=24 * days, freq="h")
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (len(times), 4)), axis=0))
    close[rng.random(close.shape) < 0.3] = np.nan
    panel = Panel(times.tz_localize(None).to_numpy("datetime64[us]"), tuple("ABCD"), {"close": close})
    grid = [(at, s) for at in times[23::24] for s in "ABCD"]
    decisions = pd.DataFrame(grid, columns=["timestamp", "symbol"]).assign(
        market="crypto", decision=rng.choice(["LONG", "SHORT", "HOLD"], len(grid))
    )
    stamps = [(at, s) for at in times[7::8] for s in "ABCD"]
    funding = pd.DataFrame(stamps, columns=["timestamp", "symbol"])
    return panel, decisions, funding.assign(available_at=funding["timestamp"], funding=rng.normal(0, 1e-3, len(stamps)))


def by_events(
    panel: Panel, decisions: pd.DataFrame, funding: pd.DataFrame, config: PaperConfig
) -> tuple[list[float], list[dict[str, float]]]:
    """Equity and positions at every day's end, one event after the other, without rounding."""
    cash, held, order, last = config.capital, defaultdict(float), {}, {}
    rates = {(row.timestamp, row.symbol): row.funding for row in funding.itertuples()}
    signals = {at: dict(zip(g["symbol"], g["decision"], strict=True)) for at, g in decisions.groupby("timestamp")}
    cost = (CRYPTO.fee_bps + CRYPTO.slippage_bps) / 1e4
    equities, positions = [], []
    for t, stamp in enumerate(pd.DatetimeIndex(panel.timestamps).tz_localize("UTC")):
        for column, symbol in enumerate(panel.symbols):
            cash -= held[symbol] * last.get(symbol, 0.0) * rates.get((stamp, symbol), 0.0)
            price = panel["close"][t, column]
            if np.isfinite(price):
                last[symbol] = price
                units = order.pop(symbol, 0.0)
                cash -= units * price + abs(units) * price * cost
                held[symbol] += units
        if stamp in signals:
            trade_rate = [s for s, d in signals[stamp].items() if d != "HOLD"]
            equity = cash + sum(held[s] * last.get(s, 0.0) for s in panel.symbols)
            weight = min(config.max_weight, config.gross / len(trade_rate)) if trade_rate else 0.0
            order = {}
            for symbol in panel.symbols:
                if symbol in last:
                    sign = {"LONG": 1, "SHORT": -1, "HOLD": 0}[signals[stamp][symbol]]
                    order[symbol] = sign * weight * equity / last[symbol] - held[symbol]
            equities.append(equity)
            positions.append(dict(held))
    return equities, positions


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_book_is_that_of_an_event_loop(seed: int) -> None:
    """Equity within the cents that were rounded, positions within the eighth digit."""
    panel, decisions, funding = world(seed)
    config = PaperConfig(capital=50_000.0, max_weight=0.4)
    rows = keep_book(NOTHING, decisions, panel, CRYPTO, START, marks(12), config, funding)
    equities, positions = by_events(panel, decisions, funding, config)
    assert of(rows, CASH, "equity") == pytest.approx(equities, abs=0.5)
    for symbol in "ABCD":
        assert of(rows, symbol, "quantity") == pytest.approx([p.get(symbol, 0.0) for p in positions], rel=1e-5)
    assert (rows["traded"] != 0).sum() > 20 and (rows["carry"] != 0).sum() > 20
    assert_books_balance(rows, 50_000)


def test_booking_by_day_equals_booking_at_once() -> None:
    """Each run date starts from the stored rows of the one before, and sees no more bars than it may."""
    panel, decisions, funding = world(7)
    config = PaperConfig()
    together = keep_book(NOTHING, decisions, panel, CRYPTO, START, marks(12), config, funding)
    rows, since, run_dates = NOTHING, START, []
    for mark in marks(12):
        named = panel.rows(max(0, panel.closed_by(since) - 24), panel.closed_by(mark))
        rows = keep_book(rows, decisions[decisions["timestamp"] <= mark], named, CRYPTO, since, [mark], config, funding)
        since = mark
        run_dates.append(rows)
    pd.testing.assert_frame_equal(pd.concat(run_dates, ignore_index=True), together)


def test_the_future_changes_nothing() -> None:
    """Bars and decisions after a mark are not in its rows."""
    panel, decisions, funding = world(3)
    config = PaperConfig()
    short = keep_book(NOTHING, decisions, panel, CRYPTO, START, marks(5), config, funding)
    other = replace(panel, fields={"close": np.vstack([panel["close"][:120], panel["close"][120:] * 9])})
    long = keep_book(NOTHING, decisions, other, CRYPTO, START, marks(12), config, funding)
    pd.testing.assert_frame_equal(long[long["timestamp"] <= marks(5)[-1]].reset_index(drop=True), short)


def test_a_day_is_booked_once_it_is_decided() -> None:
    """Not before its decision, not twice; a day without a bar needs none."""
    panel = prices(A=[100, 100, 100])
    decisions = decided({"A": "LONG"}, {}, {"A": "HOLD"})
    ends = marks(4)
    assert bookable(panel, decisions, FREE, None, ends) == [ends[0], ends[2], ends[3]]
    assert bookable(panel, decisions, FREE, ends[0], ends) == [ends[2], ends[3]]
    assert bookable(panel, decisions.assign(market="crypto"), FREE, None, ends) == [ends[3]]


def test_a_skipped_day_is_booked_with_the_next() -> None:
    """Its trades stand in the next row, and the books still balance."""
    panel, decisions, funding = world(5)
    some = [marks(12)[n] for n in (0, 1, 4, 11)]
    rows = keep_book(NOTHING, decisions, panel, CRYPTO, START, some, PaperConfig(), funding)
    together = keep_book(NOTHING, decisions, panel, CRYPTO, START, marks(12), PaperConfig(), funding)
    assert of(rows, CASH, "equity")[-1] == pytest.approx(of(together, CASH, "equity")[-1], abs=0.5)
    assert_books_balance(rows, 100_000)


def test_an_order_waits_for_a_bar_that_was_traded() -> None:
    """Neither a carried close nor one without volume fills it; the note has the time of the last real price."""
    panel = prices(A=[100, 100, 105, 110])
    panel = replace(
        panel,
        fields={**panel.fields, "volume": np.array([[5.0], [0.0], [0.0], [7.0]])},
        carried=np.array([[False], [True], [False], [False]]),
    )
    rows = keep_book(NOTHING, decided({"A": "LONG"}), panel, FREE, START, marks(4), HALF)
    assert of(rows, "A", "quantity") == [0, 0, 0, 5]
    assert of(rows, "A", "ordered") == [5, 5, 5, 0]
    assert rows.loc[rows["symbol"] == "A", "trade_price"].iloc[-1] == 110
    notes = rows.loc[rows["symbol"] == "A", "note"].tolist()
    assert notes[1] == "no price since 2019-07-01 20:00 UTC"
    assert_books_balance(rows, 1000.0)
