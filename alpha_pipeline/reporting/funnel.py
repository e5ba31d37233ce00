"""
The rejection funnel: proposals that passed each stage, reasons for refusal, and the noise floor.

Counts and texts only; `charts` and `terminal` present them.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from alpha_pipeline.reporting.formatting import figure, plural
from alpha_pipeline.statistics.sampling_error import power_text
from alpha_pipeline.tables import REFERENCE, UNANSWERED
from alpha_pipeline.text.untrusted import clean_line
from alpha_pipeline.typing import Array

STAGES = ("proposed", "parsed", "type_valid", "unique", "leakage_free", "significant", "accepted")
CONTROL = "random_grammar"
BESTS = {
    "best_train_t": ("largest |t| on train", ".1f"),
    "best_valid_t": ("largest t on validation", "+.1f"),
    "best_sharpe": ("largest net Sharpe", "+.2f"),
}


def power_of(trials: pd.DataFrame) -> str:
    """One line about the power of the last session of a run date; empty where none is stored."""
    known = trials["power"].dropna()
    return power_text(float(known.iloc[-1])) if len(known) else ""


def proposals(trials: pd.DataFrame) -> pd.DataFrame:
    """
    The proposed trials: without reference factors and unanswered requests.
    """
    return trials[(trials["proposer"] != REFERENCE) & (trials["verdict"] != UNANSWERED)]


def unanswered(trials: pd.DataFrame) -> int:
    """Number of requests the model left unanswered."""
    return int((trials["verdict"] == UNANSWERED).sum())


def funnel_table(trials: pd.DataFrame) -> pd.DataFrame:
    """
    Proposals that passed each stage, one row per proposer.

    Args:
        trials: rows of `factor_definitions`; `stage` is the last stage passed. An unknown stage counts as proposed.

    Returns:
        Index: the label of each proposer (`proposer_label`), models first. Columns: STAGES, counts that never rise.
    """
    ours = proposals(trials)
    reached = ours["stage"].map({stage: i for i, stage in enumerate(STAGES)}).fillna(0)
    labels = [proposer_label(p, m) for p, m in zip(ours["proposer"], ours["model"], strict=True)]
    counts = {
        label: [int((reached[[x == label for x in labels]] >= i).sum()) for i in range(len(STAGES))]
        for label in sorted(set(labels), key=lambda x: (x == proposer_label(CONTROL), x))
    }
    return pd.DataFrame.from_dict(counts, orient="index", columns=list(STAGES), dtype="int64")


def funnel_counts(trials: pd.DataFrame) -> list[tuple[str, int]]:
    """The stages in order, and how many proposals passed each, whoever proposed them."""
    totals = funnel_table(trials).sum()
    return [(stage, int(totals[stage])) for stage in STAGES]


def best_of(trials: pd.DataFrame) -> dict[str, float]:
    """The largest `|t|` on train, t and net Sharpe on validation among the proposals; unmeasured ones are left out."""
    ours = proposals(trials)
    best = {
        "best_train_t": ours["train_t_stat"].abs().max(),
        "best_valid_t": ours["valid_t_stat"].max(),
        "best_valid_sharpe": ours["valid_sharpe"].max(),
    }
    return {name: float(value) for name, value in best.items() if pd.notna(value)}


def tokens(trials: pd.DataFrame) -> int:
    """Tokens a model read and wrote for these trials."""
    return int(trials["prompt_tokens"].sum() + trials["completion_tokens"].sum())


def cost_text(trials: pd.DataFrame) -> str:
    """
    Model cost: total USD, per proposal and per accepted factor; tokens if the price is unknown.

    Args:
        trials: rows of `factor_definitions`.
    """
    ours = proposals(trials)
    made, admitted = len(ours), int((ours["verdict"] == "accepted").sum())
    if trials["usd"].isna().any():
        return f"{tokens(trials):,} tokens, model without a known price"
    usd = float(trials["usd"].sum())
    if usd == 0.0:
        return f"none ({tokens(trials):,} tokens)"
    each = f"{usd / made:.5f} per proposal" if made else "no proposals"
    accepted = f"{usd / admitted:.4f} per accepted factor" if admitted else "no factor accepted"
    return f"USD {usd:.4f} ({tokens(trials):,} tokens; {each}, {accepted})"


def refusals(trials: pd.DataFrame, most: int = 5) -> list[tuple[str, int]]:
    """The commonest reasons for refusal among the proposals, with their counts."""
    reasons = proposals(trials).loc[lambda t: t["verdict"] != "accepted", "reason"].map(clean_line)
    counts = reasons[reasons != ""].value_counts()
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [(str(reason), int(count)) for reason, count in ranked[:most]]


def proposer_label(proposer: str, model: str = "") -> str:
    """Label of the proposer; the random control is marked as such."""
    if proposer == CONTROL:
        return "random grammar (control, no model)"
    if proposer == REFERENCE:
        return "reference (shipped)"
    return f"model {clean_line(model)}" if clean_line(model) else clean_line(proposer)


def floors(rows: pd.DataFrame) -> Iterator[tuple[str, float, Array]]:
    """Per measure: name, best value on real bars, sorted best values on shuffled bars."""
    for name in BESTS:
        real = rows.loc[rows["shuffle"] == 0, name]
        noise = rows.loc[rows["shuffle"] > 0, name].dropna().to_numpy(float)
        yield name, float(real.iloc[0]) if len(real) else np.nan, np.sort(noise)


def floor_rows(rows: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """Rows of label, best on real bars, range on shuffled bars, and rank of the former; empty without a measure."""
    table = []
    for name, real, noise in floors(rows):
        label, spec = BESTS[name]
        if np.isfinite(real) and len(noise):
            beaten = int((noise < real).sum())
            rank = f"above {beaten} of {plural(len(noise), 'shuffled panel')}"
            table.append((label, figure(real, spec), f"{figure(noise[0], spec)} to {figure(noise[-1], spec)}", rank))
    return table


def floor_text(noise: dict[str, pd.DataFrame]) -> str:
    """The noise floor for a terminal, one line per market and measure; empty without rows."""
    lines = [
        f"  {market:<10}{label:<26}{real:>8}   noise {span:<18}{rank}"
        for market, rows in noise.items()
        for label, real, span, rank in floor_rows(rows)
    ]
    return "\n".join(["NOISE FLOOR   best of the run date against the best on shuffled bars", *lines]) if lines else ""
