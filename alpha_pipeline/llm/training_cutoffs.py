"""Training cutoffs of language models: returns before the cutoff may be known to the model."""

from datetime import date
from functools import lru_cache
from pathlib import Path

import pandas as pd

from alpha_pipeline.errors import SettingError
from alpha_pipeline.llm.toml_table import read_table

CUTOFFS = Path(__file__).with_name("training_cutoffs.toml")


def cutoff_of(model: str, file: Path = CUTOFFS) -> pd.Timestamp | None:
    """
    The training cutoff of a model.

    Args:
        model: its name in the ledger; a suffix, such as a quantization or a date, may follow a listed name.
        file: TOML, one `name = date` a line.

    Returns:
        UTC midnight of the last day; None for a model not listed and for factors without a model.

    Raises:
        SettingError: the file cannot be read or a value is no date.
    """
    names = [name for name in _table(file) if model == name or model.startswith((f"{name}-", f"{name}:"))]
    return _table(file)[max(names, key=len)] if names else None


@lru_cache(maxsize=4)
def _table(file: Path) -> dict[str, pd.Timestamp]:
    entries = read_table(file, "the table of training cutoffs")
    wrong = {name: value for name, value in entries.items() if type(value) is not date}
    if wrong:
        raise SettingError(f"{file}: a date such as 2024-06-01 expected; found {wrong}")
    return {name: pd.Timestamp(value, tz="UTC") for name, value in entries.items()}
