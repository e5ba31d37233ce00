"""Method and rule of a run: the settings, above them the run configuration."""

import pytest

from alpha_pipeline.assets.signals import joined_signal_assets
from alpha_pipeline.assets.wiring.config import FusionConfig
from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.decision import DecisionRule, configured_method
from alpha_pipeline.settings import FusionSettings, load_settings


def test_a_run_overrides_the_settings() -> None:
    """The method alone from the shell; every value from the run configuration."""
    settings = FusionSettings(method="ridge", confidence=0.55)
    assert configured_method(settings) == ("ridge", DecisionRule(confidence=0.55))
    assert configured_method(settings, "ic_weighted") == ("ic_weighted", DecisionRule(confidence=0.55))
    assert FusionConfig(method="ridge", threshold=0.0).settings() == ("ridge", DecisionRule(threshold=0.0))


def test_an_unknown_method_stops_the_graph_from_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything runs, by the name of the setting."""
    monkeypatch.setenv("ALPHA_PIPELINE_FUSION__METHOD", "tea")
    with pytest.raises(SettingError, match="fusion method is 'tea'.*weighted.*by ALPHA_PIPELINE_FUSION__METHOD"):
        joined_signal_assets()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("THRESHOLD", "high", r"THRESHOLD is 'high'; expected a number in \[0, 1\)"),
        ("CONFIDENCE", "1", r"CONFIDENCE is '1'; expected a number in \[0, 1\)"),
        ("CONFIDENCE", "nan", "CONFIDENCE is 'nan'"),
    ],
)
def test_an_impossible_threshold_is_refused(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the variable."""
    monkeypatch.setenv(f"ALPHA_PIPELINE_FUSION__{name}", value)
    with pytest.raises(SettingError, match=message):
        load_settings()


def test_a_wrong_setting_of_a_run_is_refused() -> None:
    """By the field, with what is allowed."""
    with pytest.raises(SettingError, match="method is 'tea'; expected one of weighted"):
        FusionConfig(method="tea").settings()
    with pytest.raises(SettingError, match=r"threshold is -1.0; expected a number in \[0, 1\)"):
        FusionConfig(threshold=-1.0).settings()
