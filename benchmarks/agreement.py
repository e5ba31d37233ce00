"""
Our statistics and ledgers beside those of others: what, ours, theirs, difference.

Peers that are not installed are named and left out: pip install -r requirements-peers.lock

    python -m benchmarks.agreement
"""

import sys
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import BacktestConfig, Bars, backtest, combinatorial, funding_payments
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.statistics import adjusted_p_values, deflated_sharpe, mean_test, probability_of_overfitting
from alpha_pipeline.statistics.superior_ability import family_tests
from alpha_pipeline.typing import Array

Line = tuple[str, float, float]


def main() -> None:
    """Print every comparison."""
    sys.stdout.write(f"{'what':<58}{'ours':>16}{'theirs':>16}{'difference':>12}\n")
    for compare in (_deflated, _overfitting, _discoveries, _newey_west, _family, _combinatorial, _ledgers):
        try:
            for what, ours, theirs in compare():
                sys.stdout.write(f"{what:<58}{ours:>16.9g}{theirs:>16.9g}{abs(ours - theirs):>12.1e}\n")
        except ImportError as error:
            sys.stdout.write(f"{compare.__name__[1:]}: {error.name} is not installed (requirements-peers.lock)\n")


def _deflated() -> Iterator[Line]:
    found = deflated_sharpe(2.5 / np.sqrt(250), 1_250, -3, 10, trials=100, trial_variance=0.5 / 250)
    yield "deflated Sharpe, the published example", found, 0.9004


def _overfitting() -> Iterator[Line]:
    import purgedcv

    returns = np.random.default_rng(0).normal(0, 0.01, (960, 40))
    theirs = purgedcv.probability_of_backtest_overfitting(returns.T, n_splits=16)
    yield "PBO, 16 blocks: purgedcv", probability_of_overfitting(returns, 16), float(getattr(theirs, "pbo", theirs))


def _discoveries() -> Iterator[Line]:
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(1).uniform(size=500) ** 3
    for name, method, dependence in (("BH", "fdr_bh", "independent"), ("BY", "fdr_by", "any")):
        theirs = multipletests(p, method=method)[1]
        ours = adjusted_p_values(p, dependence)  # type: ignore[arg-type]
        worst = int(np.abs(ours - theirs).argmax())
        yield f"{name}, worst of 500 p-values: statsmodels", ours[worst], theirs[worst]


def _newey_west() -> Iterator[Line]:
    import statsmodels.api as sm

    x = np.convolve(np.random.default_rng(2).normal(0.1, 1, 2_000), np.ones(24) / 24, "valid")
    theirs = sm.OLS(x, np.ones(len(x))).fit(cov_type="HAC", cov_kwds={"maxlags": 47, "use_correction": False})
    yield "Newey-West t, 47 lags: statsmodels", mean_test(x, 47).t_stat, float(theirs.tvalues[0])


def _family() -> Iterator[Line]:
    from arch.bootstrap import SPA, StepM

    returns = np.random.default_rng(3).normal(0, 0.01, (1_000, 10))
    returns[:, 4] += 0.002
    found, losses = family_tests(returns, block_bars=10), -returns / returns.std(axis=0)
    spa_p_value = SPA(np.zeros(1_000), losses, block_size=10, reps=500, seed=0)
    spa_p_value.compute()
    steps = StepM(np.zeros(1_000), losses, size=0.05, block_size=10, reps=500, seed=0)
    steps.compute()
    yield "SPA p-value: arch", found["spa_p_value"], float(spa_p_value.pvalues["consistent"])
    yield (
        "StepM, factors found superior: arch",
        float(sum(found["stepm_significant"])),
        float(len(steps.superior_models)),
    )


def _combinatorial() -> Iterator[Line]:
    from skfolio.model_selection import CombinatorialPurgedCV

    bars, horizon = 1_000, 5
    ours = list(combinatorial(bars, horizon, 10, 2, embargo_bars=horizon + 1))  # skfolio purges both sides alike
    theirs = CombinatorialPurgedCV(n_folds=10, n_test_folds=2, purged_size=horizon + 1, embargo_size=0)
    splits = list(theirs.split(np.zeros((bars, 1))))
    yield "CPCV, splits of 10 folds by 2: skfolio", float(len(ours)), float(len(splits))
    tests = {tuple(test) for _, test in ours}
    same = sum(tuple(sorted(np.concatenate(test))) in tests for _, test in splits)
    yield "CPCV, test sets that are the same: skfolio", float(same), float(len(splits))
    by_test = {tuple(test): set(train) for train, test in ours}
    apart = sum(len(by_test[tuple(sorted(np.concatenate(test)))] ^ set(train)) for train, test in splits)
    yield "CPCV, train bars that only one of the two keeps: skfolio", float(apart), 0.0


def _ledgers() -> Iterator[Line]:
    cases: tuple[tuple[str, Market, Callable[[int], pd.DatetimeIndex], int], ...] = (
        ("hours, round the clock, no funding", CRYPTO, lambda n: _hours(n), 0),
        ("hours, funding every 8 h", CRYPTO, lambda n: _hours(n), 8),
        ("hours, funding every 4 h", CRYPTO, lambda n: _hours(n), 4),
        ("hours, funding every hour", CRYPTO, lambda n: _hours(n), 1),
        ("sessions over holidays, shorts borrowed", EQUITIES, _sessions, 0),
    )
    for name, market, times, every in cases:
        panel, values, rates = _case(times(400), every)
        config = BacktestConfig.of(market)
        funding = funding_payments(rates, panel) if every else None
        ours = backtest(values, Bars.of(panel, market, config, funding))
        equity = _event_loop(ours.weights, panel, ours.first, config, market, rates if every else None)
        yield f"final equity, {name}: event loop", float(np.prod(1 + ours.net)), equity


def _event_loop(
    weights: Array, panel: Panel, first: int, config: BacktestConfig, market: Market, rates: pd.DataFrame | None
) -> float:
    """
    Money and units, bar by bar: at every open the book is brought to its weights of the equity before costs, costs
    are paid out of the bar's result, holders pay funding at its stamps and borrow for what they are short.
    """
    opens, equity, units = panel["open"], 1.0, np.zeros(panel.shape[1])
    closes = pd.DatetimeIndex(panel.timestamps).tz_localize("UTC")
    bar = closes[1] - closes[0]
    cost = (config.fee_bps + config.slippage_bps) / 10_000
    borrow = config.borrow_bps_per_year / 10_000 / market.periods_per_year
    for step, target in enumerate(weights):
        row = first + step
        price, later = opens[row], opens[row + 1]
        drifted = units * price / equity
        wanted = target if not np.allclose(target, drifted, atol=1e-12, rtol=0) else drifted
        paid = cost * float(np.abs(wanted - drifted).sum())
        units = wanted * equity / price
        result = float((units * (later - price)).sum()) - paid * equity
        result -= borrow * float(-wanted[wanted < 0].sum()) * equity
        if rates is not None:
            start, stop = closes[row] - bar, closes[row + 1] - bar
            due = rates[(rates["timestamp"] > start) & (rates["timestamp"] <= stop)]
            for stamp in due.itertuples():
                result -= wanted[panel.symbols.index(stamp.symbol)] * equity * stamp.funding
        equity += result
    return equity


def _case(times: pd.DatetimeIndex, every: int) -> tuple[Panel, Array, pd.DataFrame]:
    rng = np.random.default_rng(11)
    close = 30 * np.exp(np.cumsum(rng.normal(0, 0.01, (len(times), 6)), axis=0))
    fields = {"open": close * np.exp(rng.normal(0, 0.002, close.shape)), "close": close}
    panel = Panel(times.to_numpy("datetime64[us]"), tuple("ABCDEF"), fields)
    stamps = times[:: every or 1].tz_localize("UTC")
    rates = pd.DataFrame(
        {
            "timestamp": np.repeat(stamps, 6),
            "symbol": list("ABCDEF") * len(stamps),
            "funding": rng.normal(0, 1e-4, 6 * len(stamps)),
        }
    )
    return panel, rng.normal(size=close.shape), rates


def _hours(count: int) -> pd.DatetimeIndex:
    return pd.date_range("2021-01-01 01:00", periods=count, freq="h")


def _sessions(count: int) -> pd.DatetimeIndex:
    from alpha_pipeline.market.markets import expected_closes

    start = pd.Timestamp("2018-11-01", tz="UTC")
    return expected_closes(EQUITIES, start, start + pd.Timedelta(days=2 * count))[:count].tz_localize(None)


if __name__ == "__main__":
    main()
