"""Training cutoffs: the table that ships, names with suffixes, and invalid tables."""

from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.llm.training_cutoffs import CUTOFFS, cutoff_of


@pytest.mark.parametrize(
    ("model", "day"),
    [
        ("gpt-4o", "2023-10-01"),
        ("gpt-4o-mini", "2023-10-01"),
        ("gpt-4.1-mini-2025-04-14", "2024-06-01"),
        ("SmolLM2-135M-Instruct", "2024-10-31"),
        ("qwen2.5-coder-1.5b-instruct-q4_k_m", "2024-09-19"),
        ("gpt-4", None),
        ("gpt-40", None),
        ("", None),
    ],
)
def test_the_longest_listed_name_counts(model: str, day: str | None) -> None:
    """A suffix may follow a dash or a colon; unknown models have none."""
    assert cutoff_of(model) == (None if day is None else pd.Timestamp(day, tz="UTC"))


@pytest.mark.parametrize("text", ["gpt-4o = 2023", "gpt-4o = '2023-10-01'", "gpt-4o = 2023-10-01T00:00:00", "= ["])
def test_an_invalid_table_is_refused(tmp_path: Path, text: str) -> None:
    """The message has the file."""
    file = tmp_path / "cutoffs.toml"
    file.write_text(text)
    with pytest.raises(SettingError, match="cutoffs.toml"):
        cutoff_of("gpt-4o", file)
    assert CUTOFFS.is_file()
