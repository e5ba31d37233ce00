"""Numbers, dates and counts as text."""

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.reporting.formatting import UNDEFINED, clock, figure, number, percent, plural


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_undefined_numbers_show_as_a_dash(value):
    """A number that does not exist is never printed as one."""
    assert number(value) == figure(value, unit="bps") == percent(value) == UNDEFINED


@pytest.mark.parametrize(
    ("value", "spec", "shown"),
    [(0.1234, "+.2f", "+0.12"), (-0.001, "+.2f", "+0.00"), (-0.001, ".2f", "0.00"), (-1234.5, ",.1f", "-1,234.5")],
)
def test_numbers_keep_their_format_and_lose_the_sign_of_nothing(value, spec, shown):
    """What rounds to zero is not negative."""
    assert number(value, spec) == shown


def test_typeset_numbers_have_a_true_minus_and_an_unbreakable_unit():
    """A figure never breaks between number and unit."""
    assert figure(-1.5, ".1f", "bps") == "\N{MINUS SIGN}1.5\N{NO-BREAK SPACE}bps"
    assert percent(0.256) == "26\N{NO-BREAK SPACE}%"


def test_counts_and_moments():
    """Plurals and stamps read like prose."""
    assert plural(1, "trial") == "1 trial"
    assert plural(1200, "trial") == "1,200 trials"
    assert clock(pd.Timestamp("2019-10-01", tz="UTC")) == "2019-10-01 00:00 UTC"
    assert clock(pd.NaT) == UNDEFINED
