"""
A thousand factors scored against a library of two hundred, beside the same work in pandas and in alphalens.

For each factor: values, rank IC of every bar, quantile portfolio after costs, turnover, Sharpe ratio, and the
correlation with every factor of the library. Peers do a few of the factors in the same run and are scaled; common
measures are compared.

    python -m benchmarks.scoring [--factors 1000] [--library 200] [--peers 2]
"""

import argparse
import resource
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import BacktestConfig, Bars, EvaluationBars, forward_returns, measure_factor
from alpha_pipeline.backtesting.bar_ranks import ranks
from alpha_pipeline.expressions import Node, evaluate, parse
from alpha_pipeline.expressions.grammar import random_expression
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array
from alpha_pipeline.validation import SampledRanks
from alpha_pipeline.validation.rank_correlation import rank_correlations_of_each

BARS, SYMBOLS = 2_500, 500
THREADS = 2
GROUP = 16  # factors compared with the library at once
COSTS = (EQUITIES.fee_bps + EQUITIES.slippage_bps) / 10_000
BORROW = EQUITIES.borrow_bps_per_year / 10_000 / EQUITIES.periods_per_year
FIELDS = ("open", "high", "low", "close", "volume")


def main() -> None:
    """Score, then let the peers score, and print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--factors", type=int, default=1_000)
    parser.add_argument("--library", type=int, default=200)
    parser.add_argument("--peers", type=int, default=2, help="factors the peers score")
    options = parser.parse_args()
    panel = _panel()
    nodes = _nodes(options.factors + options.library)
    held = dict(evaluate(nodes[options.factors :], panel, threads=THREADS))
    library = {str(number): SampledRanks.of(values) for number, values in held.items()}
    del held
    warm = next(evaluate([nodes[0]], panel, threads=1))[1]
    _score(EvaluationBars.of(Bars.of(panel, EQUITIES)), library, {0: warm})  # kernels are loaded, as in a run date

    found, wall, cpu, scoring = _ours(panel, nodes[: options.factors], library)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    mine = wall / options.factors
    _say(f"{options.factors} factors on {BARS} x {SYMBOLS}, library of {options.library}, {THREADS} threads")
    _say(f"  {1 / mine:.1f} factors/s, evaluation included: {wall:.1f} s, peak {peak:.1f} GB")
    _say(
        f"  of one core: {(cpu - scoring) / options.factors * 1e3:.0f} ms a factor to evaluate, "
        f"{scoring / options.factors * 1e3:.0f} ms to score and compare"
    )
    few = list(range(0, options.factors, max(1, options.factors // options.peers)))[: options.peers]
    values = {k: next(evaluate([nodes[k]], panel, threads=1))[1] for k in few}
    _peer("pandas", _pandas, values, panel, library, mine, found)
    try:
        import alphalens  # noqa: F401

        _peer("alphalens", _alphalens, values, panel, library, mine, found)
    except ImportError:
        _say("  alphalens is not installed: pip install -r requirements-peers.lock")


def _ours(
    panel: Panel, nodes: list[Node], library: dict[str, SampledRanks]
) -> tuple[dict[int, dict[str, float]], float, float, float]:
    """Measures by number of the factor; seconds by the clock, of processors, and of processors for scoring alone."""
    stretch = EvaluationBars.of(Bars.of(panel, EQUITIES))
    found: dict[int, dict[str, float]] = {}
    began, cpu_began, scoring = time.perf_counter(), time.process_time(), 0.0
    with ThreadPoolExecutor(THREADS) as pool:
        running: deque[Future[tuple[dict[int, dict[str, float]], float]]] = deque()
        group: dict[int, Array] = {}
        for position, values in evaluate(nodes, panel, threads=THREADS):
            group[position] = values
            if len(group) == GROUP:
                running.append(pool.submit(_score, stretch, library, group))
                group = {}
            if len(running) > THREADS:  # values live until they are scored; no more than a few wait
                measures, seconds = running.popleft().result()
                found, scoring = found | measures, scoring + seconds
        for future in [pool.submit(_score, stretch, library, group), *running]:
            measures, seconds = future.result()
            found, scoring = found | measures, scoring + seconds
    return found, time.perf_counter() - began, time.process_time() - cpu_began, scoring


def _score(
    stretch: EvaluationBars, library: dict[str, SampledRanks], group: dict[int, Array]
) -> tuple[dict[int, dict[str, float]], float]:
    """Measures of a few factors, and the seconds this took a processor."""
    began = time.thread_time()
    measures, sampled = {}, []
    for number, values in group.items():
        fractions = ranks(values)
        measures[number] = measure_factor(values, stretch, delayed=False, fractions=fractions).to_row()
        sampled.append(SampledRanks.of(values, fractions))
    for number, alike in zip(group, rank_correlations_of_each(sampled, library) if sampled else [], strict=True):
        measures[number]["closest"] = next(iter(alike.values()), np.nan)
    return measures, time.thread_time() - began


def _peer(
    name: str,
    work: Callable[[Array, Panel, dict[str, SampledRanks]], dict[str, float]],
    values: dict[int, Array],
    panel: Panel,
    library: dict[str, SampledRanks],
    mine: float,
    found: dict[int, dict[str, float]],
) -> None:
    began = time.perf_counter()
    theirs = {number: work(one, panel, library) for number, one in values.items()}
    each = (time.perf_counter() - began) / len(values)
    _say(f"  {name}: {each:.2f} s a factor (values given), ours {mine * 1e3:.1f} ms (values made): {each / mine:,.0f}x")
    for key in sorted(set.intersection(*(set(one) for one in theirs.values()))):
        apart = [abs(theirs[k][key] - found[k][key]) for k in theirs]
        _say(f"    largest difference of {key}: {np.nanmax(apart):.2e}")


def _pandas(values: Array, panel: Panel, library: dict[str, SampledRanks]) -> dict[str, float]:
    """The same measures with whole-frame pandas, the portfolio bar by bar as weights drift."""
    factor = pd.DataFrame(np.where(np.isinf(values), np.nan, values))
    labels = pd.DataFrame(forward_returns(panel, EQUITIES.horizon_bars))
    both = factor.notna() & labels.notna()
    ic = factor.where(both).rank(axis=1).corrwith(labels.where(both).rank(axis=1), axis=1)
    ic = ic[(both.sum(axis=1) >= 3) & np.isfinite(ic)]
    net, turnover = _pandas_portfolio(factor, panel)
    ranks = factor.iloc[:: max(1, BARS // 500)].rank(axis=1)
    closest = max(
        float(ranks.corrwith(pd.DataFrame(other.ranks, index=ranks.index).rank(axis=1), axis=1).abs().mean())
        for other in library.values()
    )
    sharpe = net.mean() / net.std() * np.sqrt(252)
    return {"rank_ic": float(ic.mean()), "sharpe": float(sharpe), "turnover": turnover, "closest": closest}


def _pandas_portfolio(factor: pd.DataFrame, panel: Panel) -> tuple[pd.Series, float]:
    config = BacktestConfig.of(EQUITIES)
    opens = pd.DataFrame(panel["open"])
    returns = opens.shift(-1) / opens - 1
    lowest, highest = factor.rank(axis=1, method="min"), factor.rank(axis=1, method="max")
    breadth = factor.notna().sum(axis=1)
    legs = np.clip(np.ceil(config.quantile * breadth - 0.5), 1, breadth // 2)
    tied = highest - lowest + 1  # those tied across the edge of a leg share its last places
    top = (highest - (lowest - 1).clip(lower=breadth - legs, axis=0)).clip(lower=0) / tied
    bottom = (highest.clip(upper=legs, axis=0) - (lowest - 1)).clip(lower=0) / tied
    weights = (0.5 * top - 0.5 * bottom).div(legs, axis=0)
    weights = weights.where(breadth >= 3, 0.0).fillna(0.0).clip(-config.max_weight, config.max_weight)
    held, net, turnover = pd.Series(0.0, index=factor.columns), [], []
    targets = weights.shift(config.delay_bars).fillna(0.0)
    first = int((targets.abs().sum(axis=1) > 0).to_numpy().argmax())
    for bar in range(first, len(factor) - 1):
        target, earned = targets.iloc[bar], returns.iloc[bar].fillna(0.0)
        moved = float((target - held).abs().sum())
        result = float((target * earned).sum()) - moved * COSTS - float(target.clip(upper=0).abs().sum()) * BORROW
        net.append(result)
        turnover.append(moved / 2)
        held = target * (1 + earned) / (1 + result)
    return pd.Series(net), float(np.mean(turnover))


def _alphalens(values: Array, panel: Panel, library: dict[str, SampledRanks]) -> dict[str, float]:
    """What alphalens says of a factor: rank IC by day, returns by quantile, turnover; no portfolio after costs."""
    from alphalens import performance, utils

    times = pd.DatetimeIndex(panel.timestamps, freq=None).normalize()
    factor = pd.DataFrame(values, times, list(panel.symbols)).stack()
    factor.index = factor.index.set_names(["date", "asset"])
    prices = pd.DataFrame(panel["open"], times, list(panel.symbols)).shift(-1)
    clean = utils.get_clean_factor_and_forward_returns(factor, prices, quantiles=5, periods=(1,), max_loss=1.0)
    ic = performance.factor_information_coefficient(clean)
    performance.mean_return_by_quantile(clean, by_date=True)
    performance.quantile_turnover(clean["factor_quantile"], 5)
    performance.factor_returns(clean)
    return {"rank_ic": float(ic.iloc[:, 0].mean())}


def _nodes(count: int) -> list[Node]:
    found: dict[str, Node] = {}
    seed = 0
    while len(found) < count:
        node = parse(random_expression(np.random.default_rng(seed), FIELDS))
        found.setdefault(str(node), node)
        seed += 1
    return list(found.values())


def _panel() -> Panel:
    rng = np.random.default_rng(1)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (BARS, SYMBOLS)), axis=0))
    open_ = close * np.exp(rng.normal(0, 0.005, close.shape))
    high, low = np.maximum(open_, close) * 1.005, np.minimum(open_, close) * 0.995
    times = pd.date_range("2010-01-04 21:00", periods=BARS, freq="B").to_numpy("datetime64[us]")
    fields = {"open": open_, "high": high, "low": low, "close": close, "volume": rng.lognormal(12, 1, close.shape)}
    return Panel(times, tuple(f"S{k:03d}" for k in range(SYMBOLS)), fields)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
