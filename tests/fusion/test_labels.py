"""Training data of a run date do not depend on the length of the run."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.assets.signals import fusion_inputs
from alpha_pipeline.fusion.fused_signal import MEMORY_DAYS
from alpha_pipeline.fusion.labels import LabeledSignals, training_data
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.tables import SOURCE_SIGNALS

DAILY = Market("crypto", "crypto", "1D", "24/7", 365.0, 1, 1, 1, fee_bps=10.0, slippage_bps=5.0)
FIRST = pd.Timestamp("2020-01-01", tz="UTC")
DAYS = 1_300
rng = np.random.default_rng(0)
TIMES = pd.date_range(FIRST, periods=DAYS, freq="D")
PANEL = Panel(
    TIMES.tz_localize(None).to_numpy("datetime64[us]"),
    ("A", "B", "C"),
    {"close": 100 * np.exp(np.cumsum(rng.normal(0, 0.03, (DAYS, 3)), axis=0)), "volume": rng.uniform(1, 5, (DAYS, 3))},
)


def seen(end: pd.Timestamp, days: float) -> LabeledSignals:
    """Training data of a run up to `end`."""
    return training_data(PANEL.until(end), DAILY, SOURCE_SIGNALS.empty(), end, days)


@pytest.mark.parametrize("run_date", [60, 200, 1_100, 1_290])
def test_a_run_date_alone_and_in_a_range_has_the_same_samples(run_date: int) -> None:
    """Bit for bit; no outcome after the run date, and the full training window."""
    end = TIMES[run_date]
    alone = seen(end, MEMORY_DAYS + 1).known_by(end, MEMORY_DAYS)
    together = seen(TIMES[-1], 2 * MEMORY_DAYS).known_by(end, MEMORY_DAYS)
    pd.testing.assert_frame_equal(alone.signals.keys, together.signals.keys)
    for part in ("forward", "sigma", "known_at"):
        np.testing.assert_array_equal(getattr(alone, part), getattr(together, part))
    np.testing.assert_array_equal(alone.signals.weighted, together.signals.weighted)
    assert alone.known_at.max() == end.tz_localize(None).to_numpy()
    assert len(np.unique(alone.decided_at)) >= min(run_date - 25, MEMORY_DAYS - 1)


def test_the_graph_loads_all_days_since_the_first() -> None:
    """Years after the first day the training window lies within the days of the graph."""
    for name, given in fusion_inputs(DAILY).items():
        assert given.metadata.get("from_the_first") or name == "crypto_history", name
