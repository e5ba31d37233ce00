"""Progress of the mining of one run date."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alpha_pipeline.llm.budget import SpendMeter
from alpha_pipeline.mining.trial import Trial
from alpha_pipeline.tables import UNANSWERED


@dataclass(frozen=True)
class Progress:
    """
    Progress so far.

    Args:
        text: in one line.
        figures: round, proposed, measured, accepted, best_t, best_sharpe, calls, tokens, usd; empty for a message.
    """

    text: str
    figures: dict[str, float]

    @classmethod
    def of(cls, head: str, round_number: int, trials: Sequence[Trial], meter: SpendMeter) -> "Progress":
        """
        Count the trials so far.

        Args:
            head: start of the line.
            round_number: from 0.
            trials: of the run date so far.
            meter: usage of the model.
        """
        proposed = [trial for trial in trials if trial.proposer != "reference" and trial.verdict != UNANSWERED]
        t_stats = np.array([trial.measures.valid_t_stat for trial in proposed])
        sharpes = np.array([trial.measures.valid_sharpe for trial in proposed])
        measured = int(np.isfinite(t_stats).sum())
        accepted = sum(trial.verdict == "accepted" for trial in proposed)
        best_t = float(np.nanmax(np.abs(t_stats))) if measured else np.nan
        best_sharpe = float(np.nanmax(sharpes)) if np.isfinite(sharpes).any() else np.nan
        spent = meter.run_date
        text = (
            f"{head}: {len(proposed):,} proposed, {measured:,} measured, {accepted} accepted, "
            + (f"best on validation: |t| {best_t:.1f}, Sharpe {best_sharpe:.1f}; " if measured else "")
            + f"{spent.tokens:,} tokens, {meter.left()}"
        )
        figures = {
            "round": round_number + 1, "proposed": len(proposed), "measured": measured, "accepted": accepted,
            "best_t": best_t, "best_sharpe": best_sharpe, "calls": spent.calls, "tokens": spent.tokens,
            "usd": spent.usd,
        }  # fmt: skip
        return cls(text, figures)
