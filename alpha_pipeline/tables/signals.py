"""
Tables of signals, decisions, outcomes, exports and the nightly report.
"""

from alpha_pipeline.tables.schema import CLOSE_TIME, FLAG, FLOAT, INT, RUN_DATE, SYMBOL, TEXT, TIME, Table, column

SOURCE_SIGNALS = Table(
    "source_signals",
    (
        CLOSE_TIME,
        SYMBOL,
        column("source", TEXT, "", "price_momentum, volume_breakout, library_factors, sentiment_news, ..."),
        column("value", FLOAT, "[-1, 1]", "direction and strength"),
        column("confidence", FLOAT, "[0, 1]", "confidence of the source"),
        column("reason", TEXT, "", "one line of text"),
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
        column("confidence", FLOAT, "[0, 1]", "expected hit rate; 0.5 when uncalibrated"),
        column("raw_confidence", FLOAT, "[0, 1]", "confidence and agreement of the sources, before calibration"),
        column("decision", TEXT, "", "LONG, SHORT or HOLD"),
        column("method", TEXT, "", "fusion method of the value"),
        column("calibration_bars", INT, "bars", "bars of decision with known outcome behind the calibration"),
        column("active_sources", INT, "", "sources with a signal"),
        column("coverage", FLOAT, "fraction", "active share of the weight table"),
        column("reasons", TEXT, "", "the largest contributions as text"),
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
        column("excluded_source", TEXT, "", "source left out of training and prediction; empty for none"),
        column("active", FLAG, "", "whether it makes the decisions"),
        column("exclusion_reason", TEXT, "", "why it could not be compared; else empty"),
        column("bars", INT, "bars", "bars of decision out of sample"),
        column("decisions", INT, "", "bars and symbols with a known outcome, HOLD included"),
        column("coverage", FLOAT, "fraction", "share with a value"),
        column("trade_rate", FLOAT, "fraction", "share of LONG and SHORT"),
        column("hit_rate", FLOAT, "fraction", "share of values with the right sign"),
        column("hit_rate_low", FLOAT, "fraction", "95 % confidence interval, clustered by bar"),
        column("hit_rate_high", FLOAT, "fraction", "95 % confidence interval, clustered by bar"),
        column("trade_hit_rate", FLOAT, "fraction", "hit rate of LONG and SHORT"),
        column("trade_hit_rate_low", FLOAT, "fraction", "95 % confidence interval, clustered by bar"),
        column("trade_hit_rate_high", FLOAT, "fraction", "95 % confidence interval, clustered by bar"),
        column("trade_confidence", FLOAT, "fraction", "mean confidence of LONG and SHORT"),
        column("break_even", FLOAT, "fraction", "hit rate at which a round trip per decision breaks even"),
        column("brier", FLOAT, "", "mean squared difference of confidence and hit; 0.25 for a constant 0.5"),
        column("log_loss", FLOAT, "", "mean negative log likelihood; 0.6931 for a constant 0.5"),
        column("calibration_error", FLOAT, "fraction", "mean absolute difference of confidence and hit rate over bins"),
        column("rank_ic", FLOAT, "", "mean rank correlation of values and forward returns across symbols"),
        column("rank_ic_t_stat", FLOAT, "", "Newey-West t-statistic"),
        column("annual_return", FLOAT, "fraction per year", "of the decisions, after costs; equal capital per symbol"),
        column("sharpe", FLOAT, "", "of the decisions, annualised by the calendar"),
        column("turnover", FLOAT, "fraction per day", "half the weight traded"),
        column(
            "value_annual_return",
            FLOAT,
            "fraction per year",
            "of every value held as a weight, no thresholds, after costs",
        ),
        column("value_sharpe", FLOAT, "", "of the values, annualised by the calendar"),
        column("value_turnover", FLOAT, "fraction per day", "half the weight traded"),
        column(
            "excess_return", FLOAT, "fraction per day", "mean daily return of the decisions above that of `weighted`"
        ),
        column("excess_t_stat", FLOAT, "", "Newey-West t-statistic"),
        column("excess_p_value", FLOAT, "", "one-sided p-value, before correction for the number of methods"),
        column(
            "reliability", TEXT, "JSON", "per bin of confidence: mean confidence, hit rate, interval, decisions, bars"
        ),
    ),
    ("run_date", "market", "method", "excluded_source"),
    time="run_date",
)
DECISION_LEDGER = Table("decision_ledger", FUSED_SIGNAL.columns, FUSED_SIGNAL.keys, append_only=True)
TRACK_RECORD = Table(
    "signal_track_record",
    (
        column("timestamp", TIME, "UTC", "bar at which the outcome became known"),
        column("decided_at", TIME, "UTC", "bar of the decision"),
        column("market", TEXT, "", "crypto or equities"),
        SYMBOL,
        column("decision", TEXT, "", "LONG, SHORT or HOLD"),
        column("value", FLOAT, "[-1, 1]", "fused value at the decision"),
        column("confidence", FLOAT, "[0, 1]", "confidence at the decision"),
        column("forward_return", FLOAT, "fraction", "return from the bar after the decision over the horizon"),
        column("hit", FLOAT, "0 or 1", "whether the sign of the decision was right; NaN for HOLD"),
        column("net_return", FLOAT, "fraction", "return of the decision after a round trip of costs; 0 for HOLD"),
    ),
    ("timestamp", "market", "symbol", "decided_at"),
    append_only=True,
)
PAPER_LEDGER = Table(
    "paper_ledger",
    (
        column("timestamp", TIME, "UTC", "end of the day, time of the mark"),
        column("market", TEXT, "", "crypto or equities; one account each"),
        column("symbol", TEXT, "", "traded instrument, or (cash)"),
        column("quantity", FLOAT, "units", "position; negative when short; of cash, the quote currency"),
        column("price", FLOAT, "quote currency", "last price at the mark; 1 for cash"),
        column("priced_at", TIME, "UTC", "bar of that price"),
        column("value", FLOAT, "quote currency", "quantity times price, in whole cents"),
        column("target", FLOAT, "fraction of equity", "target weight of the last decision"),
        column("decided_at", TIME, "UTC", "bar of that decision; missing before the first"),
        column("ordered", FLOAT, "units", "open order at the mark; positive to buy"),
        column("traded", FLOAT, "units", "traded since the previous mark; positive for buys"),
        column("trade_price", FLOAT, "quote currency", "price of the last trade, before costs; NaN for none"),
        column("costs", FLOAT, "quote currency", "fees and slippage since the previous mark"),
        column(
            "carry", FLOAT, "quote currency", "funding, dividends and borrow since the previous mark; paid is negative"
        ),
        column("profit", FLOAT, "quote currency", "of the symbol since the previous mark, after costs and carry"),
        column("equity", FLOAT, "quote currency", "of the account: sum of its values"),
        column("note", TEXT, "", "why an order is open"),
    ),
    ("timestamp", "market", "symbol"),
    append_only=True,
)
SIGNAL_EXPORT = Table(
    "signal_export",
    (
        RUN_DATE,
        column(
            "path", TEXT, "", "JSON file of the run date, relative to the lake; CSV and Parquet are in the same folder"
        ),
        column("sha256", TEXT, "", "SHA-256 of the JSON file"),
        column("signals", INT, "symbols", "decisions in the file"),
    ),
    ("run_date",),
    time="run_date",
)
NIGHTLY_REPORT = Table(
    "nightly_report",
    (
        RUN_DATE,
        column("path", TEXT, "", "HTML page of the run date, relative to the lake"),
        column("markets", INT, "", "markets with a signal on the run date"),
        column("long", INT, "symbols", "LONG decisions"),
        column("short", INT, "symbols", "SHORT decisions"),
        column("hold", INT, "symbols", "HOLD decisions"),
        column("proposed", INT, "factors", "trials of the run date"),
        column("accepted", INT, "factors", "trials admitted to the library"),
        column("chart_paths", TEXT, "", "PNG charts for mail and chat, relative to the lake, separated by spaces"),
    ),
    ("run_date",),
    time="run_date",
)
