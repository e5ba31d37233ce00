"""How followed factors are shown: one in full, several side by side, and how little a short stretch says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alpha_pipeline.cli.terminal import echo, print_pairs, sparkline, table

if TYPE_CHECKING:  # a shell waits for every import
    from alpha_pipeline.backtesting import Account, BacktestConfig
    from alpha_pipeline.expressions import Node

STRETCHES = {
    "train": "the end of train, as for all that is tried at this desk; newer bars decide about factors, or are sealed",
    "valid": "validation, on which the judge decides: a factor chosen by these bars has used them up",
    "sealed": "SEALED bars, opened {times} by now; every opening is counted and wears them out",
    "own": "the end of the file; the run dates know nothing of it",
}
HEADS = (
    "factor", "return", "final equity", "Sharpe", "error", "max DD", "turnover", "IC", "costs", "orders", "status ",
)  # fmt: skip
NAN = float("nan")


@dataclass(frozen=True)
class BacktestRun:
    """
    What all factors of a command have in common.

    Args:
        market: name of the market.
        data: where the bars are from.
        stretch: a key of `STRETCHES`.
        opening: number of the opening of the sealed bars; None when they stayed closed.
        symbols: that are traded.
        taken: what was written to the symbol that was meant.
        bars: of the window.
        first: close of its first bar, ISO, UTC.
        last: close of its last bar.
        funded: whether what holders of perpetuals pay is known.
        opens: whether there is any open to fill at; else trades fill at the close of the same bar.
        config: how is traded.
    """

    market: str
    data: str
    stretch: str
    opening: int | None
    symbols: tuple[str, ...]
    taken: Mapping[str, str]
    bars: int
    first: str
    last: str
    funded: bool
    opens: bool
    config: "BacktestConfig"

    @property
    def record(self) -> dict[str, object]:
        """The scene for `--json`."""
        return {
            "market": self.market, "data": self.data, "stretch": self.stretch, "opening": self.opening,
            "symbols": self.symbols, "mode": self.config.mode, "from": self.first, "to": self.last,
        }  # fmt: skip


@dataclass(frozen=True)
class FactorRun:
    """
    A factor and what became of the capital that followed it.

    Args:
        name: as it was asked for.
        node: its expression; None when it was not read.
        account: None when it could not be traded.
        status: "traded", or why not.
    """

    name: str
    node: "Node | None"
    account: "Account | None"
    status: str = "traded"

    @property
    def record(self) -> dict[str, object]:
        """The factor for `--json`."""
        found = {"factor": self.name, "expression": str(self.node) if self.node else None, "status": self.status}
        if self.account is None:
            return {**found, "measures": None, "orders": [], "equity": []}
        points = zip(self.account.closes, self.account.equity[1:].tolist(), strict=True)
        equity = [{"timestamp": close, "equity": value} for close, value in points]
        orders = self.account.orders.to_dict("records")
        return {**found, "measures": self.account.measures, "orders": orders, "equity": equity}


def show(found: Sequence[FactorRun], scene: BacktestRun, orders: int) -> None:
    """
    The scene, then one factor in full or several side by side, then the doubt.

    Args:
        found: at least one.
        scene: of them all.
        orders: how many to list of a single factor.
    """
    from alpha_pipeline.reporting.formatting import plural

    config, symbols = scene.config, scene.symbols
    listed = ", ".join(symbols[:8]) + (f" and {len(symbols) - 8} more" if len(symbols) > 8 else "")
    meant = ", ".join(f"{symbol} for {text}" for text, symbol in scene.taken.items() if text != symbol)
    fill = config.fill if scene.opens else "close (these data have no open)"
    rhythm = "bar" if config.rebalance_bars == 1 else f"{config.rebalance_bars} bars"
    print_pairs(
        {
            "data": f"{scene.data}, {scene.market}: {listed}" + (f" (taken: {meant})" if meant else ""),
            "bars": f"{scene.bars:,} from {scene.first} to {scene.last}",
            "stretch": STRETCHES[scene.stretch].format(times=plural(scene.opening or 0, "time")),
            "book": f"{config.mode}, decided every {rhythm}, filled at the next {fill}, "
            f"at most {config.max_weight:.0%} a symbol",
            "costs": f"{config.fee_bps:g} bps fee, {config.slippage_bps:g} bps slippage, from the first entry on"
            + ("" if scene.funded or scene.market != "crypto" else "; funding is not in these data"),
        }
    )
    echo()
    only = found[0].account if len(found) == 1 else None
    if only is None:
        table(HEADS, [_row(one) for one in found])
    else:
        _in_full(found[0], only, len(symbols), orders)
    echo(f"\n{doubt(found)}")


def doubt(found: Sequence[FactorRun]) -> str:
    """How little so few bars say."""
    errors = [one.account.measures["sharpe_error"] for one in found if one.account]
    known = sorted(error for error in errors if error == error)
    if not known:
        return "nothing is known: no returns with any spread"
    error = known[len(known) // 2]
    best = f"; the best of {len(found)} looks better than it is" if len(found) > 1 else ""
    return (
        f"how little that says: the Sharpe ratio has a standard error of about {error:.1f} a year, "
        f"so nothing between {-2 * error:.1f} and {2 * error:+.1f} can be told from 0{best}"
    )


def _row(one: FactorRun) -> tuple[str, ...]:
    from alpha_pipeline.reporting.formatting import number

    m = one.account.measures if one.account else {}
    specs = {
        "total_return": "+.2%", "final_equity": ",.0f", "sharpe": "+.2f", "sharpe_error": ".2f", "max_drawdown": ".1%",
        "turnover": ".2f", "ic": "+.3f",
    }  # fmt: skip
    spent = m.get("fees", NAN) + m.get("carry", NAN)
    measured = [number(m.get(name, NAN), spec) for name, spec in specs.items()]
    return one.name, *measured, number(spent, ",.0f"), number(m.get("orders", NAN), ",.0f"), one.status


def _in_full(one: FactorRun, account: "Account", symbols: int, orders: int) -> None:
    from alpha_pipeline.backtesting.ranks import MINIMUM_BREADTH
    from alpha_pipeline.reporting.formatting import number, plural

    m = account.measures

    def of(name: str, spec: str) -> str:
        return number(m[name], spec)

    held = "the symbol" if symbols == 1 else "all symbols alike"
    information = "predictive correlation over time" if symbols < MINIMUM_BREADTH else "mean rank IC"
    print_pairs(
        {
            "factor": str(one.node),
            "equity": f"{of('capital', ',.2f')} -> {of('final_equity', ',.2f')}, profit {of('profit', '+,.2f')}; "
            "what is held at the end is valued, not sold",
            "paid": f"{of('fees', ',.2f')} fees and slippage, {of('carry', ',.2f')} borrow and funding",
            "return": f"{of('total_return', '+.2%')} in all, {of('annual_return', '+.1%')} a year (mean times the bars "
            f"of a year); holding {held} {of('hold_return', '+.2%')}",
            "risk": f"volatility {of('volatility', '.1%')} a year, max drawdown {of('max_drawdown', '.2%')}",
            "ratios": f"Sharpe {of('sharpe', '+.2f')} +- {of('sharpe_error', '.2f')} a year (before costs "
            f"{of('sharpe_gross', '+.2f')}), Sortino {of('sortino', '+.2f')}, Calmar {of('calmar', '+.2f')}",
            "activity": f"{plural(int(m['orders']), 'order')}, turnover {of('turnover', '.2f')} a day, "
            f"{plural(int(m['bars']), 'bar')} held, {of('win_rate', '.0%')} of those that moved gained",
            "IC": f"{of('ic', '+.3f')} ({information})",
        }
    )
    if one.status != "traded":
        echo(f"\n{one.status}")
        return
    low, high = float(account.equity.min()), float(account.equity.max())
    echo(f"\n{sparkline(account.equity.tolist())}  equity {low:,.0f} ... {high:,.0f}\n")
    rows = account.orders.head(max(0, orders))
    table(("time (UTC)", "symbol ", "side ", "price", "size", "amount", "cost"), map(_order, rows.to_dict("records")))
    if len(account.orders) > len(rows):
        echo(f"... and {plural(len(account.orders) - len(rows), 'more order')}")


def _order(order: Mapping[Any, Any]) -> tuple[str, ...]:
    price, amount = order["price"], order["notional"]
    return (
        f"{order['timestamp']:%Y-%m-%d %H:%M}", str(order["symbol"]), str(order["side"]), f"{price:,.6g}",
        f"{amount / price:+,.6g}", f"{amount:+,.2f}", f"{order['cost']:,.2f}",
    )  # fmt: skip
