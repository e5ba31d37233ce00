"""
The rejection funnel: how many proposals passed each stage, and why the others did not.

Counting only; how it is drawn or printed is left to `charts` and `terminal`.
"""

import pandas as pd

from alpha_pipeline.tables import UNANSWERED
from alpha_pipeline.text.untrusted import clean_line

STAGES = ("proposed", "parsed", "type_valid", "unique", "leakage_free", "significant", "accepted")
CONTROL = "random_grammar"
REFERENCE = "reference"


def proposals(trials: pd.DataFrame) -> pd.DataFrame:
    """
    The trials somebody proposed.

    Reference factors are measured alike, but they are not proposals; a question without an answer is no trial.
    """
    return trials[(trials["proposer"] != REFERENCE) & (trials["verdict"] != UNANSWERED)]


def unanswered(trials: pd.DataFrame) -> int:
    """Questions the model gave no answer to."""
    return int((trials["verdict"] == UNANSWERED).sum())


def funnel(trials: pd.DataFrame) -> pd.DataFrame:
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
    whole = funnel(trials).sum()
    return [(stage, int(whole[stage])) for stage in STAGES]


def best_of(trials: pd.DataFrame) -> dict[str, float]:
    """The largest |t| on train, t and net Sharpe on validation among the proposals; unmeasured ones are left out."""
    ours = proposals(trials)
    found = {
        "best_train_t": ours["train_t_stat"].abs().max(),
        "best_valid_t": ours["valid_t_stat"].max(),
        "best_valid_sharpe": ours["valid_sharpe"].max(),
    }
    return {name: float(value) for name, value in found.items() if pd.notna(value)}


def tokens(trials: pd.DataFrame) -> int:
    """Tokens a model read and wrote for these trials."""
    return int(trials["prompt_tokens"].sum() + trials["completion_tokens"].sum())


def cost_text(trials: pd.DataFrame) -> str:
    """
    What the model cost: USD in all, per proposal and per accepted factor; tokens where its price is not known.

    Args:
        trials: rows of `factor_definitions`.
    """
    ours = proposals(trials)
    made, kept = len(ours), int((ours["verdict"] == "accepted").sum())
    if trials["usd"].isna().any():
        return f"{tokens(trials):,} tokens of a model without a price"
    usd = float(trials["usd"].sum())
    if usd == 0.0:
        return f"nothing ({tokens(trials):,} tokens)"
    each = f"{usd / made:.5f} a proposal" if made else "no proposal"
    accepted = f"{usd / kept:.4f} an accepted factor" if kept else "no factor accepted"
    return f"USD {usd:.4f} ({tokens(trials):,} tokens; {each}, {accepted})"


def refusals(trials: pd.DataFrame, most: int = 5) -> list[tuple[str, int]]:
    """The commonest reasons for refusal among the proposals, with their counts."""
    reasons = proposals(trials).loc[lambda t: t["verdict"] != "accepted", "reason"].map(clean_line)
    counts = reasons[reasons != ""].value_counts()
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [(str(reason), int(count)) for reason, count in ranked[:most]]


def proposer_label(proposer: str, model: str = "") -> str:
    """Who proposed, said so that a random control can never pass for a model."""
    if proposer == CONTROL:
        return "random grammar (control, no model)"
    if proposer == REFERENCE:
        return "reference (shipped)"
    return f"model {clean_line(model)}" if clean_line(model) else clean_line(proposer)
