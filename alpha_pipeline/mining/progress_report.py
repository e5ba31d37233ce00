"""How far a run date of mining is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alpha_pipeline.llm.budget import SpendMeter
from alpha_pipeline.tables import UNANSWERED


@dataclass(frozen=True)
class Progress:
    """
    One moment of a run date.

    Args:
        text: the whole in one line.
        figures: the same as numbers: round, proposed, measured, accepted, best_t, best_sharpe, calls, tokens, usd.
    """

    text: str
    figures: dict[str, float]


def progress(head: str, round_number: int, rows: Sequence[dict[str, object]], meter: SpendMeter) -> Progress:
    """
    Count the trials so far.

    Args:
        head: where the run date is, in words.
        round_number: from 0.
        rows: of `tables.TRIALS`, the run date's so far.
        meter: what the model used.
    """
    mined = [row for row in rows if row["proposer"] != "reference" and row["verdict"] != UNANSWERED]
    t_stats = np.array([row["valid_t_stat"] for row in mined], dtype=float)
    sharpes = np.array([row["valid_sharpe"] for row in mined], dtype=float)
    measured = int(np.isfinite(t_stats).sum())
    accepted = sum(row["verdict"] == "accepted" for row in mined)
    best_t = float(np.nanmax(np.abs(t_stats))) if measured else np.nan
    best_sharpe = float(np.nanmax(sharpes)) if np.isfinite(sharpes).any() else np.nan
    spent = meter.run_date
    text = (
        f"{head}: {len(mined):,} proposed, {measured:,} measured, {accepted} accepted, "
        + (f"best on validation: |t| {best_t:.1f}, Sharpe {best_sharpe:.1f}; " if measured else "")
        + f"{spent.tokens:,} tokens, {meter.left()}"
    )
    figures = {
        "round": round_number + 1, "proposed": len(mined), "measured": measured, "accepted": accepted,
        "best_t": best_t, "best_sharpe": best_sharpe, "calls": spent.calls, "tokens": spent.tokens, "usd": spent.usd,
    }  # fmt: skip
    return Progress(text, figures)
