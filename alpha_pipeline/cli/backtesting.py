"""
`backtest`: the factors, the sample period and the trading rules.

Results are printed by `accounts`; the window is cut by `backtesting.account`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpha_pipeline.cli.accounts import BacktestRun, FactorRun, sampling_error, show
from alpha_pipeline.cli.arguments import Commands, complete, names
from alpha_pipeline.cli.data import Bars, bars_of, market_name, market_with, parse_factor, stored
from alpha_pipeline.cli.language import add_dialect
from alpha_pipeline.cli.terminal import echo, print_json, progress
from alpha_pipeline.cli.user_files import add_file_options, check_file_options, file_bars
from alpha_pipeline.errors import SettingError

if TYPE_CHECKING:  # a shell waits for every import
    from alpha_pipeline.backtesting import BacktestConfig, Segment
    from alpha_pipeline.expressions import Node
    from alpha_pipeline.market.panel import Panel

MODES = ("auto", "time_series", "quantile", "rank", "long_only")
LONGEST_DAYS = 1e6
DAYS = 30
FIELDS = """\
market, data, set_aside {reason: rows}, remarks [...], bar, periods_per_year, sample_period, holdout_access,
  symbols, mode, from, to, warning, factors [...], each with:
  factor, expression, status,
  measures {bars, total_return, annual_return, volatility, sharpe, sharpe_error, sharpe_gross, sortino, calmar,
    max_drawdown, win_rate, profit_factor, turnover, ic, hold_return, capital, final_equity, profit, fees, carry,
    orders, ruined},
  orders [timestamp, symbol, side, weight_change, price, notional, cost_bps, cost], equity [timestamp, equity]"""


def add_commands(commands: Commands) -> None:
    """`backtest`."""
    command = commands.add(
        "backtest", _backtest, "backtest factors on recent days of the sample period, after costs",
        ("--symbol BTCUSDT --days 30 --capital 100000", "'-zscore(close, 5d)' --symbol BTC/USDT",
         "'rank(volume)' momentum_volume --market equities --days 250",
         "alpha012 alpha158.CORD20 --symbol BTCUSDT", "'ts_return(close, 1d)' --symbol ETHUSDT --json"),
        FIELDS,
    )  # fmt: skip
    command.add_argument(
        "expressions", nargs="*", metavar="EXPRESSION",
        help="expressions, or names of reference, published or library factors; several are compared (default: the "
        "references)",
    )  # fmt: skip
    add_dialect(command)
    data = command.add_argument_group("data")
    symbols = data.add_argument(
        "--symbol",
        "--symbols",
        default="",
        help="comma-separated, such as BTCUSDT,ETHUSDT (default: all of the market)",
    )
    complete(symbols, "symbols")
    complete(
        data.add_argument(
            "--market", type=market_name, help="default: the market of the symbol, else crypto; --data needs one"
        ),
        "markets",
    )
    add_file_options(data)
    data.add_argument(
        "--days", type=float, help=f"length of the backtest in days or sessions (default {DAYS}; with --data all)"
    )
    complete(
        data.add_argument("--run-date", metavar="YYYY-MM-DD", help="data as of this run date (default: the latest)"),
        "run_dates",
    )
    data.add_argument(
        "--sample-period", choices=["train", "valid", "sealed"],
        help="the backtest covers its last days; every access to the sealed holdout is recorded (default train)",
    )  # fmt: skip
    data.add_argument(
        "--sealed", action="store_const", const="sealed", dest="sample_period", help="short for --sample-period sealed"
    )
    trading = command.add_argument_group("trading (default: the market's costs)")
    trading.add_argument(
        "--capital", type=float, default=100_000.0, help="initial capital in quote currency (default %(default)s)"
    )
    trading.add_argument(
        "--mode", choices=MODES, default="auto",
        help="portfolio construction; auto is time_series below three symbols, else quantile (default %(default)s)",
    )  # fmt: skip
    trading.add_argument(
        "--max-weight", type=float, default=0.5, help="maximum weight per symbol (default %(default)s)"
    )
    trading.add_argument("--fee-bps", type=float, help="fee per unit of turnover")
    trading.add_argument("--slippage-bps", type=float, help="half spread and slippage per unit of turnover")
    trading.add_argument("--rebalance-bars", type=int, help="bars between rebalancings (default: one day)")
    trading.add_argument(
        "--window-bars", type=int, default=60, help="look-back of mode time_series (default %(default)s)"
    )
    output = command.add_argument_group("output")
    output.add_argument("--orders", type=int, default=12, help="number of orders to print (default %(default)s)")
    output.add_argument("--out", type=Path, help="write all orders to this .parquet or .csv file")


def _backtest(options: argparse.Namespace) -> int:
    from alpha_pipeline.market.gaps import carried_note
    from alpha_pipeline.market.symbols import find_symbols

    check_file_options(options, _not_with_data(options))
    options.sample_period = options.sample_period or "train"
    options.days = options.days if options.days is not None or options.data else float(DAYS)
    days = 1.0 if options.days is None else options.days
    if not 0 < days < LONGEST_DAYS or not 0 < options.capital < float("inf"):
        raise SettingError(
            f"--days and --capital must be above 0, days below {LONGEST_DAYS:,.0f} and capital finite; "
            f"got {days:g} and {options.capital:g}"
        )
    _require_out(options.out)
    typed = names(options.symbol)
    bars = _bars(options, typed)
    resolved = find_symbols(typed, bars.panel.symbols)
    symbols = tuple(sorted(resolved.values())) or bars.panel.symbols
    config, factors, window = _config(options, bars, len(symbols)), _factors(options, bars), _window(options, bars)
    period = "own" if bars.own else options.sample_period
    access = _record_access(options, bars, symbols) if period == "sealed" else None
    with progress("backtesting", len(factors)) as step:
        runs = []
        for name, node in factors.items():
            runs.append(_trade(name, node, bars, symbols, config, window))
            step(name)
    traded = bars.panel.rows(*window).columns([bars.panel.symbols.index(symbol) for symbol in symbols])
    closes = traded.timestamps.astype("datetime64[m]").astype(str)
    first, last = f"{closes[0]}Z", f"{closes[-1]}Z"
    settings = BacktestRun(
        bars.market.name, bars.source, period, access, symbols, resolved, len(closes), first, last,
        has_funding=bars.funding is not None, has_opens=_has_opens(traded),
        carried=carried_note(traded, bars.market), config=config,
        bar=bars.market.bar, periods_per_year=bars.market.periods_per_year,
        remarks=bars.remarks, set_aside=bars.set_aside, rows_set_aside=bars.rows_set_aside,
    )  # fmt: skip
    if options.out:
        _write(runs, options.out)
    if options.json:
        print_json({**settings.record, "warning": sampling_error(runs), "factors": [run.record for run in runs]})
        return 0 if any(run.account for run in runs) else 1
    show(runs, settings, options.orders)
    if options.out:
        echo(f"wrote the orders to {options.out}")
    return 0 if any(run.account for run in runs) else 1


def _bars(options: argparse.Namespace, symbols: list[str]) -> Bars:
    from alpha_pipeline.market.run_dates import require_run_date

    run_date = require_run_date(options.run_date) if options.run_date else None
    if options.data:
        return file_bars(options, options.symbol)
    return bars_of(options.market, run_date) if options.market else market_with(symbols, run_date)


def _not_with_data(options: argparse.Namespace) -> dict[str, str]:
    """The options given that a file has no use for, with the reason."""
    reasons = {
        "--run-date": (options.run_date, "a file has no run dates; shorten it, or use --days"),
        "--sample-period (--sealed)": (options.sample_period, "a file is not split into sample periods; use --days"),
    }
    return {option: reason for option, (value, reason) in reasons.items() if value}


def _window(options: argparse.Namespace, bars: Bars) -> "Segment":
    """The bars to measure, [start, stop)."""
    from alpha_pipeline.backtesting import Segment
    from alpha_pipeline.backtesting.account import bars_of_days, segment_tail

    total = bars.panel.shape[0]
    length = total if options.days is None else bars_of_days(options.days, bars.market)
    if bars.own:
        return Segment(max(0, total - length), total)
    return segment_tail(bars.panel.timestamps, bars.market, options.sample_period, length)


def _has_opens(panel: "Panel") -> bool:
    """Whether any symbol has an open at any bar."""
    import numpy as np

    return "open" in panel.fields and bool(np.isfinite(panel["open"]).any())


def _config(options: argparse.Namespace, bars: Bars, symbols: int) -> "BacktestConfig":
    from alpha_pipeline.backtesting import BacktestConfig
    from alpha_pipeline.backtesting.bar_ranks import MINIMUM_BREADTH
    from alpha_pipeline.backtesting.bars import Mode

    automatic: Mode = "time_series" if symbols < MINIMUM_BREADTH else "quantile"
    chosen: Mode = automatic if options.mode == "auto" else options.mode
    overrides: dict[str, Any] = {
        name: getattr(options, name) for name in ("fee_bps", "slippage_bps", "rebalance_bars")
    }  # fmt: skip
    return replace(
        BacktestConfig.of(bars.market),
        capital=options.capital,
        max_weight=options.max_weight,
        window_bars=options.window_bars,
        mode=chosen,
        **{name: value for name, value in overrides.items() if value is not None},
    )


def _factors(options: argparse.Namespace, bars: Bars) -> "dict[str, Node | str]":
    """Name to expression, or to the parse error where several are compared."""
    from alpha_pipeline.errors import ExpressionError
    from alpha_pipeline.expressions import fields_used, parse
    from alpha_pipeline.factors.references import REFERENCES

    references = {r.name: r.source for r in REFERENCES}
    if not options.expressions:
        nodes = {name: parse(text, bar=bars.market.clock) for name, text in references.items()}
        return {name: node for name, node in nodes.items() if fields_used(node) <= set(bars.panel.fields)}
    factors: dict[str, Node | str] = {}
    for text in map(str.strip, options.expressions):
        try:
            factors[text] = parse_factor(
                text, options.dialect, bars.panel.fields, bars.market.clock, bars.market.name, options.run_date
            )
        except ExpressionError as error:
            if len(options.expressions) == 1:
                raise
            factors[text] = str(error).splitlines()[0]
    return factors


def _record_access(options: argparse.Namespace, bars: Bars, symbols: tuple[str, ...]) -> int:
    """Record the access to the holdout before it happens; returns its number."""
    from alpha_pipeline.resources.lake.holdout_access import record_holdout_access

    access = {
        "command": "backtest",
        "expressions": [text.strip() for text in options.expressions],
        "symbols": list(symbols),
        "days": options.days,
    }
    return record_holdout_access(stored(), bars.market, access)


def _trade(
    name: str,
    node: "Node | str",
    bars: Bars,
    symbols: Sequence[str],
    config: "BacktestConfig",
    window: "Segment",
) -> FactorRun:
    from alpha_pipeline.backtesting import Bars as TradedBars
    from alpha_pipeline.backtesting import funding_payments, simulate_account
    from alpha_pipeline.factors.values import evaluate_one

    if isinstance(node, str):
        return FactorRun(name, None, None, node)
    panel = bars.panel.rows(None, window[1])  # nothing after the window
    values = evaluate_one(node, panel)  # cross-sectional operators see the full market
    places = [panel.symbols.index(symbol) for symbol in symbols]
    traded = panel.columns(places)
    paid = None if bars.funding is None else funding_payments(bars.funding, traded, config.fill)
    result = simulate_account(values[:, places].copy(), TradedBars.of(traded, bars.market, config, paid), window)
    if not result.measures.bars:
        return FactorRun(name, node, result, "no trades: no position was ever opened")
    return FactorRun(name, node, result, "ruined" if result.measures.ruined else "traded")


def _require_out(out: Path | None) -> None:
    if out and out.suffix not in {".parquet", ".csv"}:
        raise SettingError(f"{out.name} must end in .parquet or .csv")
    if out and not out.absolute().parent.is_dir():
        raise SettingError(f"no such folder: {out.absolute().parent}")


def _write(runs: list[FactorRun], out: Path) -> None:
    import pandas as pd

    orders = [run.account.orders.assign(factor=run.name) for run in runs if run.account]
    table = pd.concat(orders, ignore_index=True) if orders else pd.DataFrame()
    table.to_csv(out, index=False) if out.suffix == ".csv" else table.to_parquet(out, index=False)
