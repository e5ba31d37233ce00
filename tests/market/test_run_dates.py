"""Run dates of the graph."""

from datetime import UTC, datetime, timedelta

import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.market.run_dates import end_day, first_day, last_run_date, require_run_date


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOURCE", "FIRST_DAY", "END_DAY"):
        monkeypatch.delenv(f"ALPHA_PIPELINE_{name}", raising=False)


def test_the_embedded_graph_ends_with_its_prices() -> None:
    """Three months of 2019."""
    assert (first_day(), end_day(), last_run_date()) == ("2019-07-01", "2019-10-01", "2019-09-30")
    assert require_run_date("2019-07-01") == "2019-07-01"


def test_a_live_graph_goes_on_until_yesterday(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day that is not over is no run date."""
    monkeypatch.setenv("ALPHA_PIPELINE_SOURCE", "live")
    assert end_day() is None
    assert last_run_date() == str(datetime.now(UTC).date() - timedelta(days=1))


@pytest.mark.parametrize(
    ("run_date", "message"),
    [
        (
            "2035-01-01",
            "run date 2035-01-01 is after the last day of the graph; it has the days 2019-07-01 ... 2019-09-30",
        ),
        ("2019-06-30", "lies before the first day"),
        ("yesterday", "run date 'yesterday' is not a day; expected YYYY-MM-DD"),
        ("2019-13-45", "is not a day"),
        ("20190801", "is not a day"),
    ],
)
def test_an_invalid_run_date_is_refused(run_date: str, message: str) -> None:
    """The message has the run date and the valid days."""
    with pytest.raises(SettingError) as error:
        require_run_date(run_date)
    assert message in str(error.value)


def test_a_wrong_end_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its setting."""
    monkeypatch.setenv("ALPHA_PIPELINE_END_DAY", "soon")
    with pytest.raises(SettingError) as error:
        last_run_date()
    assert "ALPHA_PIPELINE_END_DAY is 'soon'" in str(error.value)
