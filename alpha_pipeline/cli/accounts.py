"""Printed results of `backtest`: one factor in full or several side by side, with the sampling error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alpha_pipeline.cli.terminal import echo, print_pairs, sparkline, table

if TYPE_CHECKING:  # a shell waits for every import
    from alpha_pipeline.backtesting import Account, BacktestConfig
    from alpha_pipeline.expressions import Node

SAMPLE_PERIODS = {
    "train": "the end of train; newer bars are reserved for validation and the sealed holdout",
    "valid": "validation, which decides on admission: not out of sample for a factor selected on it",
    "sealed": "SEALED holdout, accessed {times} so far; every access is recorded",
    "own": "the end of the file",
}
NORMAL_95 = 1.96
HEADS = (
    "factor", "return", "final equity", "Sharpe", "error", "max DD", "turnover", "IC", "costs", "orders", "status ",
)  # fmt: skip
NAN = float("nan")


@dataclass(frozen=True)
class BacktestRun:
    """
    Settings common to all factors of one `backtest` command.

    Args:
        market: name of the market.
        data: source of the bars.
        sample_period: a key of `SAMPLE_PERIODS`.
        holdout_access: number of this access to the sealed bars; None without one.
        symbols: traded.
        resolved: text as typed to the symbol it was resolved to.
        bars: of the window.
        first: close of its first bar, ISO, UTC.
        last: close of its last bar.
        has_funding: whether funding rates of perpetuals are in the data.
        has_opens: whether there is any open to fill at; else trades fill at the close of the same bar.
        carried: what `gaps.carried_note` says of these bars.
        config: trading rules.
        bar: length of a bar.
        periods_per_year: bars of a year.
        remarks: what was understood of a file of the user.
        set_aside: reason -> rows of that file that are not among the bars.
        rows_set_aside: the same as text.
    """

    market: str
    data: str
    sample_period: str
    holdout_access: int | None
    symbols: tuple[str, ...]
    resolved: Mapping[str, str]
    bars: int
    first: str
    last: str
    has_funding: bool
    has_opens: bool
    carried: str
    config: "BacktestConfig"
    bar: str
    periods_per_year: float
    remarks: tuple[str, ...] = ()
    set_aside: Mapping[str, int] = field(default_factory=dict)
    rows_set_aside: str = ""

    @property
    def record(self) -> dict[str, object]:
        """The settings for `--json`."""
        return {
            "market": self.market, "data": self.data, "set_aside": self.set_aside, "remarks": self.remarks,
            "bar": self.bar, "periods_per_year": self.periods_per_year, "sample_period": self.sample_period,
            "holdout_access": self.holdout_access, "symbols": self.symbols, "mode": self.config.mode,
            "from": self.first, "to": self.last,
        }  # fmt: skip


@dataclass(frozen=True)
class FactorRun:
    """
    A factor and the account that traded it.

    Args:
        name: as typed.
        node: its expression; None when it could not be parsed.
        account: None when it could not be traded.
        status: "traded", or the reason it was not.
    """

    name: str
    node: "Node | None"
    account: "Account | None"
    status: str = "traded"

    @property
    def record(self) -> dict[str, object]:
        """The factor for `--json`."""
        record = {"factor": self.name, "expression": str(self.node) if self.node else None, "status": self.status}
        if self.account is None:
            return {**record, "measures": None, "orders": [], "equity": []}
        points = zip(self.account.closes, self.account.equity[1:].tolist(), strict=True)
        equity = [{"timestamp": close, "equity": value} for close, value in points]
        orders = self.account.orders.to_dict("records")
        return {**record, "measures": self.account.measures.to_row(), "orders": orders, "equity": equity}


def show(runs: Sequence[FactorRun], settings: BacktestRun, orders: int) -> None:
    """
    Print the settings, one factor in full or several side by side, and the sampling error.

    Args:
        runs: at least one.
        settings: common to them.
        orders: number of orders listed for a single factor.
    """
    from alpha_pipeline.reporting.formatting import plural

    config, symbols = settings.config, settings.symbols
    listed = ", ".join(symbols[:8]) + (f" and {len(symbols) - 8} more" if len(symbols) > 8 else "")
    resolved = ", ".join(f"{text} resolved to {symbol}" for text, symbol in settings.resolved.items() if text != symbol)
    fill = config.fill if settings.has_opens else "close (no opens in these data)"
    interval = "bar" if config.rebalance_bars == 1 else f"{config.rebalance_bars} bars"
    print_pairs(
        {
            "data": f"{settings.data}, {settings.market}: {listed}"
            + (f" ({resolved})" if resolved else "")
            + settings.rows_set_aside,
            **({"reading": "\n          ".join(settings.remarks)} if settings.remarks else {}),
            "bars": f"{settings.bars:,} from {settings.first} to {settings.last}"
            + (f"; {settings.carried}" if settings.carried else ""),
            "sample period": SAMPLE_PERIODS[settings.sample_period].format(
                times=plural(settings.holdout_access or 0, "time")
            ),
            "portfolio": f"{config.mode}, rebalanced every {interval}, filled at the next {fill}, "
            f"at most {config.max_weight:.0%} per symbol",
            "costs": f"{config.fee_bps:g} bps fee, {config.slippage_bps:g} bps slippage, including the first entry"
            + ("" if settings.has_funding or settings.market != "crypto" else "; no funding rates in these data"),
        }
    )
    echo()
    account = runs[0].account if len(runs) == 1 else None
    if account is None:
        table(HEADS, [_row(run) for run in runs])
    else:
        _in_full(runs[0], account, len(symbols), orders)
    echo(f"\n{sampling_error(runs)}")


def sampling_error(runs: Sequence[FactorRun]) -> str:
    """The 95 % confidence interval of the Sharpe ratio; for several factors its median half width and the bias."""
    measures = [run.account.measures.to_row() for run in runs if run.account]
    errors = sorted(m["sharpe_error"] for m in measures if m["sharpe_error"] == m["sharpe_error"])
    if not errors:
        return "Sharpe ratio undefined: the returns have no variance"
    if len(runs) == 1:
        center, width = measures[0]["sharpe"], NORMAL_95 * errors[0]
        return f"Sharpe ratio {center:+.2f}, 95 % confidence interval [{center - width:+.2f}, {center + width:+.2f}]"
    width = NORMAL_95 * errors[len(errors) // 2]
    return (
        f"95 % confidence interval of a Sharpe ratio here: about +-{width:.1f} (median); "
        f"the best of {len(runs)} is biased upwards by selection"
    )


def _row(run: FactorRun) -> tuple[str, ...]:
    from alpha_pipeline.reporting.formatting import number

    m = run.account.measures.to_row() if run.account else {}
    specs = {
        "total_return": "+.2%", "final_equity": ",.0f", "sharpe": "+.2f", "sharpe_error": ".2f", "max_drawdown": ".1%",
        "turnover": ".2f", "ic": "+.3f",
    }  # fmt: skip
    paid = m.get("fees", NAN) + m.get("carry", NAN)
    cells = [number(m.get(name, NAN), spec) for name, spec in specs.items()]
    return run.name, *cells, number(paid, ",.0f"), number(m.get("orders", NAN), ",.0f"), run.status


def _in_full(run: FactorRun, account: "Account", symbols: int, orders: int) -> None:
    from alpha_pipeline.backtesting.bar_ranks import MINIMUM_BREADTH
    from alpha_pipeline.reporting.formatting import number, plural

    m = account.measures.to_row()

    def of(name: str, spec: str) -> str:
        return number(m[name], spec)

    passive = "the symbol" if symbols == 1 else "all symbols, equal weights"
    kind = "time-series correlation with forward returns" if symbols < MINIMUM_BREADTH else "mean rank IC"
    print_pairs(
        {
            "factor": str(run.node),
            "equity": f"{of('capital', ',.2f')} -> {of('final_equity', ',.2f')}, profit {of('profit', '+,.2f')}; "
            + (
                f"ruined at {account.closes[-1]:%Y-%m-%d %H:%M} UTC, where the account ends"
                if m["ruined"]
                else "open positions valued at the last close"
            ),
            "paid": f"{of('fees', ',.2f')} fees and slippage, {of('carry', ',.2f')} borrow and funding",
            "return": f"{of('total_return', '+.2%')} total, {of('annual_return', '+.1%')} a year (arithmetic mean); "
            f"buy and hold of {passive} {of('hold_return', '+.2%')}",
            "risk": f"volatility {of('volatility', '.1%')} a year, max drawdown {of('max_drawdown', '.2%')}",
            "ratios": f"Sharpe {of('sharpe', '+.2f')} +- {of('sharpe_error', '.2f')} a year (before costs "
            f"{of('sharpe_gross', '+.2f')}), Sortino {of('sortino', '+.2f')}, Calmar {of('calmar', '+.2f')}",
            "activity": f"{plural(int(m['orders']), 'order')}, turnover {of('turnover', '.2f')} a day, "
            f"{plural(int(m['bars']), 'bar')} invested, {of('win_rate', '.0%')} of them with a gain",
            "IC": f"{of('ic', '+.3f')} ({kind})",
        }
    )
    if not account.measures.bars:
        echo(f"\n{run.status}")
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
