"""The check of the live vendors, on a process that stands in for all of them, and on an address nobody answers at."""

import json
from collections.abc import Iterator

import pytest

from alpha_pipeline.resources.tools.live_check import HEAD, main
from tests.vendors.running import Vendors, vendors

SOURCES = 17
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def running() -> Iterator[Vendors]:
    with vendors() as found:
        yield found


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, running: Vendors, tmp_path_factory: pytest.TempPathFactory) -> None:
    running.order(reset=True)
    monkeypatch.setenv("ALPHA_PIPELINE_VENDORS_URL", running.url)
    monkeypatch.setenv("ALPHA_PIPELINE_DATA__CACHE_FOLDER", str(tmp_path_factory.mktemp("cache")))


def objects(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str, str], dict[str, object]]:
    """The printed JSON by market, kind and source."""
    return {
        (answer["market"], answer["kind"], answer["source"]): answer for answer in json.loads(capsys.readouterr().out)
    }


def test_every_source_answers_for_a_finished_day(capsys: pytest.CaptureFixture[str]) -> None:
    """Listings, bars and each kind of facts of both markets have rows of that day; a metric beyond the plan is told."""
    assert main(["--json", "--day", "2026-10-07"]) == 0
    answers = objects(capsys)
    assert len(answers) == SOURCES and not any(answer["failed"] for answer in answers.values())
    bars = answers["crypto", "ohlcv", "bybit"]
    assert (bars["rows"], bars["first"], bars["last"]) == (48, "2026-10-07 01:00", "2026-10-08 00:00")
    assert answers["equities", "ohlcv", "yahoo"]["first"] == "2026-10-07 20:00"
    assert "whale_balance" in str(answers["crypto", "onchain", "coin_metrics"]["message"])


def test_a_failed_source_is_named_and_the_others_are_requested(
    capsys: pytest.CaptureFixture[str], running: Vendors
) -> None:
    """One vendor answers with a page: its line says so, the exit code too."""
    running.order(path="/coinmetrics", faults=["html"], times=-1)
    assert main(["--day", "2026-10-07"]) == 1
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == HEAD[0] and len(lines) == SOURCES
    assert [line.split()[2] for line in lines if "FAILED" in line] == ["coin_metrics"]
    assert "the answer is no JSON" in next(line for line in lines if "FAILED" in line)


def test_without_a_network_every_source_fails_with_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback: the failure and the address of each source."""
    monkeypatch.setenv("ALPHA_PIPELINE_VENDORS_URL", NOBODY)
    assert main(["--day", "2026-10-07"]) == 1
    captured = capsys.readouterr()
    assert captured.out.count(f"FAILED not reachable: {NOBODY}\n") == SOURCES
    assert "Traceback" not in captured.out + captured.err


@pytest.mark.parametrize(
    ("day", "words"),
    [("yesterday", "expected YYYY-MM-DD"), ("2026-02-31", "expected YYYY-MM-DD"), ("2099-01-01", "not ended")],
)
def test_a_day_that_cannot_be_asked_for_is_a_message(day: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 and a line, before any vendor is asked."""
    assert main(["--day", day]) == 1
    captured = capsys.readouterr()
    assert words in captured.err and captured.out == ""


def test_a_setting_that_is_wrong_is_a_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that is to be left out and does not exist is named."""
    monkeypatch.setenv("ALPHA_PIPELINE_DATA__WITHOUT", "gdlet")
    assert main([]) == 1
    assert "gdlet" in capsys.readouterr().err
