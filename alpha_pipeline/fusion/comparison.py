"""
Comparison of fusion methods out of sample: hit rate, calibration, rank IC and returns after costs.

`out_of_sample` makes the predictions, `best_method` applies the selection rule, the settings name the active method.

Selection rule: the simplest method, `weighted`, unless the decisions of another earned more after costs on every market
compared, each with a one-sided p-value below 5 % after Bonferroni correction for the number of challengers (daily
differences, Newey-West). Among several, the one with the smallest p-value on its weakest market. A method that never
traded, or whose package is missing, is never selected.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import BacktestConfig, Bars, ExecutionBars, hold, rank_ic
from alpha_pipeline.backtesting.metrics import annual_return, sharpe
from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.decision import DecisionRule
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import Method
from alpha_pipeline.fusion.methods.method_table import METHODS
from alpha_pipeline.fusion.out_of_sample import COMPARED_DAYS, HALVES, QUARTERS, OutOfSample, walk_forward
from alpha_pipeline.market.markets import Market, partition_days
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.outcomes.hit_rates import Bucket, calibration_error, hit_rate_interval, reliability_bins
from alpha_pipeline.outcomes.track_record import SIGN
from alpha_pipeline.statistics.multiple_testing import one_sided
from alpha_pipeline.statistics.newey_west import mean_test
from alpha_pipeline.tables import FUSION_COMPARISON
from alpha_pipeline.typing import Array

SIMPLEST = "weighted"
# Newey-West lags of daily returns and rank ICs: a week of sessions.
LAGS = 5
ALPHA = 0.05


@dataclass(frozen=True)
class ModelComparison:
    """
    Walk-forward predictions of all methods on one market.

    Args:
        market: of the panel.
        panel: prices up to the last run date.
        walks: by method and excluded source ("" for none).
        exclusion_reason: methods that could not be fitted, and why.
    """

    market: Market
    panel: Panel
    walks: Mapping[tuple[str, str], OutOfSample]
    exclusion_reason: Mapping[str, str]

    @classmethod
    def of(
        cls,
        past: LabeledSignals,
        panel: Panel,
        market: Market,
        run_dates: pd.DatetimeIndex,
        rule: DecisionRule,
        ablated: Collection[str] = (SIMPLEST,),
        methods: Mapping[str, Method] = METHODS,
    ) -> "ModelComparison":
        """
        Predict with every method, and with the ablated ones without each source that was ever active.

        Args:
            past: samples known at the last run date, from `COMPARED_DAYS` and the training window before the first.
            panel: prices up to the last run date, for the returns of the decisions.
            market: of the panel.
            run_dates: ends of the run dates to compare at, UTC.
            rule: the thresholds.
            ablated: names of the methods evaluated without each source.
            methods: to compare.
        """
        first = run_dates.min() - pd.Timedelta(days=COMPARED_DAYS)
        sources = _active_sources(past)
        # Daily markets have decades and a hundred symbols: half as many refits, as each takes 0.5 s.
        months = QUARTERS if market.bars_per_day > 1 else HALVES
        walks, exclusion_reason = {}, {}
        for name, method in methods.items():
            try:
                walks[name, ""] = walk_forward(past, method, rule, first, (), months)
            except SettingError as error:
                exclusion_reason[name] = str(error)
                continue
            for source in sources if name in ablated else ():
                walks[name, source] = walk_forward(past, method, rule, first, [source], months)
        return cls(market, panel, walks, exclusion_reason)

    def to_table(self, run_date: pd.Timestamp, active_method: str) -> pd.DataFrame:
        """Rows of `tables.FUSION_COMPARISON` of one run date (its end, UTC), on the outcomes known then."""
        walks = {name: walk.known_by(run_date) for name, walk in self.walks.items()}
        reference = _books(walks[SIMPLEST, ""], self.panel, self.market)[0] if (SIMPLEST, "") in walks else None
        sources = _active_sources(next(iter(walks.values())).samples) if walks else []
        rows: list[dict[str, object]] = []
        for (method, excluded), walk in walks.items():
            if excluded and (excluded not in sources or len(sources) < 2):  # active only at a later run date of the run
                continue
            decisions, values = _books(walk, self.panel, self.market)
            rows.append(
                {
                    "method": method,
                    "excluded_source": excluded,
                    "exclusion_reason": "",
                    **_forecasts(walk),
                    **_performance(decisions, self.market),
                    **{f"value_{name}": value for name, value in _performance(values, self.market).items()},
                    **_excess(decisions, reference),
                }
            )
        blank = {"excluded_source": "", "bars": 0, "decisions": 0, "reliability": "[]"}
        rows += [
            {"method": name, "exclusion_reason": reason, **blank} for name, reason in self.exclusion_reason.items()
        ]
        table = pd.DataFrame(rows).assign(
            run_date=(run_date - pd.Timedelta(1, "us")).floor("D"),
            market=self.market.name,
            break_even=self._break_even(walks),
        )
        table["active"] = (table["method"] == active_method) & (table["excluded_source"] == "")
        return table.reindex(columns=[column.name for column in FUSION_COMPARISON.columns])

    def equity(self, run_date: pd.Timestamp) -> pd.DataFrame:
        """Compounded return in percent of holding every value after costs: index days, a column per method."""
        books = {
            method: _books(walk.known_by(run_date), self.panel, self.market)[1]["net"]
            for (method, excluded), walk in self.walks.items()
            if not excluded
        }
        return 100 * ((1 + pd.DataFrame(books).fillna(0.0)).cumprod() - 1)

    def _break_even(self, walks: Mapping[tuple[str, str], OutOfSample]) -> float:
        """Hit rate at which a round trip per decision breaks even: 1/2 + costs / (2 x mean absolute return)."""
        walk = next(iter(walks.values()), None)
        if walk is None or not len(walk):
            return np.nan
        size = float(np.abs(walk.samples.forward).mean())
        cost = 2 * (self.market.fee_bps + self.market.slippage_bps) / 10_000
        return 0.5 + cost / (2 * size) if size > 0 else np.nan


def best_method(comparison: pd.DataFrame) -> str:
    """
    The method chosen by the selection rule.

    Args:
        comparison: rows of `tables.FUSION_COMPARISON` of one run date, of all markets.
    """
    full = comparison[(comparison["excluded_source"] == "") & (comparison["exclusion_reason"] == "")]
    p = full.pivot_table(index="method", columns="market", values="excess_p_value", dropna=False)
    challengers = p.drop(index=SIMPLEST, errors="ignore")
    weakest = (challengers.max(axis=1, skipna=False) * max(len(challengers), 1)).dropna()
    significant = weakest[weakest < ALPHA]
    return str(significant.idxmin()) if len(significant) else SIMPLEST


def _active_sources(past: LabeledSignals) -> list[str]:
    """Sources that were ever active."""
    return [past.signals.sources[i] for i in np.flatnonzero(past.signals.active.any(axis=0))]


def _forecasts(walk: OutOfSample) -> dict[str, object]:
    """Forecast quality: hit rates, calibration and rank IC."""
    forward, bars = walk.samples.forward, walk.samples.decided_at
    predicted = (walk.value != 0) & (forward != 0)
    hit = (np.sign(walk.value) == np.sign(forward)).astype(float)
    traded = predicted & (walk.decision != "HOLD")
    ic = mean_test(rank_ic(*_matrices(walk)), LAGS)
    rate, low, high = hit_rate_interval(hit[predicted], bars[predicted])
    trade_rate, trade_low, trade_high = hit_rate_interval(hit[traded], bars[traded])
    brier, log_loss, error = calibration_error(walk.confidence[predicted], hit[predicted])
    buckets = reliability_bins(walk.confidence[predicted], hit[predicted], bars[predicted])
    return {
        "bars": len(np.unique(bars)),
        "decisions": len(walk),
        "coverage": float((walk.value != 0).mean()) if len(walk) else np.nan,
        "trade_rate": float((walk.decision != "HOLD").mean()) if len(walk) else np.nan,
        "hit_rate": rate,
        "hit_rate_low": low,
        "hit_rate_high": high,
        "trade_hit_rate": trade_rate,
        "trade_hit_rate_low": trade_low,
        "trade_hit_rate_high": trade_high,
        "trade_confidence": float(walk.confidence[traded].mean()) if traded.any() else np.nan,
        "brier": brier,
        "log_loss": log_loss,
        "calibration_error": error,
        "rank_ic": ic.mean,
        "rank_ic_t_stat": ic.t_stat,
        "reliability": json.dumps([_json(bucket) for bucket in buckets]),
    }


def _json(bucket: Bucket) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else value for name, value in bucket._asdict().items()}


def _matrices(walk: OutOfSample) -> tuple[Array, Array]:
    """(bars, symbols) values and forward returns; NaN where either is missing or the value is 0."""
    bars, row = np.unique(walk.samples.decided_at, return_inverse=True)
    symbols, column = np.unique(walk.samples.signals.keys["symbol"].to_numpy(str), return_inverse=True)
    value, forward = np.full((2, len(bars), len(symbols)), np.nan)
    value[row, column] = np.where(walk.value != 0, walk.value, np.nan)
    forward[row, column] = walk.samples.forward
    return value, forward


def _books(walk: OutOfSample, panel: Panel, market: Market) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Equal-capital portfolios over the symbols of the panel: by decision, and by value without thresholds.

    Returns:
        Twice `net` (fraction per day of trading after costs) and `turnover` (half the weight traded per day), index
        days from the first decision to the last outcome; days without a position are 0. Decisions without an outcome,
        for want of a price, are not held.
    """
    if not len(walk):
        empty = pd.DataFrame({"net": [], "turnover": []}, index=pd.DatetimeIndex([]))
        return empty, empty
    decided = walk.samples.decided_at
    start = int(np.searchsorted(panel.timestamps, decided[0]))
    segment = panel.rows(start, int(np.searchsorted(panel.timestamps, walk.samples.known_at.max(), side="right")))
    execution = ExecutionBars.of(Bars.of(segment, market, BacktestConfig.of(market)))
    row = np.searchsorted(segment.timestamps, decided)
    bars, order = np.unique(row, return_inverse=True)
    column = np.searchsorted(np.array(segment.symbols), walk.samples.signals.keys["symbol"].to_numpy(str))
    days = partition_days(pd.Series(pd.DatetimeIndex(segment.timestamps).tz_localize("UTC")))

    def daily(weight: Array) -> pd.DataFrame:
        targets = np.zeros((len(bars), len(segment.symbols)))
        targets[order, column] = weight / len(segment.symbols)
        account = hold(targets, bars, execution)
        net, turnover = np.zeros((2, len(days)))
        held = slice(account.first, account.first + len(account.net))
        net[held], turnover[held] = account.net, account.turnover
        by_day = pd.DataFrame({"growth": 1 + net, "turnover": turnover}).groupby(days.to_numpy())
        return pd.DataFrame({"net": by_day["growth"].prod() - 1, "turnover": by_day["turnover"].sum()})

    return daily(pd.Series(walk.decision).map(SIGN).to_numpy(float)), daily(walk.value)


def _performance(book: pd.DataFrame, market: Market) -> dict[str, float]:
    """Return and Sharpe ratio of daily returns, annualised by the calendar; NaN without any position."""
    net = book["net"].to_numpy(float)
    days = market.periods_per_year / market.bars_per_day
    if not len(net) or not book["turnover"].any():
        return {"annual_return": np.nan, "sharpe": np.nan, "turnover": 0.0 if len(net) else np.nan}
    return {
        "annual_return": annual_return(net, days),
        "sharpe": sharpe(net, days),
        "turnover": float(book["turnover"].mean()),
    }


def _excess(book: pd.DataFrame, reference: pd.DataFrame | None) -> dict[str, float]:
    """Mean daily return above the simplest method, with its test; NaN for a method that never traded."""
    if reference is None or not book["turnover"].any():
        return {"excess_return": np.nan, "excess_t_stat": np.nan, "excess_p_value": np.nan}
    test = mean_test((book["net"] - reference["net"]).to_numpy(float), LAGS)
    return {"excess_return": test.mean, "excess_t_stat": test.t_stat, "excess_p_value": one_sided(test.t_stat)}
