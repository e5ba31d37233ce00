# %% [markdown]
# The ledger of trials: every proposal is a row, refused ones included.

# %%
from importlib.resources import files

import pandas as pd

import alpha_pipeline as ap
from alpha_pipeline.mining.proposers import random_grammar
from alpha_pipeline.tables import TRIALS

bars = pd.read_parquet(files("alpha_pipeline.resources") / "data" / "equities.parquet")
run_date = pd.Timestamp("2012-06-29", tz="UTC")
panel = ap.Panel.from_table(bars[bars["timestamp"] < "2012-06-30"])

# %% One run date with formulas drawn at random: the control a model must beat.
settings = ap.MiningSettings(rounds=1, proposals_per_round=6)
ledger = ap.mine(run_date, ap.EQUITIES, panel, TRIALS.empty(), random_grammar(), settings)

# %% How far each proposal came, and why it stopped.
trials = ledger[ledger["proposer"] != "reference"]
print(trials[["stage", "reason"]].value_counts().to_string())

# %% The references are measured alike and not counted as proposals.
references = ledger[ledger["proposer"] == "reference"].set_index("name")
print(references[["train_rank_ic", "train_t_stat", "valid_sharpe"]].round(3))
