"""
`backtest`: which factors, on which bars, traded how.

What came of it is shown by `accounts`; the bars that may be looked at are cut by `backtest.account`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpha_pipeline.cli.accounts import BacktestRun, FactorRun, doubt, show
from alpha_pipeline.cli.arguments import Commands, complete, names
from alpha_pipeline.cli.data import MARKET_NAMES, Bars, bars_of, file_bars, market_with, stored
from alpha_pipeline.cli.language import add_dialect
from alpha_pipeline.cli.terminal import echo, print_json, progress
from alpha_pipeline.errors import SettingError

if TYPE_CHECKING:  # a shell waits for every import
    from alpha_pipeline.backtesting import BacktestConfig
    from alpha_pipeline.expressions import Node

MODES = ("auto", "time_series", "quantile", "rank", "long_only")
LONGEST_DAYS = 1e6
FIELDS = """\
market, data, stretch, opening, symbols, mode, from, to, warning, factors [...], each with:
  factor, expression, status,
  measures {bars, total_return, annual_return, volatility, sharpe, sharpe_error, sharpe_gross, sortino, calmar,
    max_drawdown, win_rate, profit_factor, turnover, ic, hold_return, capital, final_equity, profit, fees, carry,
    orders},
  orders [timestamp, symbol, side, weight_change, price, notional, cost_bps, cost], equity [timestamp, equity]"""


def add_commands(commands: Commands) -> None:
    """`backtest`."""
    found = commands.add(
        "backtest", _backtest, "trade factors on the last days one may look at, after costs, in money",
        ("--symbol BTCUSDT --days 30 --capital 100000", "'-zscore(close, 5d)' --symbol BTC/USDT",
         "'rank(volume)' momentum_volume --market equities --days 250",
         "'ts_return(close, 1d)' --symbol ETHUSDT --json"),
        FIELDS,
    )  # fmt: skip
    found.add_argument(
        "expressions", nargs="*", metavar="EXPRESSION",
        help="factors, or names of known ones; several are compared (default: the references that are shipped)",
    )  # fmt: skip
    add_dialect(found)
    data = found.add_argument_group("data")
    symbols = data.add_argument(
        "--symbol", "--symbols", default="", help="one or more, as BTCUSDT,ETHUSDT (default: all of the market)"
    )
    complete(symbols, "symbols")
    data.add_argument("--market", choices=MARKET_NAMES, help="default: the one that has the symbol, else crypto")
    data.add_argument("--data", type=Path, help="a long table instead: .parquet or .csv with timestamp, symbol, fields")
    data.add_argument("--days", type=float, default=30, help="days of trading to measure (default %(default)s)")
    complete(
        data.add_argument("--run-date", metavar="YYYY-MM-DD", help="as of this run date (default: the last)"),
        "run_dates",
    )
    data.add_argument(
        "--stretch", choices=["train", "valid", "sealed"], default="train",
        help="part of the history the days are the end of; sealed bars are opened only so, and counted "
        "(default %(default)s)",
    )  # fmt: skip
    data.add_argument("--sealed", action="store_const", const="sealed", dest="stretch", help="as --stretch sealed")
    how = found.add_argument_group("trading (default: the market's costs)")
    how.add_argument("--capital", type=float, default=100_000.0, help="quote currency (default %(default)s)")
    how.add_argument(
        "--mode", choices=MODES, default="auto",
        help="book: auto takes each symbol against its own past below three symbols, else quantile legs",
    )  # fmt: skip
    how.add_argument(
        "--max-weight", type=float, default=0.5, help="most of the equity in a symbol (default %(default)s)"
    )
    how.add_argument("--fee-bps", type=float, help="fee per unit of weight bought or sold")
    how.add_argument("--slippage-bps", type=float, help="half spread and slippage, likewise")
    how.add_argument("--rebalance-bars", type=int, help="bars between decisions (default: a day)")
    how.add_argument("--window-bars", type=int, default=60, help="past of mode time_series (default %(default)s)")
    shown = found.add_argument_group("output")
    shown.add_argument("--orders", type=int, default=12, help="orders to show (default %(default)s)")
    shown.add_argument("--out", type=Path, help="write all orders to this .parquet or .csv file")


def _backtest(options: argparse.Namespace) -> int:
    from alpha_pipeline.market.symbols import find_symbols

    if not 0 < options.days < LONGEST_DAYS or not 0 < options.capital < float("inf"):
        raise SettingError(
            f"--days and --capital must be above 0, days below {LONGEST_DAYS:,.0f} and capital finite; "
            f"found {options.days:g} and {options.capital:g}"
        )
    _require_out(options.out)
    asked = names(options.symbol)
    bars = _bars(options, asked)
    taken = find_symbols(asked, bars.panel.symbols)
    symbols = tuple(sorted(taken.values())) or bars.panel.symbols
    config, factors, window = _config(options, bars, len(symbols)), _factors(options, bars), _window(options, bars)
    part = "own" if bars.own else options.stretch
    opening = _opened(options, bars, symbols) if part == "sealed" else None
    with progress("trading", len(factors)) as step:
        found = []
        for name, node in factors.items():
            found.append(_follow(name, node, bars, symbols, config, window))
            step(name)
    closes = bars.panel.timestamps[slice(*window)].astype("datetime64[m]").astype(str)
    first, last = f"{closes[0]}Z", f"{closes[-1]}Z"
    scene = BacktestRun(
        bars.market.name, bars.source, part, opening, symbols, taken, len(closes), first, last,
        funded=bars.funding is not None, opens=_has_opens(bars, symbols, window), config=config,
    )  # fmt: skip
    if options.out:
        _write(found, options.out)
    if options.json:
        print_json({**scene.record, "warning": doubt(found), "factors": [one.record for one in found]})
        return 0 if any(one.account for one in found) else 1
    show(found, scene, options.orders)
    if options.out:
        echo(f"wrote the orders to {options.out}")
    return 0 if any(one.account for one in found) else 1


def _bars(options: argparse.Namespace, asked: list[str]) -> Bars:
    from alpha_pipeline.market.run_dates import require_run_date

    run_date = require_run_date(options.run_date) if options.run_date else None
    if options.data:
        return file_bars(options.data, options.market or "crypto")
    return bars_of(options.market, run_date) if options.market else market_with(asked, run_date)


def _window(options: argparse.Namespace, bars: Bars) -> tuple[int, int]:
    """The bars to measure, [start, stop)."""
    from alpha_pipeline.backtesting.account import bars_of_days, stretch

    wanted, whole = bars_of_days(options.days, bars.panel), bars.panel.shape[0]
    return (max(0, whole - wanted), whole) if bars.own else stretch(whole, bars.market, options.stretch, wanted)


def _has_opens(bars: Bars, symbols: Sequence[str], window: tuple[int, int]) -> bool:
    """Whether any of the symbols has an open in the window."""
    import numpy as np

    opens = bars.panel.fields.get("open")
    places = [bars.panel.symbols.index(symbol) for symbol in symbols]
    return opens is not None and bool(np.isfinite(opens[slice(*window), places]).any())


def _config(options: argparse.Namespace, bars: Bars, symbols: int) -> "BacktestConfig":
    from alpha_pipeline.backtesting import BacktestConfig
    from alpha_pipeline.backtesting.portfolio import Mode
    from alpha_pipeline.backtesting.ranks import MINIMUM_BREADTH

    automatic: Mode = "time_series" if symbols < MINIMUM_BREADTH else "quantile"
    chosen: Mode = automatic if options.mode == "auto" else options.mode
    given: dict[str, Any] = {
        name: getattr(options, name) for name in ("fee_bps", "slippage_bps", "rebalance_bars")
    }  # fmt: skip
    return replace(
        BacktestConfig.of(bars.market),
        capital=options.capital,
        max_weight=options.max_weight,
        window_bars=options.window_bars,
        mode=chosen,
        **{name: value for name, value in given.items() if value is not None},
    )


def _factors(options: argparse.Namespace, bars: Bars) -> "dict[str, Node | str]":
    """Name to expression, or to why it cannot be read where several are compared."""
    from alpha_pipeline.errors import ExpressionError
    from alpha_pipeline.expressions import fields_used, parse
    from alpha_pipeline.factors.references import REFERENCES

    known = {r.name: r.source for r in REFERENCES}
    if not options.expressions:
        nodes = {name: parse(text, bar=bars.market.bar) for name, text in known.items()}
        return {name: node for name, node in nodes.items() if fields_used(node) <= set(bars.panel.fields)}
    found: dict[str, Node | str] = {}
    for text in map(str.strip, options.expressions):
        named = known.get(text) or ("" if bars.own or not text.isidentifier() else _library(bars).get(text, ""))
        try:
            dialect = "dsl" if named else options.dialect
            found[text] = parse(named or text, dialect=dialect, fields=bars.panel.fields, bar=bars.market.bar)
        except ExpressionError as error:
            if len(options.expressions) == 1:
                raise
            found[text] = str(error).splitlines()[0]
    return found


def _library(bars: Bars) -> dict[str, str]:
    """Factors of the last stored run date, by id and by name."""
    key = f"{bars.market.name}/factor_library"
    days = stored().days(key)
    rows = stored().read(key, days[-1], days[-1]) if days else None
    if rows is None:
        return {}
    return dict(zip(rows["name"], rows["expression"], strict=True)) | dict(
        zip(rows["factor_id"], rows["expression"], strict=True)
    )


def _opened(options: argparse.Namespace, bars: Bars, symbols: tuple[str, ...]) -> int:
    """Count the look before it is taken."""
    from resources.lake.holdout_access import record_holdout_access

    look = {
        "command": "backtest",
        "expressions": [text.strip() for text in options.expressions],
        "symbols": list(symbols),
        "days": options.days,
    }
    return record_holdout_access(stored(), bars.market, look)


def _follow(
    name: str,
    node: "Node | str",
    bars: Bars,
    symbols: Sequence[str],
    config: "BacktestConfig",
    window: tuple[int, int],
) -> FactorRun:
    from alpha_pipeline.backtesting import account, funding_payments
    from alpha_pipeline.factors.values import evaluate_one

    if isinstance(node, str):
        return FactorRun(name, None, None, node)
    known = bars.panel.rows(None, window[1])  # nothing after the window exists for it
    values = evaluate_one(node, known)  # ranks see all of the market, whatever is traded
    places = [known.symbols.index(symbol) for symbol in symbols]
    traded = replace(known, symbols=tuple(symbols), fields={f: x[:, places].copy() for f, x in known.fields.items()})
    paid = None if bars.funding is None else funding_payments(bars.funding, traded, config.fill)
    found = account(values[:, places].copy(), traded, bars.market, config, window, paid)
    return FactorRun(name, node, found, "traded" if found.measures["bars"] else "nothing was ever held")


def _require_out(out: Path | None) -> None:
    if out and out.suffix not in {".parquet", ".csv"}:
        raise SettingError(f"{out.name} must end in .parquet or .csv")
    if out and not out.absolute().parent.is_dir():
        raise SettingError(f"no such folder: {out.absolute().parent}")


def _write(found: list[FactorRun], out: Path) -> None:
    import pandas as pd

    orders = [one.account.orders.assign(factor=one.name) for one in found if one.account]
    every = pd.concat(orders, ignore_index=True) if orders else pd.DataFrame()
    every.to_csv(out, index=False) if out.suffix == ".csv" else every.to_parquet(out, index=False)
