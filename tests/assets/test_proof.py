"""What every run date proves of itself: canaries."""

from dataclasses import fields

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.llm.budget import PRICES
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.judge import Admission
from alpha_pipeline.validation import checks as registered
from alpha_pipeline.validation.checks import _checks
from assets.mining import _canaries, _check
from assets.wiring.config import AdmissionConfig, MiningConfig


@pytest.fixture
def panel() -> Panel:
    """Random walks."""
    rng = np.random.default_rng(0)
    times = pd.date_range("2018-01-01", periods=500, freq="D").to_numpy("datetime64[us]")
    fields = {"close": 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (500, 5)), axis=0)), "volume": np.ones((500, 5))}
    return Panel(times, tuple("ABCDE"), fields)


def test_the_canaries_sing(panel: Panel) -> None:
    """Every cheater is caught, every honest factor passes."""
    assert _canaries(panel).passed


@pytest.mark.parametrize(
    ("broken", "outcome", "named"),
    [("passes everything", True, "cheater 'negative shift' passed"), ("refuses everything", False, "honest factor")],
)
def test_a_check_that_no_longer_works_stops_the_night(
    panel: Panel, monkeypatch: pytest.MonkeyPatch, broken: str, outcome: bool, named: str
) -> None:
    """Whichever way it broke; the result names what was let through or refused."""
    for name in ("no_lookahead", "start_independence"):
        assert registered()[name]
        monkeypatch.setitem(_checks, name, (lambda candidate: (outcome, 0.0, 0.0, broken), True))
    result = _canaries(panel)
    assert not result.passed and named in str(result.description)


def test_a_factor_without_values_yet_stops_nobody(panel: Panel) -> None:
    """Facts begin with the live graph: until its memory is filled a factor of them is told and not judged."""
    late = np.full(panel["close"].shape, np.nan)
    late[-3:] = panel["close"][-3:]
    begun = Panel(panel.timestamps, panel.symbols, {**panel.fields, "tvl": late, "supply": np.ones_like(late)})
    library = pd.DataFrame({"factor_id": ["young"], "expression": ["ts_zscore(tvl, 60)"], "status": ["reference"]})
    told = {result.check_name: result for result in _check(library, begun, EQUITIES)}
    for name in ("variation", "movement"):
        assert told[name].passed and told[name].description == "0 of 1 factors pass; nothing to compare yet: young"
    assert not told["coverage"].passed and told["coverage"].severity == dg.AssetCheckSeverity.WARN
    constant = library.assign(factor_id="same", expression="sign(supply)")
    assert not {result.check_name: result for result in _check(constant, begun, EQUITIES)}["variation"].passed


def test_the_rule_of_admission_is_configuration() -> None:
    """Every field of the rule, by its name, with its own default."""
    assert MiningConfig().settings(PRICES).admission == Admission()
    stricter = MiningConfig(admission=AdmissionConfig(deflated_sharpe=0.95, t_stat=4.0)).settings(PRICES).admission
    assert stricter == Admission(deflated_sharpe=0.95, t_stat=4.0)
    assert set(AdmissionConfig.model_fields) == {part.name for part in fields(Admission)}
