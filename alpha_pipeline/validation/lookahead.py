"""
Does a value change when the future is cut off, or rewritten? Then it knew the future.

The factor language cannot express such a thing; this is the second line, and it holds for any function of a panel.
"""

import numpy as np

from alpha_pipeline.panel import Array, Panel
from alpha_pipeline.validation.checks import Candidate, Outcome, check

CUTS = 20
TOLERANCE = 1e-9
# Bars looked at beyond the warm-up: leaks show near a cut, wherever it is.
BARS = 600


@check(blocking=True)
def no_lookahead(candidate: Candidate) -> Outcome:
    """
    Values up to a cut must be the same on the panel that ends there and on one whose later bars are altered.

    At least twenty cuts: some inside the warm-up, at the largest jumps of the values, at extremes of volume, the rest
    spread evenly. All rows up to the cut are compared, NaN patterns included.
    """
    panel = candidate.panel.rows(-min(candidate.panel.shape[0], candidate.lookback_bars + BARS), None)
    full = candidate.evaluate(panel)
    rng = np.random.default_rng(0)
    for cut in _cuts(full, panel, candidate.lookback_bars):
        shorter = candidate.evaluate(panel.rows(0, cut + 1))
        altered = candidate.evaluate(_altered(panel, cut, rng))[: cut + 1]
        for how, values in (("cut off", shorter), ("altered", altered)):
            differs = _differs(full[: cut + 1], values)
            if differs.any():
                row, column = np.argwhere(differs)[-1]
                detail = (
                    f"the value of {panel.symbols[column]} at bar {row} changes when the bars after {cut} are {how}: "
                    f"it depends on the future"
                )
                return False, float(differs.sum()), 0.0, detail
    return True, 0.0, 0.0, f"the same on {2 * CUTS} panels with the future cut off or altered"


def _cuts(values: Array, panel: Panel, lookback_bars: int) -> list[int]:
    bars = len(values)
    last = bars - 2
    if last < 1:
        return []
    jumps = np.nan_to_num(np.abs(np.diff(values, axis=0))).max(axis=1)
    picked = [1, lookback_bars // 3, 2 * lookback_bars // 3, lookback_bars]
    picked += (np.argsort(jumps)[-5:]).tolist()
    if "volume" in panel.fields:
        volume = np.nan_to_num(panel["volume"]).sum(axis=1)
        picked += [int(volume.argmax()), int(volume.argmin())]
    picked += np.linspace(1, last, max(2, CUTS - len(picked) + 1)).astype(int).tolist()
    return sorted({min(max(int(cut), 1), last) for cut in picked})


def _altered(panel: Panel, cut: int, rng: np.random.Generator) -> Panel:
    fields = {}
    for name, values in panel.fields.items():
        other = values.copy()
        other[cut + 1 :] *= rng.uniform(0.2, 5.0, other[cut + 1 :].shape)
        fields[name] = other
    return Panel(panel.timestamps, panel.symbols, fields)


def _differs(a: Array, b: Array) -> Array:
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b) > TOLERANCE * np.maximum(np.abs(a), np.abs(b))
    return apart | (np.isnan(a) != np.isnan(b))
