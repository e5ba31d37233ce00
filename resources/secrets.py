"""
Secrets of resources: Dagster stores and shows the name of the variable, the value is read at run time.
"""

import dagster as dg
from pydantic import SecretStr

from alpha_pipeline.settings import variable_of


def secret(value: SecretStr, *path: str) -> str:
    """What a resource holds for a secret setting: its variable, or nothing where it is not set."""
    return dg.EnvVar(variable_of(*path)) if value.get_secret_value() else ""


def reveal(text: str) -> str:
    """The value of a secret; outside of a Dagster run nobody has resolved its variable."""
    return (text.get_value() or "") if isinstance(text, dg.EnvVar) else text
