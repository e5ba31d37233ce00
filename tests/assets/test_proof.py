"""Checks of every run date: canaries, factor values, admission rule."""

from dataclasses import fields

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.assets.mining import _canaries, _check
from alpha_pipeline.assets.wiring.config import MiningConfig
from alpha_pipeline.llm.budget import PRICES
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.mining.judge import Admission
from alpha_pipeline.validation import canaries
from alpha_pipeline.validation import checks as registered
from alpha_pipeline.validation.check_registry import _checks


@pytest.fixture
def panel() -> Panel:
    """Random walks."""
    rng = np.random.default_rng(0)
    times = pd.date_range("2018-01-01", periods=500, freq="D").to_numpy("datetime64[us]")
    fields = {"close": 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (500, 5)), axis=0)), "volume": np.ones((500, 5))}
    return Panel(times, tuple("ABCDE"), fields)


def test_the_canaries_pass(panel: Panel) -> None:
    """Each look-ahead factor is refused, each causal factor passes; the result counts them."""
    result = _canaries(panel)
    assert result.passed
    assert result.metadata["failed"].value == 0 and result.metadata["canaries"].value == len(canaries())


@pytest.mark.parametrize(
    ("broken", "outcome", "named"),
    [("passes everything", True, "cheater 'negative shift' passed"), ("refuses everything", False, "honest factor")],
)
def test_a_broken_check_fails_the_canaries(
    panel: Panel, monkeypatch: pytest.MonkeyPatch, broken: str, outcome: bool, named: str
) -> None:
    """Whether it passes or refuses everything; the result names the canary."""
    for name in ("no_lookahead", "start_independence"):
        assert registered()[name]
        monkeypatch.setitem(_checks, name, (lambda candidate: (outcome, 0.0, 0.0, broken), True))
    result = _canaries(panel)
    assert not result.passed and named in str(result.description)


def test_a_factor_without_values_yet_fails_no_check(panel: Panel) -> None:
    """A field starts with the live graph: until its look-back is filled, a factor of it is listed and not judged."""
    late = np.full(panel["close"].shape, np.nan)
    late[-3:] = panel["close"][-3:]
    recent = Panel(panel.timestamps, panel.symbols, {**panel.fields, "tvl": late, "supply": np.ones_like(late)})
    library = pd.DataFrame({"factor_id": ["young"], "expression": ["ts_zscore(tvl, 60)"], "status": ["reference"]})
    results = {result.check_name: result for result in _check(library, recent, EQUITIES)}
    for name in ("variation", "movement"):
        assert (
            results[name].passed and results[name].description == "0 of 1 factors pass; nothing to compare yet: young"
        )
    assert not results["coverage"].passed and results["coverage"].severity == dg.AssetCheckSeverity.WARN
    coverage = {name: value.value for name, value in results["coverage"].metadata.items() if name != "results"}
    assert coverage == {"factors": 1, "failed": 1, "silent": 0, "threshold": 0.8, "lowest": 0.0, "highest": 0.0}
    constant = library.assign(factor_id="same", expression="sign(supply)")
    assert not {result.check_name: result for result in _check(constant, recent, EQUITIES)}["variation"].passed


def test_the_admission_rule_is_configuration() -> None:
    """Each of its fields has the same name and default in the configuration."""
    assert MiningConfig().settings(PRICES).admission == Admission()
    stricter = MiningConfig(admission={"deflated_sharpe": 0.95, "t_stat": 4.0}).settings(PRICES).admission
    assert stricter == Admission(deflated_sharpe=0.95, t_stat=4.0)
    assert set(type(MiningConfig().admission).model_fields) == {part.name for part in fields(Admission)}
