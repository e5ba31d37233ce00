"""The active method and thresholds are validated at load time."""

import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.fusion.decision import DecisionRule, fusion_settings
from alpha_pipeline.fusion.methods.registry import DEFAULT_METHOD
from assets.signals import FusionConfig, joined_signal_assets


def test_the_run_overrides_the_environment_overrides_the_defaults() -> None:
    """Per setting; empty variables count as absent."""
    assert fusion_settings({"ALPHA_PIPELINE_FUSION": " "}) == (DEFAULT_METHOD, DecisionRule())
    environment = {"ALPHA_PIPELINE_FUSION": "ridge", "ALPHA_PIPELINE_FUSION_CONFIDENCE": "0.55"}
    assert fusion_settings(environment) == ("ridge", DecisionRule(confidence=0.55))
    assert fusion_settings(environment, "ic_weighted", threshold=0.0) == (
        "ic_weighted",
        DecisionRule(threshold=0.0, confidence=0.55),
    )


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"ALPHA_PIPELINE_FUSION": "tea"}, "fusion method is 'tea'.*weighted.*by ALPHA_PIPELINE_FUSION"),
        ({"ALPHA_PIPELINE_FUSION_THRESHOLD": "high"}, "ALPHA_PIPELINE_FUSION_THRESHOLD is 'high'"),
        ({"ALPHA_PIPELINE_FUSION_CONFIDENCE": "1"}, r"CONFIDENCE is '1'; expected a number in \[0, 1\)"),
        ({"ALPHA_PIPELINE_FUSION_CONFIDENCE": "nan"}, r"CONFIDENCE is 'nan'"),
    ],
)
def test_a_wrong_setting_stops_the_graph_from_loading(
    environment: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the variable."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=message):
        joined_signal_assets()


def test_a_wrong_setting_of_a_run_is_refused() -> None:
    """The error names the run."""
    with pytest.raises(SettingError, match="by the run"):
        FusionConfig(method="tea").settings()
    with pytest.raises(SettingError, match="threshold of the run is '-1.0'"):
        FusionConfig(threshold=-1.0).settings()
