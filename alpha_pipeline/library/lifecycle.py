"""
Status changes of library factors (accepted, probation, retired) by live performance.

The measures come from `live_performance`; admission and replacement are in `library`.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from alpha_pipeline.errors import SettingError
from alpha_pipeline.library.library import admit_factors
from alpha_pipeline.library.live_performance import DAY, NO_LIVE_MEASURES, WINDOW_DAYS, half_lives, live_measures
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel

Row = Mapping[Hashable, Any]
TRADED = ("accepted", "probation")
# Days for which a retired factor is still reported.
RECENT_DAYS = 30
DECAY_COLUMNS = (
    "factor_id", "status", "since", "status_since", "live_rank_ic", "expected_rank_ic", "live_t_stat", "half_life_days",
    "reason",
)  # fmt: skip


@dataclass(frozen=True)
class LifeRules:
    """
    Thresholds of status changes. Probation requires a significant shortfall, and recovery a stricter level than the
    threshold of probation, so that a factor near a threshold does not oscillate.

    Args:
        minimum_days: live bars before the first decision, in days of bars.
        probation_shortfall: standard errors of the live rank IC below the expected one: probation.
        probation_loss_t: size of the negative t of the net return of a factor with a break-even below trading costs:
            probation.
        probation_turnover: live over validated turnover: probation.
        recovery_share: share of the expected rank IC above which a factor is not retired and may leave probation.
        recovery_shortfall: as `probation_shortfall`, largest value to leave probation.
        recovery_loss_t: as `probation_loss_t`, largest value not to be retired and to leave probation.
        recovery_turnover: largest live over validated turnover to leave probation.
        shortest_probation_days: before recovery or retirement.
        longest_probation_days: a factor that has not recovered by then is retired. The length of the live window by
            default, so that the bars that led to probation are not counted twice.
        retirement_t: size of the negative t of the live rank IC: retired after the shortest probation.
        probation_weight: share of the weight a factor on probation keeps.
    """

    minimum_days: float = 30
    probation_shortfall: float = 2.5
    probation_loss_t: float = 2.0
    probation_turnover: float = 1.5
    recovery_share: float = 0.5
    recovery_shortfall: float = 1.5
    recovery_loss_t: float = 1.0
    recovery_turnover: float = 1.25
    shortest_probation_days: int = 10
    longest_probation_days: int = WINDOW_DAYS
    retirement_t: float = 2.5
    probation_weight: float = 0.5

    def __post_init__(self) -> None:
        if not (0 < self.probation_weight <= 1 and self.recovery_share >= 0):
            raise SettingError(f"probation_weight in (0, 1] and recovery_share of at least 0 expected; found {self}")
        if (
            self.recovery_shortfall > self.probation_shortfall
            or self.recovery_loss_t > self.probation_loss_t
            or self.recovery_turnover > self.probation_turnover
        ):
            raise SettingError(f"recovery thresholds up to those of probation expected; found {self}")
        if not 0 <= self.shortest_probation_days <= self.longest_probation_days:
            raise SettingError(f"shortest_probation_days from 0 to longest_probation_days expected; found {self}")


def update_statuses(
    library: pd.DataFrame, measures: pd.DataFrame, market: Market, rules: LifeRules | None = None
) -> pd.DataFrame:
    """
    Update the status of each factor by its live measures.

    Args:
        library: rows of `tables.LIBRARY` of one run date, as `library.admit_factors` returns them.
        measures: of `live_performance.live_measures` on that run date.
        market: trading costs and bars per day.
        rules: thresholds of status changes.

    Returns:
        The rows with their live measures. The status of accepted factors and of those on probation changes by at most
        one step a run date, with reason, date and weight: the full weight when accepted, `probation_weight` of it on
        probation, 0 when retired. A reference never changes; a retired factor stays retired and keeps the measures of
        its retirement. Undefined measures change nothing.
    """
    rules = rules or LifeRules()
    current = measures.reindex(library["factor_id"]).set_index(library.index)
    retired = library["status"] == "retired"
    out = library.copy()
    for name, default in NO_LIVE_MEASURES.items():
        out[name] = library[name].where(retired, current[name].fillna(default)).astype(type(default))
    moves = [_next_status(row, market, rules) for row in out.to_dict("records")]
    changed = np.array([status != "" for status, _ in moves], dtype=bool)
    out["status"] = out["status"].mask(changed, [status for status, _ in moves])
    out["reason"] = out["reason"].mask(changed, [reason for _, reason in moves])
    out["status_since"] = out["status_since"].mask(changed, out["run_date"])
    share = out["status"].map({"accepted": 1.0, "probation": rules.probation_weight, "retired": 0.0})
    traded = library["status"].isin(TRADED)
    out["weight"] = out["weight"].mask(traded, np.sign(library["weight"]) * library["expected_rank_ic"] * share + 0.0)
    return out


def library_as_of(
    run_date: pd.Timestamp,
    market: Market,
    panel: Panel,
    earlier: pd.DataFrame,
    trials: pd.DataFrame,
    funding: pd.DataFrame | None = None,
    rules: LifeRules | None = None,
) -> pd.DataFrame:
    """
    The library of a run date: factors admitted, live measures computed, statuses updated.

    Args:
        run_date: start of the day, UTC.
        market: of the panel.
        panel: bars of the market; bars after the run date are not used.
        earlier: rows of `tables.LIBRARY` of the run date before; empty on the first.
        trials: rows of `tables.TRIALS` of this run date.
        funding: rows of `tables.RAW_FUNDING`; none by default.
        rules: thresholds of status changes.

    Returns:
        Rows of `tables.LIBRARY`.

    Raises:
        DataError: a factor enters and there are too few bars to split.
    """
    library = admit_factors(run_date, earlier, trials)
    entered = half_lives(library[library["since"] == run_date], panel, market)
    half_life = library["factor_id"].map(entered).astype(float).fillna(library["half_life_days"])
    return update_statuses(
        library.assign(half_life_days=half_life), live_measures(library, panel, market, funding), market, rules
    )


def status_changes(library: pd.DataFrame) -> pd.DataFrame:
    """
    Status changes: columns run_date, factor_id, previous, status, reason.

    Args:
        library: rows of `tables.LIBRARY` of several run dates; an entry is no change.
    """
    ordered = library.sort_values(["run_date", "factor_id"], ignore_index=True)
    previous = ordered.groupby("factor_id")["status"].shift()
    changed = previous.notna() & (previous != ordered["status"])
    return ordered.assign(previous=previous).loc[changed, ["run_date", "factor_id", "previous", "status", "reason"]]


def live_rank_ic_history(library: pd.DataFrame, market: Market, most: int = 7) -> pd.DataFrame:
    """
    Live rank IC by run date, for a chart.

    Args:
        library: rows of `tables.LIBRARY` of several run dates.
        market: bars per day.
        most: number of factors; of the last run date, traded ones first, then those with most live bars.

    Returns:
        Index run date, one column per factor_id; NaN before the minimum of live bars.
    """
    last = library[library["run_date"] == library["run_date"].max()]
    order = last.assign(untraded=~last["status"].isin(TRADED))
    order = order.sort_values(["untraded", "live_bars"], ascending=[True, False])
    is_decidable = library["live_bars"] >= LifeRules().minimum_days * market.bars_per_day
    lines = library.assign(live_rank_ic=library["live_rank_ic"].where(is_decidable))
    lines = lines.pivot(index="run_date", columns="factor_id", values="live_rank_ic")
    return lines.reindex(columns=order["factor_id"].head(most))


def decaying_factors(library: pd.DataFrame) -> pd.DataFrame:
    """
    Decaying factors: on probation, recently retired, or accepted with less than half of the expected rank IC.

    Args:
        library: rows of `tables.LIBRARY` of one run date.

    Returns:
        Columns `DECAY_COLUMNS`: on probation first, then retired within 30 days, then accepted, largest shortfall
        first. Names and reasons are untrusted text. References have no row.
    """
    recent = (library["status"] == "retired") & (library["run_date"] - library["status_since"] <= RECENT_DAYS * DAY)
    shortfall = library["live_rank_ic"] - library["expected_rank_ic"]
    weak = (library["status"] == "accepted") & (library["live_rank_ic"] < 0.5 * library["expected_rank_ic"])
    order = library["status"].map({"probation": 0, "retired": 1, "accepted": 2})
    shown = library.assign(order=order, shortfall=shortfall)[(library["status"] == "probation") | recent | weak]
    return shown.sort_values(["order", "shortfall", "factor_id"], ignore_index=True)[list(DECAY_COLUMNS)]


def _next_status(factor: Row, market: Market, rules: LifeRules) -> tuple[str, str]:
    """New status and its reason; two empty texts without a change."""
    status = factor["status"]
    if status not in TRADED or not factor["live_bars"] >= rules.minimum_days * market.bars_per_day:
        return "", ""
    if status == "accepted":
        reason = _failure(factor, market, rules)
        return ("probation", reason) if reason else ("", "")
    days = (factor["run_date"] - factor["status_since"]) / DAY
    if days < rules.shortest_probation_days:
        return "", ""
    if factor["live_t_stat"] <= -rules.retirement_t:
        return "retired", f"live rank IC below zero: {_figures(factor)}, t {factor['live_t_stat']:+.1f}"
    has_recovered = _has_recovered(factor, market, rules)
    if has_recovered and _is_as_validated(factor, rules):
        return "accepted", f"recovered on probation: {_figures(factor)}"
    if days >= rules.longest_probation_days and not has_recovered:
        return "retired", f"no recovery on probation: {days:.0f} days, {_figures(factor)}"
    return "", ""


def _failure(factor: Row, market: Market, rules: LifeRules) -> str:
    """Reason to put an accepted factor on probation; empty without one."""
    below = _shortfall(factor)
    if below <= -rules.probation_shortfall:
        return f"live rank IC below expected: {_figures(factor)}, t of the difference {below:+.1f}"
    cost = market.fee_bps + market.slippage_bps
    break_even = factor["live_break_even_bps"]
    if break_even < cost and factor["live_net_t_stat"] <= -rules.probation_loss_t:
        figures = f"break-even {break_even:.1f} bps, trading costs {cost:.1f}, t {factor['live_net_t_stat']:+.1f}"
        return f"loses after costs: {figures}"
    drift = factor["live_turnover"] / factor["expected_turnover"] if factor["expected_turnover"] > 0 else np.nan
    if drift >= rules.probation_turnover:
        return f"turnover above validated: {factor['live_turnover']:.2f} a day, {drift:.1f} times as much"
    return ""


def _shortfall(factor: Row) -> float:
    """Live minus expected rank IC in standard errors; NaN without a standard error."""
    live, t = factor["live_rank_ic"], factor["live_t_stat"]
    error = live / t if t else np.nan
    return (live - factor["expected_rank_ic"]) / error if error > 0 else np.nan


def _has_recovered(factor: Row, market: Market, rules: LifeRules) -> bool:
    """Whether a factor on probation reaches `recovery_share` of its expected rank IC without a loss."""
    is_losing = factor["live_break_even_bps"] < market.fee_bps + market.slippage_bps
    is_enough = factor["live_rank_ic"] >= rules.recovery_share * factor["expected_rank_ic"]
    return bool(is_enough and not (is_losing and factor["live_net_t_stat"] <= -rules.recovery_loss_t))


def _is_as_validated(factor: Row, rules: LifeRules) -> bool:
    """Whether rank IC and turnover are near those of validation; True where they are undefined."""
    is_turnover_high = factor["live_turnover"] > rules.recovery_turnover * factor["expected_turnover"]
    return not (is_turnover_high or _shortfall(factor) <= -rules.recovery_shortfall)


def _figures(factor: Row) -> str:
    return (
        f"{factor['live_rank_ic']:+.3f} over {factor['live_bars']:,} bars, expected {factor['expected_rank_ic']:+.3f}"
    )
