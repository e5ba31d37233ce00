"""
Settings of the project: one model nested by subject, read once, validated and passed down.

Values come from the project file `alpha_pipeline.toml` and, over it, from the environment: a variable is
`ALPHA_PIPELINE_` and the path of its field joined by `__` (`ALPHA_PIPELINE_FUSION__THRESHOLD`), or the short name its
field declares (`ALPHA_PIPELINE_LAKE`). An empty variable counts as absent; an unknown key or variable is refused.
`dagster` commands put a `.env` file of the working folder into the environment themselves.
"""

from alpha_pipeline.settings.catalog import Setting
from alpha_pipeline.settings.environment import CONFIG, child_environment, export_variable
from alpha_pipeline.settings.market_section import (
    EMBEDDED_MARKETS,
    FactSettings,
    FileSettings,
    MarketSettings,
    PortfolioSettings,
    SplitSettings,
)  # fmt: skip
from alpha_pipeline.settings.messages import MASK, without_login
from alpha_pipeline.settings.project import (
    Settings,
    all_settings,
    load_settings,
    place_of,
    project_in_force,
    setting_sources,
    variable_of,
)  # fmt: skip
from alpha_pipeline.settings.project_file import FILE_NAME, ProjectFile
from alpha_pipeline.settings.sections import (
    LIVE_DAYS,
    SAMPLE_DAYS,
    Admission,
    AlertSettings,
    Budget,
    DataSettings,
    DaySettings,
    DecisionRule,
    ExportSettings,
    FusionSettings,
    LakeSettings,
    Mining,
    ModelSettings,
    PaperConfig,
    PromptMode,
    SentimentSettings,
)  # fmt: skip
from alpha_pipeline.settings.value_types import AtLeastOne, section

__all__ = [
    "CONFIG", "EMBEDDED_MARKETS", "FILE_NAME", "LIVE_DAYS", "MASK", "SAMPLE_DAYS", "Admission", "AlertSettings",
    "AtLeastOne", "Budget", "DataSettings", "DaySettings", "DecisionRule", "ExportSettings", "FactSettings",
    "FileSettings", "FusionSettings", "LakeSettings", "MarketSettings", "Mining", "ModelSettings", "PaperConfig",
    "PortfolioSettings", "ProjectFile", "PromptMode", "SentimentSettings", "Setting", "Settings", "SplitSettings",
    "all_settings", "child_environment", "export_variable", "load_settings", "place_of", "project_in_force", "section",
    "setting_sources", "variable_of", "without_login",
]  # fmt: skip
