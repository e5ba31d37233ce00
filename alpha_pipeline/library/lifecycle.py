"""
The life of a factor: accepted, on probation, retired, by what it showed since it entered.

The numbers come from `live`; admission and replacement are `judge`'s and `library`'s.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from alpha_pipeline.errors import SettingError
from alpha_pipeline.library.library import next_library
from alpha_pipeline.library.live_performance import BLANK, DAY, WINDOW_DAYS, half_lives, live_measures
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel

Row = Mapping[Hashable, Any]
TRADED = ("accepted", "probation")
# Days for which a retired factor is still told of.
RECENT_DAYS = 30
DECAYS = (
    "factor_id", "status", "since", "status_since", "live_rank_ic", "expected_rank_ic", "live_t_stat", "half_life_days",
    "reason",
)  # fmt: skip


@dataclass(frozen=True)
class LifeRules:
    """
    When a factor active moves. Falling takes more than noise, and rising again more than no longer falling, so that a
    factor near a threshold does not move back and forth.

    Args:
        minimum_days: live bars before anything is decided, in days of bars.
        shortfall: standard errors by which the live rank IC is below the expected one: probation.
        losing: size of the t of the net return, below zero, of a factor that earns less than trading costs: probation.
        turnover: live over validated turnover: probation.
        recovered: share of the expected rank IC that lets a factor stay, and leave probation.
        near: as `shortfall`, to leave probation with.
        lost: as `losing`, to stay and to leave probation with.
        calm: live over validated turnover to leave probation with.
        probation_days: shortest probation, whichever way it ends.
        patience_days: longest probation of who shows less or loses; retired then. A whole window by default, so that no
            bar that put a factor there decides again.
        negative: size of the t of the live rank IC, below zero: retired without more patience.
        probation_weight: share of its weight that a factor on probation keeps.
    """

    minimum_days: float = 30
    shortfall: float = 2.5
    losing: float = 2.0
    turnover: float = 1.5
    recovered: float = 0.5
    near: float = 1.5
    lost: float = 1.0
    calm: float = 1.25
    probation_days: int = 10
    patience_days: int = WINDOW_DAYS
    negative: float = 2.5
    probation_weight: float = 0.5

    def __post_init__(self) -> None:
        if not (0 < self.probation_weight <= 1 and self.recovered >= 0):
            raise SettingError(f"probation_weight in (0, 1] and recovered from 0 expected; found {self}")
        if self.near > self.shortfall or self.lost > self.losing or self.calm > self.turnover:
            raise SettingError(f"near up to shortfall, lost to losing and calm to turnover expected; found {self}")
        if not 0 <= self.probation_days <= self.patience_days:
            raise SettingError(f"probation_days from 0 to patience_days expected; found {self}")


def live_on(
    library: pd.DataFrame, measures: pd.DataFrame, market: Market, rules: LifeRules | None = None
) -> pd.DataFrame:
    """
    A run date's library after what its factors showed.

    Args:
        library: rows of `tables.LIBRARY` of one run date, as `next_library` gives them.
        measures: of `live.live_measures` on that run date.
        market: what trading costs, and bars per day.
        rules: when a factor moves.

    Returns:
        The rows with the run date's measures. Accepted and probation may change, one step a run date, with the reason, the
        run date and the weight: all of it accepted, `probation_weight` of it on probation, none retired. A reference never
        changes; a retired factor keeps the numbers it was retired with, and stays retired. What cannot be measured
        changes nothing.
    """
    rules = rules or LifeRules()
    context = measures.reindex(library["factor_id"]).set_index(library.index)
    retired = library["status"] == "retired"
    out = library.copy()
    for name, blank in BLANK.items():
        out[name] = library[name].where(retired, context[name].fillna(blank)).astype(type(blank))
    moves = [_moved(row, market, rules) for row in out.to_dict("records")]
    changed = np.array([status != "" for status, _ in moves], dtype=bool)
    out["status"] = out["status"].mask(changed, [status for status, _ in moves])
    out["reason"] = out["reason"].mask(changed, [reason for _, reason in moves])
    out["status_since"] = out["status_since"].mask(changed, out["run_date"])
    share = out["status"].map({"accepted": 1.0, "probation": rules.probation_weight, "retired": 0.0})
    traded = library["status"].isin(TRADED)
    out["weight"] = out["weight"].mask(traded, np.sign(library["weight"]) * library["expected_rank_ic"] * share + 0.0)
    return out


def library_of(
    run_date: pd.Timestamp,
    market: Market,
    panel: Panel,
    earlier: pd.DataFrame,
    context: pd.DataFrame,
    funding: pd.DataFrame | None = None,
    rules: LifeRules | None = None,
) -> pd.DataFrame:
    """
    The library of a run date: yesterday's and the run date's admissions, measured, moved.

    Args:
        run date: start of the run date's day, UTC.
        market: of the panel.
        panel: bars of the market; those after the run date are not looked at.
        earlier: rows of `tables.LIBRARY` of the run date before; empty on the first.
        on the run date: rows of `tables.TRIALS` of this run date.
        funding: rows of `tables.RAW_FUNDING`; nothing is paid by default.
        rules: when a factor moves.

    Returns:
        Rows of `tables.LIBRARY`.

    Raises:
        DataError: a factor enters and there are too few bars to split.
    """
    library = next_library(run_date, earlier, context)
    fresh = half_lives(library[library["since"] == run_date], panel, market)
    half_life = library["factor_id"].map(fresh).astype(float).fillna(library["half_life_days"])
    return live_on(
        library.assign(half_life_days=half_life), live_measures(library, panel, market, funding), market, rules
    )


def changes(library: pd.DataFrame) -> pd.DataFrame:
    """
    Factors whose status is another than the run date before: run date, factor_id, was, status, reason.

    Args:
        library: rows of `tables.LIBRARY` of several run dates; who enters is no change.
    """
    ordered = library.sort_values(["run_date", "factor_id"], ignore_index=True)
    was = ordered.groupby("factor_id")["status"].shift()
    moved = was.notna() & (was != ordered["status"])
    return ordered.assign(was=was).loc[moved, ["run_date", "factor_id", "was", "status", "reason"]]


def live_lines(library: pd.DataFrame, market: Market, most: int = 7) -> pd.DataFrame:
    """
    The live rank IC run date by run date, for a chart.

    Args:
        library: rows of `tables.LIBRARY` of several run dates.
        market: bars per day.
        most: factors; of the last run date, traded ones first, then those with the longest life.

    Returns:
        Index run date, one column per factor_id; NaN before it had the live bars to decide anything by.
    """
    last = library[library["run_date"] == library["run_date"].max()]
    order = last.assign(shelf=~last["status"].isin(TRADED)).sort_values(["shelf", "live_bars"], ascending=[True, False])
    known = library["live_bars"] >= LifeRules().minimum_days * market.bars_per_day
    lines = library.assign(live_rank_ic=library["live_rank_ic"].where(known))
    lines = lines.pivot(index="run_date", columns="factor_id", values="live_rank_ic")
    return lines.reindex(columns=order["factor_id"].head(most))


def decays(library: pd.DataFrame) -> pd.DataFrame:
    """
    What fades: the factors on probation, those retired lately, and accepted ones that show less than half of what was
    expected.

    Args:
        library: rows of `tables.LIBRARY` of one run date.

    Returns:
        Columns factor_id, status, since, status_since, live_rank_ic, expected_rank_ic, live_t, half_life_days, reason:
        on probation first, then retired within 30 days, then accepted, the shortest of the expected first. Names and
        reasons are untrusted text. References are not traded and have no row.
    """
    lately = (library["status"] == "retired") & (library["run_date"] - library["status_since"] <= RECENT_DAYS * DAY)
    missing = library["live_rank_ic"] - library["expected_rank_ic"]
    weak = (library["status"] == "accepted") & (library["live_rank_ic"] < 0.5 * library["expected_rank_ic"])
    order = library["status"].map({"probation": 0, "retired": 1, "accepted": 2})
    shown = library.assign(order=order, missing=missing)[(library["status"] == "probation") | lately | weak]
    return shown.sort_values(["order", "missing", "factor_id"], ignore_index=True)[list(DECAYS)]


def _moved(factor: Row, market: Market, rules: LifeRules) -> tuple[str, str]:
    """The new status and why; two empty texts where nothing moves."""
    status = factor["status"]
    if status not in TRADED or not factor["live_bars"] >= rules.minimum_days * market.bars_per_day:
        return "", ""
    if status == "accepted":
        reason = _failing(factor, market, rules)
        return ("probation", reason) if reason else ("", "")
    days = (factor["run_date"] - factor["status_since"]) / DAY
    if days < rules.probation_days:
        return "", ""
    if factor["live_t_stat"] <= -rules.negative:
        return "retired", f"live rank IC below zero: {_shown(factor)}, t {factor['live_t_stat']:+.1f}"
    holds = _holds(factor, market, rules)
    if holds and _as_validated(factor, rules):
        return "accepted", f"recovered on probation: {_shown(factor)}"
    if days >= rules.patience_days and not holds:
        return "retired", f"no recovery on probation: {days:.0f} days, {_shown(factor)}"
    return "", ""


def _failing(factor: Row, market: Market, rules: LifeRules) -> str:
    """Why an accepted factor goes on probation; empty when it does not."""
    below = _missed(factor)
    if below <= -rules.shortfall:
        return f"live rank IC below expected: {_shown(factor)}, t of the difference {below:+.1f}"
    cost = market.fee_bps + market.slippage_bps
    earned = factor["live_break_even_bps"]
    if earned < cost and factor["live_net_t_stat"] <= -rules.losing:
        return f"loses after costs: break-even {earned:.1f} bps, trading costs {cost:.1f}, t {factor['live_net_t_stat']:+.1f}"
    drift = factor["live_turnover"] / factor["expected_turnover"] if factor["expected_turnover"] > 0 else np.nan
    if drift >= rules.turnover:
        return f"turnover above validated: {factor['live_turnover']:.2f} a day, {drift:.1f} times as much"
    return ""


def _missed(factor: Row) -> float:
    """The live less the expected rank IC, in standard errors; NaN without any."""
    live, t = factor["live_rank_ic"], factor["live_t_stat"]
    error = live / t if t else np.nan
    return (live - factor["expected_rank_ic"]) / error if error > 0 else np.nan


def _holds(factor: Row, market: Market, rules: LifeRules) -> bool:
    """Does a factor on probation show enough of what was expected, without losing?"""
    losing = factor["live_break_even_bps"] < market.fee_bps + market.slippage_bps
    enough = factor["live_rank_ic"] >= rules.recovered * factor["expected_rank_ic"]
    return bool(enough and not (losing and factor["live_net_t_stat"] <= -rules.lost))


def _as_validated(factor: Row, rules: LifeRules) -> bool:
    """Is it near to what was expected, and does it trade as much? Yes where there is nothing to compare with."""
    restless = factor["live_turnover"] > rules.calm * factor["expected_turnover"]
    return not (restless or _missed(factor) <= -rules.near)


def _shown(factor: Row) -> str:
    return (
        f"{factor['live_rank_ic']:+.3f} over {factor['live_bars']:,} bars, expected {factor['expected_rank_ic']:+.3f}"
    )
