"""Tear sheets: the same bytes for the same factor, hostile texts inert, nothing undefined an error."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from alpha_pipeline.backtesting import Bars, FactorStudy, study_factor
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.reporting.sheet import Sheet
from alpha_pipeline.reporting.sheet_page import tear_sheet_page, tear_sheet_png

HOSTILE = '<script>alert(1)</script> $\\frac{ \x1b[31m "quoted" & \u202e' + "x" * 3_000


def random_study(bars: int = 300, values: np.ndarray | None = None) -> FactorStudy:
    """A worthless factor on random walks."""
    rng = np.random.default_rng(5)
    times = pd.date_range("2018-01-01 21:00", periods=bars, freq="B").to_numpy("datetime64[us]")
    fields = {"close": 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (bars, 8)), axis=0)), "volume": np.ones((bars, 8))}
    values = rng.normal(size=(bars, 8)) if values is None else values
    return study_factor(
        values, Bars.of(Panel(times, tuple("ABCDEFGH"), fields), EQUITIES), cutoff=pd.Timestamp("2018-06-01", tz="UTC")
    )


def sheet(found: FactorStudy, **more: object) -> Sheet:
    """A sheet with plain words, unless said otherwise."""
    plain = {
        "name": "calm reversal", "factor_id": "calm_12345678", "expression": "-ts_zscore(close, 20)",
        "market": EQUITIES, "run_date": pd.Timestamp("2019-09-30", tz="UTC"), "segment": "validation, 2018 to 2019",
        "study": found, "measures": {"sharpe": 1.234, "rank_ic": 0.0567, "max_drawdown": -0.125},
        "correlations": {"other_aaaaaaaa": 0.4}, "funnel": [("proposed", 500), ("type_valid", 90), ("accepted", 2)],
        "stage": "accepted", "provenance": [("proposer", "model"), ("prompt", "You are\na researcher")],
        "notes": ["Chosen on these bars."],
    }  # fmt: skip
    return Sheet(**{**plain, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def found() -> FactorStudy:
    """One study for all."""
    return random_study()


def test_the_same_sheet_is_the_same_bytes(found: FactorStudy) -> None:
    """A picture of the stated size."""
    picture = tear_sheet_png(sheet(found))
    assert picture == tear_sheet_png(sheet(found))
    assert Image.open(BytesIO(picture)).size == (1590, 2190)


def test_the_page_says_what_was_measured_and_where_it_comes_from(found: FactorStudy) -> None:
    """Headline numbers, parts, protocol, funnel, prompt."""
    page = tear_sheet_page(sheet(found))
    numbers = ("+1.23", "+0.0567", "\u221212.5", "proposed 500", "20 bps", "365 days")
    said = ("calm reversal", "You are\na researcher", "more traded half", "after the model&#x27;s cutoff", "Chosen on")
    for words in (*numbers, *said):
        assert words in page, words
    assert 'src="data:image/png;base64,' in page and "http://" not in page


def test_hostile_texts_stay_texts(found: FactorStudy) -> None:
    """Drawn and escaped wherever a model may write."""
    page = tear_sheet_page(sheet(found, name=HOSTILE, expression=HOSTILE, provenance=[("prompt", HOSTILE)] * 2,
                                 correlations={HOSTILE: 0.2}))  # fmt: skip
    assert "<script" not in page and "\x1b" not in page and "\u202e" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bars", [300, 30])
def test_what_is_undefined_is_said_so(bars: int) -> None:
    """Nothing held, nothing measured, no other factor: a sheet nevertheless, without a warning."""
    empty = random_study(bars, np.full((bars, 8), np.nan))
    page = tear_sheet_page(sheet(empty, measures={}, correlations={}, funnel=[], provenance=[], notes=[]))
    assert page.count("\u2013") > 20
