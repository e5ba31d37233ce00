"""
Does a value change when the future is cut off or rewritten, or when the past is? Then it knew too much.

The factor language cannot express such a thing; this is the second line, and it holds for any function of a panel.
"""

from dataclasses import dataclass, replace

import numpy as np

from alpha_pipeline.market.panel import Panel
from alpha_pipeline.typing import Array
from alpha_pipeline.validation.check_registry import Candidate, Outcome, check
from alpha_pipeline.validation.lookahead_screen import rewritten

TOLERANCE = 1e-9
# Recursive averages forget their start only asymptotically.
START_TOLERANCE = 1e-6
# Bars compared after a later start.
COMPARED = 60


@dataclass(frozen=True)
class SearchEffort:
    """
    How hard leaks are looked for.

    Args:
        bars: looked at beyond the warm-up: leaks show near a cut, wherever it is.
        cuts: about how many.
        jumps: of the values, beside which is cut.
    """

    bars: int
    cuts: int
    jumps: int


THOROUGH, QUICK = SearchEffort(600, 24, 5), SearchEffort(60, 8, 2)


@check(blocking=True)
def no_lookahead(candidate: Candidate) -> Outcome:
    """
    Values up to a cut must be the same on the panel that ends there and on one whose later bars are altered.

    At least twenty cuts on the latest bars (eight when screening, on few symbols): some inside the warm-up, beside the
    largest jumps of the values, at extremes of volume, at the end, the rest spread evenly; and one on the whole panel,
    in case a factor asks for its length.
    All rows up to the cut are compared, NaN patterns included.
    """
    suspect, effort = candidate.suspect, QUICK if candidate.screen else THOROUGH
    bars = suspect.panel.shape[0]
    first = max(0, bars - suspect.lookback_bars - effort.bars)
    recent = suspect.panel.rows(first, None)
    other = candidate.screen.other if candidate.screen else rewritten(suspect.panel)
    values = suspect.evaluate(recent)
    cuts = _cuts(values, recent, suspect.lookback_bars, effort)
    both = ("cut off", "altered")
    trials = [(recent, other.rows(first, None), values, cut, how) for cut in cuts for how in both]
    if first > 0:
        prompt_modes = both[1:] if candidate.screen else both
        trials += [(suspect.panel, other, suspect.values, bars - bars // 4, how) for how in prompt_modes]
    for panel, future, full, cut, how in trials:
        known = panel.rows(0, cut + 1) if how == "cut off" else _altered(panel, future, cut)
        differs = _differs(full[: cut + 1], suspect.evaluate(known)[: cut + 1], TOLERANCE)
        if differs.any():
            row, column = np.argwhere(differs)[-1]
            detail = (
                f"the value of {panel.symbols[column]} at bar {row} changes when the bars after {cut} are {how}: "
                "it depends on the future"
            )
            return False, float(differs.sum()), 0.0, detail
    return True, 0.0, 0.0, f"the same on {len(trials)} panels with the future cut off or altered"


@check(blocking=True)
def start_independence(candidate: Candidate) -> Outcome:
    """
    After its declared warm-up a value must be the same wherever the panel starts.

    Otherwise a backfill, a run date and a live run would each see another factor.
    """
    candidate = candidate.suspect
    bars, warm_up = candidate.panel.shape[0], candidate.lookback_bars
    sizes = np.abs(candidate.values[np.isfinite(candidate.values)])
    scale = float(np.median(sizes)) if len(sizes) else 0.0
    starts = sorted({max(0, bars - warm_up - COMPARED - back) for back in (0, bars // 3, bars // 2)} - {0})
    for start in starts:
        stop = min(bars, start + warm_up + COMPARED)
        full = candidate.values[start + warm_up : stop]
        late = candidate.evaluate(candidate.panel.rows(start, stop))[warm_up:]
        differs = _differs(full, late, START_TOLERANCE, START_TOLERANCE * scale)
        if differs.any():
            row, column = np.argwhere(differs)[0]
            detail = (
                f"the value of {candidate.panel.symbols[column]} at bar {start + warm_up + row} changes when the panel "
                f"starts {warm_up + row} bars before it, although it declares to need {warm_up}"
            )
            return False, float(differs.sum()), 0.0, detail
    return True, 0.0, 0.0, f"the same from {len(starts)} later starts after {warm_up} bars of warm-up"


def _cuts(values: Array, panel: Panel, lookback_bars: int, effort: SearchEffort) -> list[int]:
    bars = len(values)
    last = bars - 2
    if last < 1:
        return []
    moves = np.nan_to_num(np.abs(np.diff(values, axis=0)))
    usual = moves.mean(axis=0)
    jumps = (moves / np.where(usual > 0, usual, 1.0)).max(axis=1)
    largest = np.argsort(jumps)[-effort.jumps :]
    picked = [1, lookback_bars, last]
    if effort == THOROUGH:
        picked += [lookback_bars // 3, 2 * lookback_bars // 3]
    picked += [*largest.tolist(), *(largest + 1).tolist()]
    if "volume" in panel.fields:
        volume = np.nan_to_num(panel["volume"]).sum(axis=1)
        picked += [int(volume.argmax()), int(volume.argmin())]
    chosen = {min(max(int(cut), 1), last) for cut in picked}
    spread = np.linspace(1, last, effort.cuts).astype(int)[np.argsort(np.arange(effort.cuts) % 3, kind="stable")]
    for cut in spread.tolist():
        if len(chosen) < effort.cuts:
            chosen.add(cut)
    return sorted(chosen)


def _altered(panel: Panel, future: Panel, cut: int) -> Panel:
    fields = {name: np.concatenate([x[: cut + 1], future[name][cut + 1 :]]) for name, x in panel.fields.items()}
    return replace(panel, fields=fields)


def _differs(a: Array, b: Array, relative: float, absolute: float = 0.0) -> Array:
    if a.tobytes() == b.tobytes():  # what an honest factor gives, 5x faster to see
        return np.zeros(a.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b) > relative * np.maximum(np.abs(a), np.abs(b)) + absolute
    result: Array = apart | (np.isnan(a) != np.isnan(b))
    return result
