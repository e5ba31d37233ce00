"""
Fusion methods beside each other, out of sample: hit rates, calibration, rank IC, what holding them would have earned.

Walking them is left to `walk_forward`, what is active to the configuration; `best_method` only says what the figures say.

The rule: the method active is the simplest, `weighted`, unless another one's decisions earned more after costs on
every market compared, each with a one-sided p-value below 5 % after all challengers are counted (Bonferroni; daily
differences, Newey-West). Among several the one whose weakest market is the strongest. A method that never acted, or
whose package is missing, wins nothing.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import BacktestConfig, ExecutionBars, hold, rank_ic
from alpha_pipeline.backtesting.metrics import annual_return, sharpe
from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.decision import DecisionRule
from alpha_pipeline.fusion.hit_rates import error, reliability, share
from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.method import Method
from alpha_pipeline.fusion.methods.registry import METHODS
from alpha_pipeline.fusion.walk_forward import COMPARED_DAYS, HALVES, QUARTERS, OutOfSample, walk_forward
from alpha_pipeline.market.markets import Market, partition_days
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.outcomes.track_record import SIGN
from alpha_pipeline.statistics.multiple_testing import one_sided
from alpha_pipeline.statistics.newey_west import mean_test
from alpha_pipeline.tables import FUSION_COMPARISON
from alpha_pipeline.typing import Array

SIMPLEST = "weighted"
# Days over which neighbouring returns and rank ICs may hang together: a week of sessions.
LAGS = 5
ALPHA = 0.05


@dataclass(frozen=True)
class ModelComparison:
    """
    Everybody's walk on one market.

    Args:
        market: of the panel.
        panel: prices up to the last run date.
        walks: by method and silent source ("" for none).
        left_out: methods that could not be walked, and why.
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
        Walk every method, and the ablated ones without each source that ever spoke.

        Args:
            past: lessons that the last run date sees, of `COMPARED_DAYS` before the first and of the memory before those.
            panel: prices up to the last run date; gives the returns of holding decisions.
            market: of the panel.
            run dates: ends of the run dates to be told, UTC.
            rule: the thresholds.
            ablated: names of the methods tried without each source.
            methods: those compared.
        """
        first = run_dates.min() - pd.Timedelta(days=COMPARED_DAYS)
        sources = _heard(past)
        # Sessions last for decades and have a hundred symbols: twice the step, as each refit of a method takes 0.5 s.
        months = QUARTERS if market.bars_per_day > 1 else HALVES
        walks, exclusion_reason = {}, {}
        for name, method in methods.items():
            try:
                walks[name, ""] = walk_forward(past, method, rule, first, (), months)
            except SettingError as refusal:
                exclusion_reason[name] = str(refusal)
                continue
            for source in sources if name in ablated else ():
                walks[name, source] = walk_forward(past, method, rule, first, [source], months)
        return cls(market, panel, walks, exclusion_reason)

    def told(self, run_date: pd.Timestamp, active_factors: str) -> pd.DataFrame:
        """Rows of `tables.FUSION_COMPARISON` of one run date (its end, UTC), by outcomes known then."""
        known = {name: walk.known_by(run_date) for name, walk in self.walks.items()}
        reference = _books(known[SIMPLEST, ""], self.panel, self.market)[0] if (SIMPLEST, "") in known else None
        rows = []
        heard = _heard(next(iter(known.values())).label_signals) if known else []
        for (method, silent), walk in known.items():
            if silent and (silent not in heard or len(heard) < 2):  # a later run date of the run has heard of it
                continue
            trade_rate, valued = _books(walk, self.panel, self.market)
            rows.append(
                {
                    "method": method,
                    "excluded_source": silent,
                    **_forecasts(walk),
                    **_earnings(trade_rate, self.market),
                    **{f"value_{name}": found for name, found in _earnings(valued, self.market).items()},
                    **_ahead(trade_rate, reference),
                }
            )
        nothing = {"bars": 0, "decisions": 0, "reliability": "[]"}
        rows = [{**row, "exclusion_reason": ""} for row in rows]
        rows += [
            {"method": name, "excluded_source": "", "exclusion_reason": why, **nothing}
            for name, why in self.exclusion_reason.items()
        ]
        table = pd.DataFrame(rows).assign(
            run_date=(run_date - pd.Timedelta(1, "us")).floor("D"),
            market=self.market.name,
            break_even=self._break_even(known),
        )
        table["active_factors"] = (table["method"] == active_factors) & (table["excluded_source"] == "")
        columns = [column.name for column in FUSION_COMPARISON.columns]
        return table.reindex(columns=columns)

    def equity(self, run_date: pd.Timestamp) -> pd.DataFrame:
        """Compounded gain in percent of holding every value after costs: index days, a column per method."""
        books = {
            method: _books(walk.known_by(run_date), self.panel, self.market)[1]["net"]
            for (method, silent), walk in self.walks.items()
            if not silent
        }
        return 100 * ((1 + pd.DataFrame(books).fillna(0.0)).cumprod() - 1)

    def _break_even(self, known: Mapping[tuple[str, str], OutOfSample]) -> float:
        """Share of right signs at which a round trip a decision pays: 1/2 + costs / (2 x mean size of the move)."""
        walk = next(iter(known.values()), None)
        if walk is None or not len(walk):
            return np.nan
        size = float(np.abs(walk.label_signals.forward).mean())
        cost = 2 * (self.market.fee_bps + self.market.slippage_bps) / 10_000
        return 0.5 + cost / (2 * size) if size > 0 else np.nan


def best_method(comparison: pd.DataFrame) -> str:
    """
    The method that should be active by the rule above.

    Args:
        comparison: rows of `tables.FUSION_COMPARISON` of one run date, of all markets.
    """
    whole = comparison[(comparison["excluded_source"] == "") & (comparison["exclusion_reason"] == "")]
    p = whole.pivot_table(index="method", columns="market", values="excess_p_value", dropna=False)
    challengers = p.drop(index=SIMPLEST, errors="ignore")
    weakest = (challengers.max(axis=1, skipna=False) * max(len(challengers), 1)).dropna()
    clear = weakest[weakest < ALPHA]
    return str(clear.idxmin()) if len(clear) else SIMPLEST


def _heard(past: LabeledSignals) -> list[str]:
    """Sources that ever spoke."""
    return [past.said.sources[i] for i in np.flatnonzero(past.said.spoke.any(axis=0))]


def _forecasts(walk: OutOfSample) -> dict[str, object]:
    """How good values and confidences were."""
    forward = walk.label_signals.forward
    told = (walk.value != 0) & (forward != 0)
    hit = (np.sign(walk.value) == np.sign(forward)).astype(float)
    trade_rate = told & (walk.decision != "HOLD")
    bars = walk.label_signals.decided_at
    ic = mean_test(rank_ic(*_matrices(walk)), LAGS)
    right, low, high = share(hit[told], bars[told])
    right_acted, low_acted, high_acted = share(hit[trade_rate], bars[trade_rate])
    brier, log_loss, calibration = error(walk.confidence[told], hit[told])
    return {
        "bars": len(np.unique(bars)),
        "decisions": len(walk),
        "coverage": float((walk.value != 0).mean()) if len(walk) else np.nan,
        "trade_rate": float((walk.decision != "HOLD").mean()) if len(walk) else np.nan,
        "hit_rate": right,
        "hit_rate_low": low,
        "hit_rate_high": high,
        "trade_hit_rate": right_acted,
        "trade_hit_rate_low": low_acted,
        "trade_hit_rate_high": high_acted,
        "trade_confidence": float(walk.confidence[trade_rate].mean()) if trade_rate.any() else np.nan,
        "brier": brier,
        "log_loss": log_loss,
        "calibration_error": calibration,
        "rank_ic": ic.mean,
        "rank_ic_t_stat": ic.t_stat,
        "reliability": json.dumps([b._asdict() for b in reliability(walk.confidence[told], hit[told], bars[told])]),
    }


def _matrices(walk: OutOfSample) -> tuple[Array, Array]:
    """(bars, symbols) values and returns that followed; NaN where there is none, and where nothing was said."""
    bars, row = np.unique(walk.label_signals.decided_at, return_inverse=True)
    symbols, column = np.unique(walk.label_signals.said.keys["symbol"].to_numpy(str), return_inverse=True)
    value, forward = np.full((2, len(bars), len(symbols)), np.nan)
    value[row, column] = np.where(walk.value != 0, walk.value, np.nan)
    forward[row, column] = walk.label_signals.forward
    return value, forward


def _books(walk: OutOfSample, panel: Panel, market: Market) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Equal capital for every symbol of the panel, held as decided, and by value without thresholds.

    Returns:
        Twice `net` (fraction per day of trading after costs) and `turnover` (half the weight traded per day), index
        days from the first decision to the last outcome; days without a position are 0. A decision whose outcome never
        came, for want of a price, is not held.
    """
    if not len(walk):
        nothing = pd.DataFrame({"net": [], "turnover": []}, index=pd.DatetimeIndex([]))
        return nothing, nothing
    decided = walk.label_signals.decided_at
    start = int(np.searchsorted(panel.timestamps, decided[0]))
    piece = panel.rows(start, int(np.searchsorted(panel.timestamps, walk.label_signals.known_at.max(), side="right")))
    tape = ExecutionBars.of(piece, BacktestConfig.of(market), market.periods_per_year)
    row = np.searchsorted(piece.timestamps, decided)
    bars, order = np.unique(row, return_inverse=True)
    column = np.searchsorted(np.array(piece.symbols), walk.label_signals.said.keys["symbol"].to_numpy(str))
    sign = pd.Series(walk.decision).map(SIGN).to_numpy(float)
    days = partition_days(pd.Series(pd.DatetimeIndex(piece.timestamps).tz_localize("UTC")))
    return tuple(  # type: ignore[return-value]  # of two
        _daily(weights, bars, order, column, tape, days) for weights in (sign, walk.value)
    )


def _daily(
    weight: Array, bars: Array, order: Array, column: Array, tape: ExecutionBars, days: pd.Series
) -> pd.DataFrame:
    symbols = tape.returns.shape[1]
    targets = np.zeros((len(bars), symbols))
    targets[order, column] = weight / symbols
    found = hold(targets, bars, tape)
    stop = found.first + len(found.net)
    net, turnover = np.zeros((2, len(days)))
    net[found.first : stop], turnover[found.first : stop] = found.net, found.turnover
    by_day = pd.DataFrame({"growth": 1 + net, "turnover": turnover}).groupby(days.to_numpy())
    return pd.DataFrame({"net": by_day["growth"].prod() - 1, "turnover": by_day["turnover"].sum()})


def _earnings(book: pd.DataFrame, market: Market) -> dict[str, float]:
    """Of a book of days, annualised by the calendar; NaN where nothing was ever held."""
    net = book["net"].to_numpy(float)
    days = market.periods_per_year / market.bars_per_day
    if not len(net) or not book["turnover"].any():
        return {"net_return": np.nan, "sharpe": np.nan, "turnover": 0.0 if len(net) else np.nan}
    return {
        "net_return": annual_return(net, days),
        "sharpe": sharpe(net, days),
        "turnover": float(book["turnover"].mean()),
    }


def _ahead(book: pd.DataFrame, reference: pd.DataFrame | None) -> dict[str, float]:
    """By how much a day it earned more than the simplest, and how sure that is; NaN for one that never acted."""
    if reference is None or not book["turnover"].any():
        return {"excess_return": np.nan, "excess_t_stat": np.nan, "excess_p_value": np.nan}
    found = mean_test((book["net"] - reference["net"]).to_numpy(float), LAGS)
    return {"excess_return": found.mean, "excess_t_stat": found.t_stat, "excess_p_value": one_sided(found.t_stat)}
