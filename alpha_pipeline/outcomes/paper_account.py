"""
The paper account of one market: decisions become orders, orders are filled a bar later, positions are marked daily.

It continues from the rows of an earlier day, which it never changes; the caller chooses the days to book.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting.funding import funding_payments
from alpha_pipeline.market.gaps import is_traded
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel, utc64
from alpha_pipeline.outcomes.track_record import SIGN
from alpha_pipeline.settings import PaperConfig as PaperConfig
from alpha_pipeline.tables import PAPER_LEDGER
from alpha_pipeline.typing import Array, Flags

CASH = "(cash)"
SMALLEST = 1e-8  # units; smaller positions and orders are 0


def bookable(
    panel: Panel, decisions: pd.DataFrame, market: Market, since: pd.Timestamp | None, ends: Sequence[pd.Timestamp]
) -> list[pd.Timestamp]:
    """
    The ends of days that can be booked: after the last mark, and with a decision if they have a bar.

    A day without its decision yet is left out; its trades are booked with the next one.
    """
    decided = decisions.loc[decisions["market"] == market.name, "timestamp"]
    marks = []
    for end in ends:
        start = end - pd.Timedelta(days=1)
        bars = panel.closed_by(end) - panel.closed_by(start)
        if (since is None or end > since) and (not bars or ((decided > start) & (decided <= end)).any()):
            marks.append(end)
    return marks


def keep_book(
    before: pd.DataFrame,
    decisions: pd.DataFrame,
    panel: Panel,
    market: Market,
    since: pd.Timestamp,
    marks: Sequence[pd.Timestamp],
    config: PaperConfig,
    funding: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """
    Book the account from one mark to the next.

    Targets are equal weights of the LONG and SHORT decisions; HOLD, and a symbol without a decision, has target 0. An
    order is the difference to the target in units, at the equity and the last prices of the decision; it replaces the
    open order of the symbol. It is filled at the next close at which the symbol was traded, see `gaps.is_traded`, at
    the market's fee and slippage, and stays open without one.

    Args:
        before: the market's rows of `tables.PAPER_LEDGER` at `since`; without rows the account is opened.
        decisions: rows of the decision ledger; those of (since, last mark] are traded.
        panel: closes as stored, with a bar at or before `since` if there is one; `dividend` and `split` if available.
        market: gives costs, borrow and its name.
        since: time of `before`, or of the opening; UTC.
        marks: ends of days to mark, increasing, after `since`.
        config: capital and limits.
        funding: rows of `tables.RAW_FUNDING`; optional.

    Returns:
        Rows of `tables.PAPER_LEDGER`: at every mark a row for each symbol with a position, an order or a profit, and
        one for cash. Money is in whole cents: values add up to the equity, profits to its change. Between marks
        positions are adjusted for splits that the prices show; dividends, funding and borrow are booked.
    """
    decisions = decisions[(decisions["market"] == market.name) & (decisions["timestamp"] > since)]
    traded, panel = is_traded(panel), _without_carried(panel)
    account = _Account.of(before, panel, decisions["symbol"], market, since, config)
    moments = pd.DatetimeIndex(decisions["timestamp"]).unique().sort_values()
    waiting = [(utc64(at), decisions[decisions["timestamp"] == at]) for at in moments]
    paid = np.zeros((len(panel.timestamps) + 1, len(panel.symbols)))  # per bar: payments due since the bar before
    if funding is not None:
        paid[1:] = funding_payments(funding, panel, "close")
    rows, bar = [], panel.closed_by(since)
    for mark in marks:
        for t in range(bar, panel.closed_by(mark)):
            while waiting and waiting[0][0] < panel.timestamps[t]:
                account.decide(*waiting.pop(0))
            account.advance(panel, t, traded[t], paid[t])
        bar = panel.closed_by(mark)
        while waiting and waiting[0][0] <= utc64(mark):
            account.decide(*waiting.pop(0))
        rows.append(account.mark(mark, panel.timestamps[bar - 1] if bar else None))
    return pd.concat(rows, ignore_index=True) if rows else PAPER_LEDGER.empty()


@dataclass
class _Account:
    """State of the account; (symbols,) arrays over all symbols of the panel, the ledger and the decisions."""

    market: Market
    config: PaperConfig
    symbols: list[str]
    columns: Array  # position of each symbol of the panel
    cash: float
    quantity: Array
    ordered: Array
    target: Array
    price: Array
    priced_at: Array
    decided_at: Array
    value: Array  # at the mark before

    def __post_init__(self) -> None:
        self.splits = np.ones(len(self.symbols))
        self._clear()

    def _clear(self) -> None:
        self.flow, self.costs, self.carry, self.traded = (np.zeros(len(self.symbols)) for _ in range(4))
        self.trade_price = np.full(len(self.symbols), np.nan)

    @classmethod
    def of(
        cls,
        before: pd.DataFrame,
        panel: Panel,
        decided: pd.Series,
        market: Market,
        since: pd.Timestamp,
        config: PaperConfig,
    ) -> "_Account":
        held = before[before["symbol"] != CASH].set_index("symbol")
        cash = before.loc[before["symbol"] == CASH, "value"]
        symbols = sorted({*panel.symbols, *held.index, *decided})
        columns = np.array([symbols.index(symbol) for symbol in panel.symbols], int)
        stored = held.reindex(symbols)

        def numbers(name: str, blank: float = 0.0) -> Array:
            return np.asarray(np.nan_to_num(stored[name].to_numpy(float), nan=blank))

        def moments(name: str) -> Array:
            return np.array(stored[name].dt.tz_localize(None).to_numpy("datetime64[us]"))

        account = cls(
            market,
            config,
            symbols,
            columns,
            cash=float(cash.iloc[0]) if len(cash) else round(config.capital, 2),
            quantity=numbers("quantity"),
            ordered=numbers("ordered"),
            target=numbers("target"),
            price=numbers("price", np.nan),
            priced_at=moments("priced_at"),
            decided_at=moments("decided_at"),
            value=numbers("value"),
        )
        account._initial_prices(panel, panel.closed_by(since))
        return account

    def _initial_prices(self, panel: Panel, stop: int) -> None:
        """Last prices before bar `stop` of the symbols without a price in the ledger; the others keep their mark."""
        for column, i in enumerate(self.columns):
            bars = np.flatnonzero(np.isfinite(panel["close"][:stop, column]))
            if len(bars) and not np.isfinite(self.price[i]):
                self.price[i], self.priced_at[i] = panel["close"][bars[-1], column], panel.timestamps[bars[-1]]

    def advance(self, panel: Panel, t: int, traded: Flags, payments: Array) -> None:
        """One bar: splits are applied, carry is booked, open orders of what was traded are filled at its close."""
        close = self._spread(panel["close"][t])
        priced = np.isfinite(close)
        self._split(close, priced, self._spread(panel["split"][t]) if "split" in panel.fields else None)
        notional = np.nan_to_num(self.quantity * self.price)
        self.carry -= notional * np.nan_to_num(self._spread(payments))
        borrow = self.market.borrow_bps_per_year / 10_000 / self.market.periods_per_year
        self.carry += np.minimum(notional, 0.0) * borrow
        if "dividend" in panel.fields:
            self.carry += self.quantity * np.nan_to_num(self._spread(panel["dividend"][t]))
        filled = (self._spread(traded.astype(float)) == 1) & (self.ordered != 0)
        units = np.where(filled, self.ordered, 0.0)
        notional = units * np.where(priced, close, 0.0)
        self.flow -= notional
        self.costs += np.abs(notional) * (self.market.fee_bps + self.market.slippage_bps) / 10_000
        self.quantity = np.round(self.quantity + units, 8)
        self.traded += units
        self.trade_price[filled] = close[filled]
        self.ordered[filled] = 0.0
        self.price[priced], self.priced_at[priced] = close[priced], panel.timestamps[t]

    def _split(self, close: Array, priced: Array, split: Array | None) -> None:
        """Apply due splits: more units at a lower price, where the change from the last price agrees with the split."""
        if split is not None:
            self.splits = np.where(split > 0, self.splits * np.where(split > 0, split, 1.0), self.splits)
        due = priced & (self.splits != 1.0) & np.isfinite(self.price)
        if due.any():
            jump = np.log(np.where(due, self.price / np.where(priced, close, 1.0), 1.0))
            visible = due & (np.abs(jump - np.log(self.splits)) < np.abs(jump))
            factor = np.where(visible, self.splits, 1.0)
            self.quantity, self.ordered, self.price = (
                self.quantity * factor, self.ordered * factor, self.price / factor,
            )  # fmt: skip
            self.splits = np.where(due, 1.0, self.splits)

    def decide(self, at: np.datetime64, group: pd.DataFrame) -> None:
        """Orders towards equal weights of the LONG and SHORT decisions."""
        signs = group.set_index("symbol")["decision"].map(SIGN).reindex(self.symbols).fillna(0.0)
        sign: Array = np.asarray(signs, dtype=np.float64)
        trades = int((sign != 0).sum())
        weight = min(self.config.max_weight, self.config.gross / trades) if trades else 0.0
        held = float(np.nansum(self.quantity * self.price))
        equity = self.cash + float((self.flow - self.costs + self.carry).sum()) + held
        self.target = sign * (weight if equity > 0 else 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            target_units = np.where(self.price > 0, self.target * equity / self.price, 0.0)
        order = np.round(target_units - self.quantity, 8)
        self.ordered = np.where(np.abs(order) < SMALLEST, 0.0, order)
        self.decided_at[:] = at

    def mark(self, moment: pd.Timestamp, last_bar: np.datetime64 | None) -> pd.DataFrame:
        """The rows at the end of a day; money is rounded to cents here and carried forward rounded."""
        flow, costs, carry = (np.round(money, 2) for money in (self.flow, self.costs, self.carry))
        value = np.round(np.nan_to_num(self.quantity * self.price), 2).astype(np.float64)
        profit = np.round(value - self.value + flow - costs + carry, 2)
        paid = round(float((flow - costs + carry).sum()), 2)
        self.cash = round(self.cash + paid, 2)
        equity = round(float(value.sum()) + self.cash, 2)
        table = pd.DataFrame(
            {
                "timestamp": moment,
                "market": self.market.name,
                "symbol": self.symbols,
                "quantity": self.quantity,
                "price": self.price,
                "priced_at": _stamps(self.priced_at),
                "value": value,
                "target": self.target,
                "decided_at": _stamps(self.decided_at),
                "ordered": self.ordered,
                "traded": self.traded,
                "trade_price": self.trade_price,
                "costs": costs,
                "carry": carry,
                "profit": profit,
                "equity": equity,
                "note": [self._note(i, last_bar) for i in range(len(self.symbols))],
            }
        )
        active = ["quantity", "target", "ordered", "traded", "costs", "carry", "profit"]
        table = table[(table[active] != 0).any(axis=1)]
        self.value = value
        self._clear()
        return pd.concat([table, self._cash_row(moment, equity)])

    def _cash_row(self, moment: pd.Timestamp, equity: float) -> pd.DataFrame:
        row = dict.fromkeys(("target", "ordered", "traded", "costs", "carry", "profit"), 0.0)
        row |= {"quantity": self.cash, "price": 1.0, "value": self.cash, "equity": equity, "trade_price": np.nan}
        names = {"timestamp": moment, "market": self.market.name, "symbol": CASH, "priced_at": moment, "note": ""}
        return PAPER_LEDGER.complete(pd.DataFrame([{**names, **row}]))

    def _note(self, i: int, last_bar: np.datetime64 | None) -> str:
        if self.target[i] and not self.price[i] > 0:
            return "no price yet; not ordered"
        if not self.ordered[i]:
            return ""
        stale = last_bar is not None and self.priced_at[i] < last_bar
        return (
            f"no price since {pd.Timestamp(self.priced_at[i]):%Y-%m-%d %H:%M} UTC"
            if stale
            else "filled at the next bar"
        )

    def _spread(self, values: Array) -> Array:
        """(symbols of the panel,) as (all symbols,); NaN for symbols that are not in the panel."""
        out = np.full(len(self.symbols), np.nan)
        out[self.columns] = values
        return out


def _without_carried(panel: Panel) -> Panel:
    """Carried closes are no prices of their bar: a position keeps the price, and the time, of the last real one."""
    if panel.carried is None:
        return panel
    return replace(panel, fields={**panel.fields, "close": np.where(panel.carried, np.nan, panel["close"])})


def _stamps(moments: Array) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(moments).tz_localize("UTC")
