"""The headline in a reason: available by the bar, of the symbol, strongest in the direction of the value, cleaned."""

import numpy as np
import pandas as pd

from alpha_pipeline.fusion.fused_signal import fuse
from alpha_pipeline.market.markets import CRYPTO
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.signals.generation import source_signals
from alpha_pipeline.tables import FACTOR_VALUES, LIBRARY, METRICS, RAW_NEWS

END = pd.Timestamp("2019-07-03", tz="UTC")
START = END - pd.Timedelta(days=1)
LATE = END + pd.Timedelta(seconds=1)
NO_LIBRARY = (FACTOR_VALUES.empty(), LIBRARY.empty(), METRICS.empty())


def news(*items: tuple[str, float, str, str]) -> pd.DataFrame:
    """Items (symbol, score, time known, title); published an hour before, each with its own address."""
    available = pd.to_datetime([item[2] for item in items], utc=True, format="ISO8601")
    table = pd.DataFrame(
        {
            "timestamp": available - pd.Timedelta(hours=1),
            "symbol": [item[0] for item in items],
            "available_at": available,
            "url": [f"https://www.example.com/{i}" for i in range(len(items))],
            "title": [item[3] for item in items],
            "news_sentiment": [item[1] for item in items],
        }
    )
    return RAW_NEWS.conform(table).to_pandas()


def reasons(items: pd.DataFrame | None, sentiment: float = 0.4) -> pd.Series:
    """Reasons of the news at the last bar, by symbol; B is moved the other way."""
    times = pd.date_range(START, END, freq="h", inclusive="right").tz_localize(None).to_numpy("datetime64[us]")
    fields = {"news_sentiment": np.tile([sentiment, -sentiment], (24, 1)), "news_count": np.full((24, 2), 3.0)}
    quotes = source_signals(Panel(times, ("A", "B"), fields), *NO_LIBRARY, CRYPTO, START, END, items)
    assert set(quotes["source"]) == {"sentiment_news"}
    return quotes.set_index("symbol")["reason"]


ITEMS = (
    ("A", 0.5, "2019-07-02 12:00", "Coin gains"),
    ("A", 0.8, "2019-07-02 13:00", "Coin surges"),
    ("A", -0.9, "2019-07-02 14:00", "Coin hacked"),
    ("B", -0.3, "2019-07-02 14:00", "Other coin slips"),
    ("A", np.nan, "2019-07-02 15:00", "Coin exists"),
)


def test_the_strongest_headline_is_quoted() -> None:
    """Of the symbol, in the direction of the sentiment; with its host and score."""
    quotes = reasons(news(*ITEMS))
    assert quotes["A"] == '"Coin surges" (example.com, +0.80), mean sentiment of the day\'s headlines: +0.40'
    assert quotes["B"] == '"Other coin slips" (example.com, -0.30), mean sentiment of the day\'s headlines: -0.40'
    assert reasons(news(*ITEMS), sentiment=-0.4)["A"].startswith('"Coin hacked" (example.com, -0.90)')
    assert reasons(news(*ITEMS), sentiment=0.0)["A"].startswith('"Coin hacked" (example.com, -0.90)')


def test_only_available_headlines_are_quoted() -> None:
    """A headline one second late, one older than a day and a later revision are not quoted."""
    plain = reasons(None)
    assert plain["A"] == "mean sentiment of the day's headlines: +0.40"
    late = news(("A", 0.9, str(LATE), "Tomorrow"), ("A", 0.9, "2019-07-01 23:00", "Yesterday"))
    pd.testing.assert_series_equal(reasons(late), plain)
    pd.testing.assert_series_equal(reasons(RAW_NEWS.empty()), plain)
    twice = pd.concat([news(ITEMS[0]), news(("A", 0.99, "2019-07-02 16:00", "Coin soars (edited)"))])
    assert reasons(twice)["A"].startswith('"Coin gains" (example.com, +0.50)')


def test_a_title_stays_one_short_plain_line() -> None:
    """Control and bidi characters are removed and the text truncated; markup is escaped at display."""
    nasty = "\x1b[31m<b>\u202eevil</b>\n| `x` | " + "long " * 60
    reason = reasons(news(("A", 0.9, "2019-07-02 12:00", nasty)))["A"]
    assert reason.startswith('"[31m<b>evil</b> | `x` | long')
    assert "…" in reason and len(reason) < 180 and reason.isprintable()


def test_an_invalid_address_is_no_error() -> None:
    """The title is quoted without a host."""
    for url in ("http://[::1", "http://a\uff03@b/"):
        assert reasons(news(ITEMS[0]).assign(url=url))["A"].startswith('"Coin gains" (, +0.50)')


def test_the_decision_lists_the_headline() -> None:
    """The fused row says which headline moved it, first where it moved most."""
    times = pd.date_range(START, END, freq="h", inclusive="right").tz_localize(None).to_numpy("datetime64[us]")
    fields = {"news_sentiment": np.full((24, 1), 0.4), "news_count": np.full((24, 1), 3.0)}
    quotes = source_signals(Panel(times, ("A",), fields), *NO_LIBRARY, CRYPTO, START, END, news(*ITEMS))
    reason = fuse({"crypto": quotes})["reasons"].iloc[0]
    assert reason.startswith('sentiment_news +0.40 ("Coin surges" (example.com, +0.80), mean sentiment')
