"""
Tables of raw data with the time each row became available, the panel, and data coverage.
"""

from alpha_pipeline.tables.schema import (
    AVAILABLE_AT,
    CLOSE_TIME,
    EVENT_TIME,
    FLOAT,
    INT,
    RUN_DATE,
    SYMBOL,
    TEXT,
    TIME,
    Table,
    column,
)

OHLCV = (
    CLOSE_TIME,
    SYMBOL,
    AVAILABLE_AT,
    column("open", FLOAT, "quote currency", "first price; NaN where the source has none"),
    column("high", FLOAT, "quote currency", "highest price; NaN where the source has none"),
    column("low", FLOAT, "quote currency", "lowest price; NaN where the source has none"),
    column("close", FLOAT, "quote currency", "last price"),
    column("volume", FLOAT, "units of the symbol", "traded volume"),
)

# Raw tables are partitioned by the day of `available_at`: reading days up to a run date gives the data as of that date.
# A revision by a vendor is a row of its own with a later `available_at`, which therefore is a key.
RAW_OHLCV = Table("raw_ohlcv", OHLCV, ("available_at", "timestamp", "symbol"), open_ended=True, time="available_at")
OHLCV_HISTORY = Table("ohlcv_history", OHLCV, ("timestamp", "symbol"), open_ended=True)
RAW_FUNDING = Table(
    "raw_funding",
    (
        EVENT_TIME,
        SYMBOL,
        AVAILABLE_AT,
        column("funding", FLOAT, "fraction of notional", "funding rate paid at this stamp"),
    ),
    ("available_at", "timestamp", "symbol"),
    time="available_at",
)
RAW_DERIVATIVES = Table(
    "raw_derivatives",
    (
        EVENT_TIME,
        SYMBOL,
        AVAILABLE_AT,
        column("open_interest", FLOAT, "units of the symbol", "contracts open; NaN where unknown"),
        column("book_imbalance", FLOAT, "[-1, 1]", "(bids - asks) / (bids + asks) of a live snapshot; NaN in history"),
    ),
    ("available_at", "timestamp", "symbol"),
    time="available_at",
)
RAW_NEWS = Table(
    "raw_news",
    (
        EVENT_TIME,
        SYMBOL,
        AVAILABLE_AT,
        column("url", TEXT, "", "address of the item"),
        column("title", TEXT, "", "headline, untrusted text"),
        column("news_sentiment", FLOAT, "[-1, 1]", "score of the headline; NaN when unscored"),
    ),
    ("available_at", "timestamp", "symbol", "url"),
    time="available_at",
)
RAW_SOCIAL = Table(
    "raw_social",
    (
        EVENT_TIME,
        SYMBOL,
        AVAILABLE_AT,
        column("source", TEXT, "", "that counted the posts; counts of several sources add up"),
        column("posts", FLOAT, "posts", "posts in the interval"),
        column("social_sentiment", FLOAT, "[-1, 1]", "mean score of the posts"),
    ),
    ("available_at", "timestamp", "symbol", "source"),
    time="available_at",
)
RAW_ONCHAIN = Table(
    "raw_onchain",
    (EVENT_TIME, SYMBOL, AVAILABLE_AT),
    ("available_at", "timestamp", "symbol"),
    open_ended=True,
    several_vendors=True,
    time="available_at",
)
LISTING = (
    column("timestamp", TIME, "UTC", "of the listing; a second row has the delisting"),
    SYMBOL,
    AVAILABLE_AT,
    column("listed_at", TIME, "UTC", "first time it could be traded"),
    column("delisted_at", TIME, "UTC", "last time it could be traded; NaT in the row of the listing"),
    column(
        "status",
        TEXT,
        "",
        "Trading in the row of the listing; in that of the delisting the vendor's status, such as Closed",
    ),
    column("base", TEXT, "", "base currency, such as BTC"),
    column("quote", TEXT, "", "currency of its prices, such as USDT"),
    column("funding_interval_minutes", FLOAT, "min", "between settlements, current value; NaN without funding"),
    column("tick_size", FLOAT, "quote currency", "current smallest price step; NaN where unknown"),
)
LISTINGS = Table("listings", LISTING, ("timestamp", "symbol"))  # as a source returns it; stored by day
RAW_INSTRUMENTS = Table("raw_instruments", (RUN_DATE, *LISTING), ("run_date", "timestamp", "symbol"), time="run_date")
RAW_ADJUSTMENTS = Table(
    "raw_adjustments",
    (
        CLOSE_TIME,
        SYMBOL,
        AVAILABLE_AT,
        column("adjusted_close", FLOAT, "quote currency", "close adjusted for later splits and dividends"),
        column("dividend", FLOAT, "quote currency", "per share held before this session; 0 without one"),
        column("split", FLOAT, "shares", "new shares per old share from this session on; 0 without one"),
    ),
    ("available_at", "timestamp", "symbol"),
    time="available_at",
)
MARKET_PANEL = Table("market_panel", (CLOSE_TIME, SYMBOL), ("timestamp", "symbol"), open_ended=True)
DATA_COVERAGE = Table(
    "data_coverage",
    (
        RUN_DATE,
        column("source", TEXT, "", "ohlcv, funding, news, ...: the raw table without `raw_`"),
        column("status", TEXT, "", "present, late, absent, or closed on a day without a session"),
        column("rows", INT, "rows", "that became available on the run date"),
        column("symbols", INT, "symbols", "with a row available on the run date"),
        column("symbols_due", INT, "symbols", "traded"),
        column("share", FLOAT, "fraction", "of the bars due; of the symbols for other sources; NaN where none is due"),
        column(
            "carried", INT, "bars", "due but missing, with the last close carried in the panel; 0 for other sources"
        ),
        column("missing", INT, "bars", "due but missing, and not carried; 0 for other sources"),
        column("last_known", TIME, "UTC", "when the newest row became available; empty without any in the look-back"),
        column("age_hours", FLOAT, "h", "of the newest row at the end of the run date; NaN without any"),
        column("rejected_rows", INT, "rows", "of the run date that failed validation and are in quarantine"),
        column("reason", TEXT, "", "why the source has no rows, where known"),
    ),
    ("run_date", "source"),
    time="run_date",
)
