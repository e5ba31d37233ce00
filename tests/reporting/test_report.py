"""The nightly page: complete, self-contained, safe."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline import tables
from alpha_pipeline.market.markets import CRYPTO, MARKETS
from alpha_pipeline.reporting.formatting import UNDEFINED
from alpha_pipeline.reporting.report import nightly_page
from alpha_pipeline.reporting.sections import MarketReport

VOID = {"meta", "br", "rect", "path"}
RUN_DATE = pd.Timestamp("2019-09-30", tz="UTC")
NASTY = '<script>alert("x")</script>\' onload=x \u202egnp.exe\u202c שלום \x1b[31m ' + "verylong" * 40


class Page(HTMLParser):
    """What a browser would see: tags that balance, attributes, words."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], set(), [], []
        self.feed(page)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def coverage(reason, status="absent", source="funding"):
    """One source as `data_coverage` tells of it."""
    row = {"run_date": RUN_DATE, "source": source, "status": status, "rows": 0, "symbols": 0, "symbols_due": 5,
           "share": np.nan, "carried": 0, "missing": 0, "last_known": RUN_DATE, "age_hours": 30.0, "rejected_rows": 0,
           "reason": reason}  # fmt: skip
    return tables.DATA_COVERAGE.conform(pd.DataFrame([row])).to_pandas()


def markets(run_date, **changes):
    """The run date's frames as the page takes them."""
    return [
        MarketReport(
            m,
            **{
                "trials": run_date.trials[m.name],
                "library": run_date.library[m.name],
                "metrics": run_date.metrics[m.name],
                "signals": run_date.signals[m.name],
                "closes": run_date.closes[m.name],
                "coverage": coverage("no funding rates are embedded") if m is CRYPTO else coverage("", "present"),
                "notes": ("two symbols had no close",),
                **changes,
            },
        )
        for m in MARKETS
    ]


@pytest.fixture(scope="module")
def page(run_date):
    """The page of the seeded run date."""
    return nightly_page(run_date.run_date, run_date.fused, run_date.record, markets(run_date))


def test_the_page_is_balanced_and_holds_every_chapter(page):
    """Every opened tag is closed, every link of the navigation has its target."""
    seen = Page(page)
    assert seen.open == []
    targets = {value for name, value in seen.attributes if name == "id"}
    assert {value[1:] for name, value in seen.attributes if name == "href"} == targets
    assert targets == {"decisions", "fusion", "record", "mining", "library", "decay", "cost", "data", "method"}


def test_the_page_loads_and_runs_nothing(page):
    """No script, no address, no handler; the policy forbids them besides."""
    seen = Page(page)
    assert not seen.tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    names = {name for name, _ in seen.attributes}
    assert not {name for name in names if name.startswith("on")} | names & {"src", "xlink:href"}
    assert not re.findall(r"https?://", page.replace("http://www.w3.org/2000/svg", ""))
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page


def test_the_page_answers_the_morning_questions(page, run_date):
    """What, why, what was refused, from whom, what was absent, how it went, what the numbers mean."""
    settled = int(run_date.record["hit"].notna().sum())
    text = Page(page).text
    for words in (
        "15 of 105 symbols are LONG or SHORT",
        "4 of 54 proposed factors were admitted",
        "proposed by model SmolLM2-135M",
        "proposed by random grammar (control, no model)",
        "price_momentum",
        "type: price + volume have different units",
        "no funding rates are embedded",
        "two symbols had no close",
        f"hit rate of {settled} past decisions",
        "10 bps fee and 5 bps slippage",
        "The holdout is sealed",
        "next bar",
    ):
        assert words in text, words


def test_hostile_texts_stay_texts(run_date):
    """Whatever a model or a headline wrote, no markup, no control character and no override comes alive."""
    trials = run_date.trials["crypto"].assign(name=NASTY, rationale=NASTY, reason=NASTY, canonical=NASTY, model=NASTY)
    library = run_date.library["crypto"].assign(name=NASTY, reason=NASTY, expression=NASTY, status=NASTY)
    metrics = run_date.metrics["crypto"].assign(factor_id=NASTY, status=NASTY)
    signals = run_date.signals["crypto"].assign(source=NASTY).drop_duplicates("symbol")
    fused = run_date.fused.assign(reasons=NASTY)
    fused.loc[fused["symbol"] == "BTCUSDT", ["symbol", "decision"]] = NASTY
    hostile = markets(
        run_date,
        trials=trials,
        library=library,
        metrics=metrics,
        signals=signals,
        coverage=coverage(NASTY, "late", NASTY),
        notes=(NASTY,),
    )
    page = nightly_page(run_date.run_date, fused, run_date.record, hostile)
    seen = Page(page)
    assert seen.open == []
    assert "script" not in seen.tags
    assert not {name for name, _ in seen.attributes if name.startswith("on")}
    assert not set(page) & set("\u202e\u202c\x1b")
    assert "שלום" in seen.text


def test_a_control_night_is_labelled_as_such(run_date):
    """Only the random grammar proposed: the page says so before anything else."""
    trials = run_date.trials["crypto"].assign(proposer="random_grammar", model="")
    text = Page(nightly_page(run_date.run_date, run_date.fused, run_date.record, markets(run_date, trials=trials))).text
    assert text.index("drawn at random from the grammar") < text.index("Decisions")
    assert "proposed by model" not in text


def test_undefined_numbers_show_as_dashes(run_date):
    """No nan, no None, no inf reaches a reader."""
    metrics = run_date.metrics["crypto"].copy()
    metrics[metrics.select_dtypes("float").columns] = np.nan
    fused = run_date.fused.assign(value=np.nan, confidence=np.nan, coverage=np.nan)
    text = Page(nightly_page(run_date.run_date, fused, run_date.record, markets(run_date, metrics=metrics))).text
    assert not re.findall(r"\b(nan|None|inf|NaT)\b", text)
    assert UNDEFINED in text


def test_an_empty_night_is_a_page(run_date):
    """First run date, no model, no outcome yet: every chapter says so."""
    empty = [
        MarketReport(
            m,
            tables.TRIALS.empty(),
            tables.LIBRARY.empty(),
            tables.METRICS.empty(),
            tables.SOURCE_SIGNALS.empty(),
            pd.DataFrame(),
        )
        for m in MARKETS
    ]
    text = Page(nightly_page(run_date.run_date, tables.FUSED_SIGNAL.empty(), tables.TRACK_RECORD.empty(), empty)).text
    for words in ("No signal was stored", "no proposals that run date", "library is empty", "No past decision has an"):
        assert words in text
    with_signal = Page(nightly_page(run_date.run_date, run_date.fused, tables.TRACK_RECORD.empty(), empty)).text
    assert "No coverage was measured" in with_signal


def test_what_needs_attention_stands_first(run_date):
    """Late sources, quarantined rows, unanswered questions and a budget nearly used, before any chapter."""
    late = coverage("", "late").assign(rejected_rows=3)
    trials = run_date.trials["crypto"].assign(prompt_tokens=100_000)
    trials.loc[0, "verdict"] = tables.UNANSWERED
    text = Page(
        nightly_page(
            run_date.run_date, run_date.fused, run_date.record, markets(run_date, coverage=late, trials=trials)
        )
    ).text
    head = text[: text.index("The sum of the source contributions")]
    for words in (
        "funding is late",
        "3 rows failed validation",
        "1 request to the model",
        "of 200,000 tokens on the run date",
    ):
        assert words in head, words
    calm = markets(run_date, coverage=coverage("", "present"))
    assert (
        "The run completed without issues"
        in Page(nightly_page(run_date.run_date, run_date.fused, run_date.record.iloc[:0], calm)).text
    )


def test_the_headline_behind_a_decision_is_quoted(run_date):
    """The one with the strongest sentiment about the symbol, and only where news added something."""
    news = pd.DataFrame([
        {"timestamp": RUN_DATE, "symbol": "BTCUSDT", "available_at": RUN_DATE, "title": title,
         "news_sentiment": sentiment}
        for title, sentiment in (("Calm seas", 0.1), ("Exchange robbed", -0.8), ("No sentiment", np.nan))
    ])  # fmt: skip
    fused = run_date.fused.assign(breakdown='{"sentiment_news": -0.4}')
    text = Page(nightly_page(run_date.run_date, fused, run_date.record, markets(run_date, headlines=news))).text
    assert "Strongest headline (\u22120.80): “Exchange robbed”" in text
    assert "Calm seas" not in text
    silent = Page(
        nightly_page(run_date.run_date, run_date.fused, run_date.record, markets(run_date, headlines=news))
    ).text
    assert "Exchange robbed" not in silent


def test_decay_is_told_where_it_was_measured(run_date):
    """Live against expected rank IC, half-life, since when and why."""
    life = {
        "live_rank_ic": 0.001,
        "expected_rank_ic": 0.02,
        "live_t_stat": 0.3,
        "half_life_days": 12.0,
        "status_since": RUN_DATE,
    }
    library = run_date.library["crypto"].assign(**life)
    text = Page(
        nightly_page(run_date.run_date, run_date.fused, run_date.record, markets(run_date, library=library))
    ).text
    for words in ("changed to probation on the run date", "+0.001", "+0.020", "30 September 2019"):
        assert words in text, words
