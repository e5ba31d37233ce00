"""
A factor as it is proposed, stored and named.

The text is kept as written; identity comes from the canonical tree, never from the name a model chose.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

Dialect = Literal["dsl", "math", "pandas"]


@dataclass(frozen=True)
class Provenance:
    """
    Where a factor came from.

    Args:
        proposer: "model", "random_grammar" or "reference".
        model: name of the language model; empty for the others.
        run date: ISO day the factor was proposed for.
        request_hash: SHA-256 of the stored model request; empty when no model was asked.
        parent: factor_id it refines; empty for a fresh idea.
    """

    proposer: str
    model: str = ""
    run_date: str = ""
    request_hash: str = ""
    parent: str = ""


@dataclass(frozen=True)
class FactorDefinition:
    """
    One proposed factor.

    Args:
        name: what the proposer called it; for display only, escaped wherever it is shown.
        source: the expression, exactly as written.
        dialect: which front end reads `source`.
        rationale: why it might work, the proposer's words.
        risks: when it may fail, the proposer's words.
        claims: expected performance as claimed; never a measurement.
        provenance: who proposed it, when, from what.
    """

    name: str
    source: str
    dialect: Dialect = "dsl"
    rationale: str = ""
    risks: str = ""
    claims: str = ""
    provenance: Provenance = field(default_factory=lambda: Provenance("reference"))


def factor_id(name: str, identity: str) -> str:
    """A safe column name: slug of the name, then eight digits of the canonical identity (a SHA-256 in hex)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40].strip("_") or "factor"
    return f"{slug}_{identity[:8]}"
