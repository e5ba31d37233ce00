"""
What sources say, the fused decision, what became of it, what was sent out, and the page of the run date.
"""

from alpha_pipeline.tables.schema import CLOSE_TIME, FLAG, FLOAT, INT, RUN_DATE, SYMBOL, TEXT, TIME, Table, column

SOURCE_SIGNALS = Table(
    "source_signals",
    (
        CLOSE_TIME,
        SYMBOL,
        column("source", TEXT, "", "price_momentum, volume_breakout, library_factors, sentiment_news, ..."),
        column("value", FLOAT, "[-1, 1]", "direction and strength"),
        column("confidence", FLOAT, "[0, 1]", "how far to trust it"),
        column("reason", TEXT, "", "one readable line"),
    ),
    ("timestamp", "symbol", "source"),
)
FUSED_SIGNAL = Table(
    "fused_signal",
    (
        CLOSE_TIME,
        column("market", TEXT, "", "crypto or equities"),
        SYMBOL,
        column("value", FLOAT, "[-1, 1]", "fused direction and strength"),
        column("confidence", FLOAT, "[0, 1]", "how often such values had the right sign; 0.5 when nothing is known"),
        column("raw_confidence", FLOAT, "[0, 1]", "how sure the sources are, and of the same; not calibrated"),
        column("decision", TEXT, "", "LONG, SHORT or HOLD"),
        column("method", TEXT, "", "fusion method that made the value"),
        column("calibration_bars", INT, "bars", "bars of decision with known outcome that the confidence rests on"),
        column("sources", INT, "", "sources that had something to say"),
        column("coverage", FLOAT, "fraction", "share of the weight table that was available"),
        column("reasons", TEXT, "", "the largest contributions, readable"),
        column("breakdown", TEXT, "JSON", "contribution per source"),
    ),
    ("timestamp", "market", "symbol"),
)
FUSION_COMPARISON = Table(
    "fusion_comparison",
    (
        RUN_DATE,
        column("market", TEXT, "", "crypto or equities"),
        column("method", TEXT, "", "fusion method"),
        column("excluded_source", TEXT, "", "source left out of past and present; empty for none"),
        column("active_factors", FLAG, "", "whether decisions are made by it"),
        column("exclusion_reason", TEXT, "", "why it could not be compared; empty where it was"),
        column("bars", INT, "bars", "bars of decision out of sample"),
        column("decisions", INT, "", "bars and symbols with a known outcome, HOLD included"),
        column("coverage", FLOAT, "fraction", "share of them it had a value for"),
        column("trade_rate", FLOAT, "fraction", "share that was LONG or SHORT"),
        column("hit_rate", FLOAT, "fraction", "share of values with the right sign"),
        column("hit_rate_low", FLOAT, "fraction", "its 95 % interval, by bars"),
        column("hit_rate_high", FLOAT, "fraction", "its 95 % interval, by bars"),
        column("trade_hit_rate", FLOAT, "fraction", "the same of LONG and SHORT"),
        column("trade_hit_rate_low", FLOAT, "fraction", "its 95 % interval, by bars"),
        column("trade_hit_rate_high", FLOAT, "fraction", "its 95 % interval, by bars"),
        column("trade_confidence", FLOAT, "fraction", "mean confidence that LONG and SHORT claimed"),
        column("break_even", FLOAT, "fraction", "hit rate at which a round trip a decision pays its costs"),
        column("brier", FLOAT, "", "mean squared distance of confidence and hit; 0.25 by always saying 0.5"),
        column("log_loss", FLOAT, "", "mean surprise; 0.6931 by always saying 0.5"),
        column("calibration_error", FLOAT, "fraction", "mean distance of confidence and hit rate over buckets"),
        column("rank_ic", FLOAT, "", "mean rank correlation of values and returns across symbols"),
        column("rank_ic_t_stat", FLOAT, "", "its t by Newey and West"),
        column(
            "net_return", FLOAT, "fraction per year", "holding the decisions, after costs; equal capital per symbol"
        ),
        column("sharpe", FLOAT, "", "of that, annualised by the calendar"),
        column("turnover", FLOAT, "fraction per day", "half the weight traded"),
        column("value_annual_return", FLOAT, "fraction per year", "holding every value as a weight, no thresholds"),
        column("value_sharpe", FLOAT, "", "of that, annualised by the calendar"),
        column("value_turnover", FLOAT, "fraction per day", "half the weight traded"),
        column("excess_return", FLOAT, "fraction per day", "net return of decisions more than that of weighted"),
        column("excess_t_stat", FLOAT, "", "its t by Newey and West"),
        column("excess_p_value", FLOAT, "", "one-sided p-value, not yet counted for the number of methods"),
        column("reliability", TEXT, "JSON", "per bucket of confidence: claim, hit rate, interval, decisions, bars"),
    ),
    ("run_date", "market", "method", "excluded_source"),
    time="run_date",
)
DECISION_LEDGER = Table("decision_ledger", FUSED_SIGNAL.columns, FUSED_SIGNAL.keys, append_only=True)
TRACK_RECORD = Table(
    "signal_track_record",
    (
        column("timestamp", TIME, "UTC", "bar at which the outcome was known"),
        column("decided_at", TIME, "UTC", "bar of the decision"),
        column("market", TEXT, "", "crypto or equities"),
        SYMBOL,
        column("decision", TEXT, "", "LONG, SHORT or HOLD"),
        column("value", FLOAT, "[-1, 1]", "fused value at the decision"),
        column("confidence", FLOAT, "[0, 1]", "confidence at the decision"),
        column("forward_return", FLOAT, "fraction", "return from the bar after the decision over the horizon"),
        column("hit", FLOAT, "0 or 1", "the sign of the decision was right; NaN for HOLD"),
        column("net_return", FLOAT, "fraction", "return of the decision after a round trip of costs; 0 for HOLD"),
    ),
    ("timestamp", "market", "symbol", "decided_at"),
    append_only=True,
)
PAPER_LEDGER = Table(
    "paper_ledger",
    (
        column("timestamp", TIME, "UTC", "end of the day the account is marked at"),
        column("market", TEXT, "", "crypto or equities; an account each"),
        column("symbol", TEXT, "", "traded instrument, or (cash)"),
        column("quantity", FLOAT, "units", "held; negative when short; of cash, the quote currency"),
        column("price", FLOAT, "quote currency", "last price known at the mark; 1 for cash"),
        column("priced_at", TIME, "UTC", "bar of that price"),
        column("value", FLOAT, "quote currency", "quantity times price, in whole cents"),
        column("target", FLOAT, "fraction of equity", "weight the last decision aims at"),
        column("decided_at", TIME, "UTC", "bar of that decision; missing before the first"),
        column("ordered", FLOAT, "units", "still to be bought (positive) or sold at the mark: the open order"),
        column("traded", FLOAT, "units", "bought (positive) and sold since the row before"),
        column("trade_price", FLOAT, "quote currency", "price of the last of these trades, before costs; NaN for none"),
        column("costs", FLOAT, "quote currency", "fees and slippage since the row before"),
        column(
            "carry", FLOAT, "quote currency", "funding, dividends and borrow since the row before; paid is negative"
        ),
        column("profit", FLOAT, "quote currency", "of the symbol since the row before, after costs and carry"),
        column("equity", FLOAT, "quote currency", "of the market's account: the sum of its values"),
        column("note", TEXT, "", "why an order is open"),
    ),
    ("timestamp", "market", "symbol"),
    append_only=True,
)
SIGNAL_EXPORT = Table(
    "signal_export",
    (
        RUN_DATE,
        column("path", TEXT, "", "the JSON file of the run date, relative to the lake; CSV and Parquet lie beside it"),
        column("sha256", TEXT, "", "digest of the JSON file"),
        column("signals", INT, "symbols", "decisions in the file"),
    ),
    ("run_date",),
    time="run_date",
)
NIGHTLY_REPORT = Table(
    "nightly_report",
    (
        RUN_DATE,
        column("path", TEXT, "", "the HTML page of the run date, relative to the lake"),
        column("markets", INT, "", "markets with a signal that run date"),
        column("long", INT, "symbols", "LONG decisions"),
        column("short", INT, "symbols", "SHORT decisions"),
        column("hold", INT, "symbols", "HOLD decisions"),
        column("proposed", INT, "factors", "trials of the run date"),
        column("accepted", INT, "factors", "trials admitted to the library"),
        column("pictures", TEXT, "", "PNG charts for mail and chat, relative to the lake, separated by spaces"),
    ),
    ("run_date",),
    time="run_date",
)
