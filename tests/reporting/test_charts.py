"""Every chart: well-formed, safe, NaN-proof, and nothing to show when there is nothing."""

import base64
import re
from functools import partial
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.reporting.charts import bar_chart, funnel_chart, ic_bars, markdown_image, signal_bars
from alpha_pipeline.reporting.curves import _spread, equity_chart, line_chart, price_chart
from alpha_pipeline.reporting.formatting import UNDEFINED
from alpha_pipeline.reporting.heat_map import signal_heat
from alpha_pipeline.reporting.svg import nothing
from alpha_pipeline.tables import FUSED_SIGNAL, METRICS, SOURCE_SIGNALS, TRIALS

SPACE = "{http://www.w3.org/2000/svg}"


def texts(svg):
    """All words a reader sees; parsing proves the drawing well-formed."""
    return [node.text for node in ElementTree.fromstring(svg).iter(f"{SPACE}text")]


@pytest.mark.parametrize("width", [344, 640])
def test_every_chart_is_well_formed_and_inside_its_frame(run_date, width):
    """At both widths nothing starts left of the frame or ends right of it, and no NaN reaches the drawing."""
    record = run_date.record.groupby("timestamp")["net_return"].mean()
    drawn = [
        signal_bars(run_date.fused, width=width),
        signal_heat(run_date.signals["equities"], width=width),
        ic_bars(run_date.metrics["crypto"], width=width),
        funnel_chart(run_date.trials["crypto"], width=width),
        price_chart(run_date.closes["crypto"], width=width),
        equity_chart(record, width=width),
    ]
    for svg in drawn:
        root = ElementTree.fromstring(svg)
        assert "nan" not in re.sub(r"<text.*?</text>|<style.*?</style>|aria-label=\".*?\"", "", svg)
        for box in root.iter(f"{SPACE}rect"):
            if "x" in box.attrib:
                assert float(box.get("x")) >= 0
                assert float(box.get("x")) + float(box.get("width")) <= width + 0.1
        assert all(0 <= float(t.get("x")) <= width for t in root.iter(f"{SPACE}text"))
        assert len(svg) < 80_000


@pytest.mark.parametrize(
    "draw",
    [
        partial(bar_chart, [], [], "t"),
        partial(signal_bars, FUSED_SIGNAL.empty()),
        partial(signal_heat, SOURCE_SIGNALS.empty()),
        partial(ic_bars, METRICS.empty()),
        partial(funnel_chart, TRIALS.empty()),
        partial(price_chart, pd.DataFrame()),
        partial(line_chart, pd.DataFrame({"a": [np.nan] * 3}, index=pd.date_range("2019", periods=3, tz="UTC")), "t"),
        partial(equity_chart, pd.Series(dtype=float)),
        partial(equity_chart, pd.Series([np.nan], index=pd.date_range("2019", periods=1, tz="UTC"))),
    ],
)
def test_nothing_is_drawn_as_such(draw):
    """An empty frame gives a small picture that says so, never an error."""
    assert any(words.startswith(("nothing to show", "no ")) for words in texts(draw()))


def test_untrusted_names_are_inert():
    """A factor called like a tag is drawn as its own text."""
    shown = texts(bar_chart(['<script>alert("1")</script>', "a&b"], [1.0, -1.0], "<i>t</i>"))
    assert {"a&b", "<i>t</i>"} <= set(shown)
    assert any(words.startswith("<script>") for words in shown)


def test_bars_show_undefined_values_as_a_dash_and_stop_at_the_limits():
    """NaN has a row and no bar; a value beyond the axis does not leave the picture."""
    svg = bar_chart(["a", "b"], [np.nan, 7.0], "t", limits=(-1.0, 1.0))
    assert UNDEFINED in texts(svg)
    assert svg.count('class="f-long"') == 1


def test_signal_bars_take_the_latest_bar_and_name_the_decision(run_date):
    """One row per symbol although two bars are stored; the decision is written, not only coloured."""
    crypto = run_date.fused[run_date.fused["market"] == "crypto"]
    shown = texts(signal_bars(crypto))
    assert shown.count("BTCUSDT") == 1
    latest = crypto.groupby("symbol").tail(1)
    assert sum(bool(re.fullmatch(r"(LONG|SHORT|HOLD) \d+\xa0%", words)) for words in shown) == len(latest)


def test_signal_bars_choose_the_strongest_of_many(run_date):
    """A hundred symbols become the ones with something to say, and the title line says so."""
    shown = texts(signal_bars(run_date.fused, most=10))
    assert "10 strongest of 105 symbols; confidence in %" in shown


def test_heat_follows_the_order_it_is_given(run_date):
    """Rows stand where the reader just met them in the bars."""
    shown = texts(signal_heat(run_date.signals["crypto"], symbols=["XRPUSDT", "BTCUSDT", "ABSENT"]))
    assert [words for words in shown if words.endswith("USDT")] == ["XRPUSDT", "BTCUSDT"]


def test_ic_labels_drop_the_digits_unless_two_would_look_alike(run_date):
    """Names are for reading; identity stays where it is needed."""
    rows = run_date.metrics["crypto"].tail(2)
    assert any(words == "volume surge" for words in texts(ic_bars(rows)))
    twins = rows.assign(factor_id=["idea_aaaaaaaa", "idea_bbbbbbbb"])
    assert {"idea_aaaaaaaa", "idea_bbbbbbbb"} <= set(texts(ic_bars(twins)))


def test_funnel_chart_labels_the_control(run_date):
    """A random grammar is never taken for a model."""
    shown = texts(funnel_chart(run_date.trials["crypto"]))
    assert "model SmolLM2-135M" in shown
    assert "random grammar (control, no model)" in shown
    assert "36 proposals, 3 accepted" in shown


def test_prices_start_at_one_hundred():
    """Each line is indexed to its own first close, also when that comes later."""
    closes = pd.DataFrame(
        {"a": [50.0, 100.0, 75.0], "b": [np.nan, 10.0, 10.0]}, index=pd.date_range("2019-01-01", periods=3, tz="UTC")
    )
    shown = texts(price_chart(closes))
    assert {"a", "b", "100", "200"} <= set(shown)


def test_equity_counts_the_starting_capital_in_the_drawdown():
    """A loss on the first bar is a drawdown."""
    index = pd.date_range("2019-01-01", periods=3, tz="UTC")
    shown = texts(equity_chart(pd.Series([-0.1, np.nan, 0.1], index=index)))
    assert "total \N{MINUS SIGN}1.0\xa0%, max drawdown \N{MINUS SIGN}10.0\xa0%" in shown


def test_line_names_do_not_overlap():
    """Names of lines that end together are moved apart, inside the field."""
    placed = sorted(_spread([100.0, 100.0, 101.0, 290.0, 299.0], 50.0, 300.0))
    assert np.diff(placed).min() >= 14.0 - 1e-9
    assert placed[0] >= 50
    assert placed[-1] <= 300


def test_markdown_image_carries_the_chart_and_nothing_live():
    """The alternative text cannot end the image and start a link."""
    svg = nothing("t")
    image = markdown_image(svg, "x](http://e.vil)![<b>\n`y`")
    words, data = image.removesuffix(")").split("](data:image/svg+xml;base64,")
    assert base64.b64decode(data).decode() == svg
    assert words == "![xhttp://e.vilb y"
