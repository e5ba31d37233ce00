"""
Ridge regression of the outcome on the sources.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.linear_model import Ridge as Regression

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.methods.linear import Slopes, fit_slopes

# Per row; sources have a mean square of one, so 1 halves the slope of a source that stands alone.
PENALTIES = tuple(np.logspace(-4, 1, 11))


@dataclass(frozen=True)
class Ridge:
    """All sources keep a slope, the smaller the less is known; value: sign and rank of the sum among the past ones."""

    name: str = "ridge"
    meaning: str = "linear, slopes shrunk by a penalty chosen on later stretches of the past"

    def fit(self, past: LabeledSignals) -> Slopes:
        return fit_slopes(past, [partial(_regression, penalty) for penalty in PENALTIES])


def _regression(penalty: float, rows: int) -> Regression:
    return Regression(alpha=penalty * rows)
