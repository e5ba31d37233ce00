"""Identifiers of factors, and the dialects they are written in."""

import re
import unicodedata
from typing import Literal

Dialect = Literal["dsl", "math", "pandas"]


def factor_id(name: str, identity: str) -> str:
    """Column name of a factor: slug of its name, then eight digits of the canonical identity (a SHA-256 in hex)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40].strip("_") or "factor"
    return f"{slug}_{identity[:8]}"
