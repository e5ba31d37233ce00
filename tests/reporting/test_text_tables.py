"""The run date in plain text."""

import numpy as np

from alpha_pipeline.reporting.formatting import UNDEFINED
from alpha_pipeline.reporting.funnel import STAGES
from alpha_pipeline.reporting.text_tables import funnel_text, library_text, signal_text
from alpha_pipeline.tables import FUSED_SIGNAL, LIBRARY, METRICS, TRIALS


def test_every_line_fits_one_hundred_columns(run_date):
    """Also with names and reasons nobody would choose."""
    fused = run_date.fused.assign(reasons="\x1b[31m" + "x" * 500 + " שלום\n<b>")
    trials = {m: t.assign(reason="y" * 300, model="z" * 90) for m, t in run_date.trials.items()}
    library = {m: t.assign(factor_id="w" * 80, expression="v" * 300) for m, t in run_date.library.items()}
    for shown in (signal_text(fused), funnel_text(trials), library_text(library, run_date.metrics)):
        assert max(map(len, shown.splitlines())) <= 100
        assert "\x1b" not in shown


def test_a_small_market_is_listed_whole_and_a_large_one_by_strength(run_date):
    """Five coins, each with a line; of the stocks the decisions, and a count of the others."""
    shown = signal_text(run_date.fused)
    crypto, equities = shown.split("\n\n")
    assert all(f"  {coin}" in crypto for coin in ("BTCUSDT", "ETHUSDT", "XRPUSDT"))
    assert "more HOLD" in equities
    assert equities.count("  LONG  ") <= 5
    assert equities.count("  SHORT  ") <= 5


def test_a_market_of_holds_shows_the_nearest_to_a_decision(run_date):
    """Nothing to do is still an answer with reasons."""
    shown = signal_text(run_date.fused.assign(decision="HOLD"))
    assert "0 LONG, 0 SHORT, 100 HOLD" in shown
    assert "and 95 more HOLD" in shown


def test_funnel_counts_per_proposer_and_lists_references_apart(run_date):
    """Model and control side by side; the shipped factors are named but not counted."""
    shown = funnel_text(run_date.trials)
    assert "random grammar" in shown
    row = next(line for line in shown.splitlines() if line.startswith("  model"))
    trials = run_date.trials["crypto"]
    reached = trials.loc[trials["proposer"] == "model", "stage"].map(STAGES.index)
    assert row.split()[2:] == [str((reached >= stage).sum()) for stage in range(len(STAGES))]
    assert "4 reference factors measured, not counted as proposals" in shown


def test_unmeasured_factors_show_dashes_in_their_place(run_date):
    """No metrics, no numbers; accepted factors first."""
    rows = [line for line in library_text(run_date.library, {}).splitlines() if "  accepted  " in line]
    assert rows
    assert all(line.split()[2:] == [UNDEFINED] * 5 for line in rows)


def test_the_library_says_on_what_it_was_measured(run_date):
    """Which bars, and how many of them."""
    head, market, *_ = library_text(run_date.library, run_date.metrics).splitlines()
    assert "validation bars; Sharpe annualized" in head
    assert market == "crypto: 2,000 bars"


def test_empty_frames_say_so():
    """A run date without anything is a sentence, not an error."""
    assert "no signal was stored" in signal_text(FUSED_SIGNAL.empty())
    assert "no proposals that run date" in funnel_text({"crypto": TRIALS.empty()})
    assert "crypto: empty" in library_text({"crypto": LIBRARY.empty()}, {"crypto": METRICS.empty()})


def test_undefined_values_are_dashes(run_date):
    """A symbol without a value keeps its line."""
    fused = run_date.fused[run_date.fused["market"] == "crypto"].assign(value=np.nan, confidence=np.nan)
    assert signal_text(fused).count(f"    {UNDEFINED}      {UNDEFINED}  ") == 5
