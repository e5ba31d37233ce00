"""
Why a decision fell: contributions of the sources in words and as JSON.
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
LONGEST = 160


def reasons(said: SignalMatrix, combined: FusedValues, signals: pd.DataFrame) -> pd.DataFrame:
    """
    What moved each row.

    Args:
        said: the signals as matrices.
        combined: what a method made of them.
        signals: the same as rows of `tables.SOURCE_SIGNALS`; gives the words of each source.

    Returns:
        (rows,) `reasons`: the three largest contributions in words, largest first, without those that round to nothing
        while any does not; `breakdown`: all of them as JSON, only of
        sources that spoke.
    """
    row, column = np.nonzero(said.spoke)
    long = said.keys.iloc[row].reset_index(drop=True)
    long["source"] = np.array(said.sources, dtype=object)[column]
    long["share"] = combined.contribution[row, column]
    long = long.merge(signals[[*KEY, "source", "reason"]], on=[*KEY, "source"])
    long = long.assign(size=-long["share"].abs()).sort_values([*KEY, "size", "source"])
    words: dict[str, list[str]] = {"reasons": [], "breakdown": []}
    lines = zip(*(long[name].tolist() for name in (*KEY, "source", "share", "reason")), strict=True)
    for _, group in groupby(lines, key=itemgetter(0, 1)):
        # Plus zero: what a method turned round but did not hear is 0, not -0.
        shares = [(name, round(share, 6) + 0.0, why) for _, _, name, share, why in group]
        moved = [one for one in shares if abs(one[1]) >= 0.005] or shares
        words["reasons"].append(
            "; ".join(
                f"{name} {round(share, 2) + 0.0:+.2f} ({clip(why, LONGEST)})" for name, share, why in moved[:SHOWN]
            )
        )
        words["breakdown"].append(json.dumps({name: share for name, share, _ in shares}, sort_keys=True))
    return pd.DataFrame(words)
