"""
Elastic net: linear, and silent about sources that teach nothing.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.linear_model import ElasticNet as Regression

from alpha_pipeline.fusion.labels import LabeledSignals
from alpha_pipeline.fusion.methods.linear import Slopes, fit_slopes

# A slope below half of it, in moves per root mean square of a source, becomes 0.
PENALTIES = tuple(np.logspace(-3, -0.5, 11))
LASSO_SHARE = 0.5


@dataclass(frozen=True)
class ElasticNet:
    """As `ridge`, but small slopes are 0."""

    name: str = "elastic_net"
    meaning: str = "linear, small slopes set to 0 by a penalty chosen on later stretches of the past"

    def fit(self, past: LabeledSignals) -> Slopes:
        return fit_slopes(past, [partial(_regression, penalty) for penalty in PENALTIES])


def _regression(penalty: float, rows: int) -> Regression:
    return Regression(alpha=penalty, l1_ratio=LASSO_SHARE, tol=1e-3, precompute=True, random_state=0)
