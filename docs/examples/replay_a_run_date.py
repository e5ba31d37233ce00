# %% [markdown]
# A replay: the same run date, seed and answers give the same rows, to the last bit.

# %%
from importlib.resources import files

import pandas as pd

import alpha_pipeline as ap
from alpha_pipeline.mining.proposers import mutation
from alpha_pipeline.tables import TRIALS

bars = pd.read_parquet(files("alpha_pipeline.resources") / "data" / "equities.parquet")
panel = ap.Panel.from_table(bars[(bars["timestamp"] >= "2009-01-01") & (bars["timestamp"] < "2012-06-30")])
run_date = pd.Timestamp("2012-06-29", tz="UTC")
settings = ap.MiningSettings(rounds=1, proposals_per_round=4, seed=3)

# %% Twice the same run date.
first, second = (ap.mine(run_date, ap.EQUITIES, panel, TRIALS.empty(), mutation(), settings) for _ in range(2))
columns = [column for column in first.columns if column != "model_seconds"]
pd.testing.assert_frame_equal(first[columns], second[columns], check_exact=True)
print(f"{len(first)} rows, identical")

# %% Bars after the run date change nothing: they are not looked at.
later = ap.Panel.from_table(bars[(bars["timestamp"] >= "2009-01-01") & (bars["timestamp"] < "2012-12-31")])
third = ap.mine(run_date, ap.EQUITIES, later, TRIALS.empty(), mutation(), settings)
pd.testing.assert_frame_equal(first[columns], third[columns], check_exact=True)
print("identical with half a year of later bars at hand")
