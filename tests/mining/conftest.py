"""Run dates that several tests start from."""

import pandas as pd
import pytest

from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.task import Proposal

from .scripted import Script, mined, walk


@pytest.fixture(scope="module")
def first() -> pd.DataFrame:
    """The first run date on random walks, one plain proposal after the references."""
    return mined(Script(["ts_zscore(close, 7)"]), 1)


@pytest.fixture(scope="module")
def planted() -> tuple[Panel, pd.DataFrame]:
    """A market whose field `edge` leads returns, and the run date on which it and a twin of it are proposed."""
    panel = walk(edge=1.0, bars=400)
    return panel, mined(
        Script([Proposal("found", "edge"), Proposal("twin", "edge + ts_mean(edge, 20) / 100")]), 2, panel
    )
