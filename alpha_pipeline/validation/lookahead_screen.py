"""Bars made ready for screening: what looking for leaks in many factors shares. The looking is `lookahead`'s."""

from dataclasses import dataclass, replace

import numpy as np

from alpha_pipeline.market.panel import Panel

SYMBOLS = 48


@dataclass(frozen=True)
class ScreeningPanel:
    """
    A few symbols of a panel on which leaks are looked for.

    Args:
        panel: at most 48 symbols spread over the panel, all bars; values of it are computed on it alone.
        other: the same rewritten.
    """

    panel: Panel
    other: Panel

    @classmethod
    def of(cls, panel: Panel) -> "ScreeningPanel":
        """The screen of a panel."""
        picked = np.unique(np.linspace(0, panel.shape[1] - 1, SYMBOLS).astype(int))
        narrow = panel.columns(picked)
        return cls(narrow, rewritten(narrow))


def rewritten(panel: Panel) -> Panel:
    """Every cell times a random number of its own, from a quintile to five; NaN stay."""
    rng = np.random.default_rng(0)
    fields = {name: values * rng.uniform(0.2, 5.0, values.shape) for name, values in panel.fields.items()}
    return replace(panel, fields=fields)
