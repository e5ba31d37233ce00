"""
Contributions of the sources to a fused value, as text and as JSON.
"""

import json
from itertools import groupby
from operator import itemgetter

import numpy as np
import pandas as pd

from alpha_pipeline.fusion.method import FusedValues
from alpha_pipeline.market.panel import KEY
from alpha_pipeline.signals.reason_text import clip
from alpha_pipeline.signals.signal_matrix import SignalMatrix

SHOWN = 3
MAX_REASON = 160


def contribution_reasons(matrix: SignalMatrix, combined: FusedValues, signals: pd.DataFrame) -> pd.DataFrame:
    """
    The largest contributions of each row.

    Args:
        matrix: the signals.
        combined: their fused values.
        signals: the same as rows of `tables.SOURCE_SIGNALS`; gives the reason of each source.

    Returns:
        (rows,) `reasons`: the three largest contributions as text, largest first, without those that round to 0
        unless all do; `breakdown`: the contributions of all active sources as JSON.
    """
    row, column = np.nonzero(matrix.active)
    long = matrix.keys.iloc[row].reset_index(drop=True)
    long["source"] = np.array(matrix.sources, dtype=object)[column]
    long["share"] = combined.contribution[row, column]
    long = long.merge(signals[[*KEY, "source", "reason"]], on=[*KEY, "source"])
    long = long.assign(size=-long["share"].abs()).sort_values([*KEY, "size", "source"])
    columns: dict[str, list[str]] = {"reasons": [], "breakdown": []}
    lines = zip(*(long[name].tolist() for name in (*KEY, "source", "share", "reason")), strict=True)
    for _, group in groupby(lines, key=itemgetter(0, 1)):
        # Plus zero turns -0.0 into 0.0.
        shares = [(name, round(share, 6) + 0.0, reason) for _, _, name, share, reason in group]
        largest = ([share for share in shares if abs(share[1]) >= 0.005] or shares)[:SHOWN]
        columns["reasons"].append(
            "; ".join(
                f"{name} {round(share, 2) + 0.0:+.2f} ({clip(reason, MAX_REASON)})" for name, share, reason in largest
            )
        )
        columns["breakdown"].append(json.dumps({name: share for name, share, _ in shares}, sort_keys=True))
    return pd.DataFrame(columns)
