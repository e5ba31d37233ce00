"""
The columns of every stored table: name, type, unit and meaning, in one place.

Column schemas in the UI, the Parquet schema on disk and the checks on what an asset returns all follow from here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from alpha_pipeline.errors import DataError

TIME = pa.timestamp("us", tz="UTC")
TEXT = pa.string()
FLOAT = pa.float64()
INT = pa.int64()
FLAG = pa.bool_()
GAPS = (TEXT, INT, FLAG)
BLANK = {TEXT: "", INT: 0, FLAG: False, FLOAT: float("nan")}
MOMENT = "datetime64[us, UTC]"  # TIME, as pandas spells it


@dataclass(frozen=True)
class Column:
    """One column: its Arrow type, its unit ("" for none) and one line of meaning."""

    name: str
    type: pa.DataType
    unit: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """
    One stored table.

    Args:
        name: the asset that stores it.
        columns: the fixed columns, in order.
        keys: rows are unique by these and stored sorted by them.
        open_ended: further float64 columns (fields, factors) may follow the fixed ones.
        time: the column that says which day a row belongs to.
    """

    name: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    open_ended: bool = False
    time: str = "timestamp"

    def schema(self, extra: Iterable[str] = ()) -> pa.Schema:
        """Arrow schema of the fixed columns, then one float64 column per extra name."""
        fixed = [pa.field(c.name, c.type) for c in self.columns]
        return pa.schema(fixed + [pa.field(name, FLOAT) for name in extra])

    def empty(self) -> pd.DataFrame:
        """No rows, all columns, the right types."""
        return self.schema().empty_table().to_pandas()

    def blank(self, column: Column, rows: int) -> pa.Array:
        """A column of rows stored before it existed: what was not said then is "", 0, false, NaN or no time."""
        return pa.array([BLANK.get(column.type)] * rows, column.type)

    def complete(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The fixed columns of rows made before some of them existed; what is absent or null is blank."""
        whole = frame.reindex(columns=[column.name for column in self.columns])
        whole = whole.astype({c.name: MOMENT for c in self.columns if c.type is TIME and c.name not in frame})
        gaps = {c.name: BLANK[c.type] for c in self.columns if c.type in GAPS and whole[c.name].isna().any()}
        return whole.astype(dict.fromkeys(gaps, object)).fillna(gaps).infer_objects() if gaps else whole

    def conform(self, frame: pd.DataFrame) -> pa.Table:
        """
        Check and order what an asset returned.

        Returns:
            An Arrow table with exactly this table's columns (and extras, sorted by name), sorted by its keys.

        Raises:
            DataError: a column is missing, unknown, of a type that does not convert, or keys repeat.
        """
        fixed = [c.name for c in self.columns]
        missing = [name for name in fixed if name not in frame.columns]
        extra = sorted(name for name in frame.columns if name not in fixed)
        if missing or (extra and not self.open_ended):
            raise DataError(
                f"table {self.name!r} expects the columns {fixed}"
                + (" and float fields" if self.open_ended else "")
                + f"; missing {missing}, unexpected {[] if self.open_ended else extra}"
            )
        ordered = frame.sort_values(list(self.keys), kind="stable", ignore_index=True)
        twice = ordered.duplicated(list(self.keys))
        if twice.any():
            first = ordered.loc[twice, list(self.keys)].iloc[0].to_dict()
            raise DataError(f"table {self.name!r}: {int(twice.sum())} rows repeat the keys {self.keys}; first {first}")
        try:
            return pa.Table.from_pandas(
                ordered, schema=self.schema(extra), preserve_index=False
            ).replace_schema_metadata()
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeError) as error:
            raise DataError(f"table {self.name!r}: a column has the wrong type: {error}") from error


def _c(name: str, type: pa.DataType, unit: str, meaning: str) -> Column:
    return Column(name, type, unit, meaning)


CLOSE_TIME = _c("timestamp", TIME, "UTC", "close of the bar")
EVENT_TIME = _c("timestamp", TIME, "UTC", "when it happened")
SYMBOL = _c("symbol", TEXT, "", "traded instrument")
AVAILABLE_AT = _c("available_at", TIME, "UTC", "first moment one could have known this row")
NIGHT = _c("night", TIME, "UTC", "start of the day the night belongs to")
FACTOR_ID = _c("factor_id", TEXT, "", "slug of the name and eight digits of the canonical identity")

OHLCV = (
    CLOSE_TIME,
    SYMBOL,
    AVAILABLE_AT,
    _c("open", FLOAT, "quote currency", "first price; NaN where the source has none"),
    _c("high", FLOAT, "quote currency", "highest price; NaN where the source has none"),
    _c("low", FLOAT, "quote currency", "lowest price; NaN where the source has none"),
    _c("close", FLOAT, "quote currency", "last price"),
    _c("volume", FLOAT, "units of the symbol", "traded volume"),
)

# Raw tables lie by the day on which their rows became known: reading days up to a night is reading what was known then.
# A value that a vendor revised is a row of its own, known later, so `available_at` is among the keys.
RAW_OHLCV = Table("raw_ohlcv", OHLCV, ("available_at", "timestamp", "symbol"), time="available_at")
OHLCV_HISTORY = Table("ohlcv_history", OHLCV, ("timestamp", "symbol"))
RAW_FUNDING = Table(
    "raw_funding",
    (EVENT_TIME, SYMBOL, AVAILABLE_AT, _c("funding", FLOAT, "fraction of notional", "funding rate paid at this stamp")),
    ("available_at", "timestamp", "symbol"),
    time="available_at",
)
RAW_DERIVATIVES = Table(
    "raw_derivatives",
    (
        EVENT_TIME,
        SYMBOL,
        AVAILABLE_AT,
        _c("open_interest", FLOAT, "units of the symbol", "contracts open; NaN where unknown"),
        _c("book_imbalance", FLOAT, "[-1, 1]", "(bids - asks) / (bids + asks) of a live snapshot; NaN in history"),
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
        _c("url", TEXT, "", "address of the item"),
        _c("title", TEXT, "", "headline, untrusted text"),
        _c("news_sentiment", FLOAT, "[-1, 1]", "score of the headline; NaN when unscored"),
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
        _c("posts", FLOAT, "posts", "posts in the interval"),
        _c("social_sentiment", FLOAT, "[-1, 1]", "mean score of the posts"),
    ),
    ("available_at", "timestamp", "symbol"),
    time="available_at",
)
RAW_ONCHAIN = Table(
    "raw_onchain",
    (EVENT_TIME, SYMBOL, AVAILABLE_AT),
    ("available_at", "timestamp", "symbol"),
    open_ended=True,
    time="available_at",
)
LISTING = (
    _c("timestamp", TIME, "UTC", "when it was listed; a second row says when it was delisted"),
    SYMBOL,
    AVAILABLE_AT,
    _c("listed_at", TIME, "UTC", "first moment it could be traded"),
    _c("delisted_at", TIME, "UTC", "last moment it could be traded; NaT in the row of its listing"),
    _c(
        "status",
        TEXT,
        "",
        "Trading in the row of its listing; in that of its end the vendor's word, such as Closed",
    ),
    _c("base", TEXT, "", "what is traded, such as BTC"),
    _c("quote", TEXT, "", "currency of its prices, such as USDT"),
    _c("funding_interval_minutes", FLOAT, "min", "between settlements, as it is today; NaN without funding"),
    _c("tick_size", FLOAT, "quote currency", "smallest step of the price, as it is today; NaN where unknown"),
)
LISTINGS = Table("listings", LISTING, ("timestamp", "symbol"))  # as a door answers; stored day by day
RAW_INSTRUMENTS = Table("raw_instruments", (NIGHT, *LISTING), ("night", "timestamp", "symbol"), time="night")
RAW_ADJUSTMENTS = Table(
    "raw_adjustments",
    (
        CLOSE_TIME,
        SYMBOL,
        AVAILABLE_AT,
        _c("adjusted_close", FLOAT, "quote currency", "close made smaller by the splits and dividends after it"),
        _c("dividend", FLOAT, "quote currency", "paid per share to who held it before this session; 0 without one"),
        _c("split", FLOAT, "shares", "new shares per old from this session on; 0 without one"),
    ),
    ("available_at", "timestamp", "symbol"),
    time="available_at",
)
MARKET_PANEL = Table("market_panel", (CLOSE_TIME, SYMBOL), ("timestamp", "symbol"), open_ended=True)

MEASURES = (
    "train_rank_ic", "train_t_stat", "train_q_value", "train_sharpe",
    "valid_rank_ic", "valid_t_stat", "valid_q_value", "valid_sharpe", "valid_max_drawdown", "valid_turnover",
    "seen_sharpe", "probabilistic_sharpe", "deflated_sharpe", "max_correlation",
)  # fmt: skip

UNANSWERED = "unanswered"
TRIALS = Table(
    "factor_definitions",
    (
        NIGHT,
        _c("trial", INT, "", "number of the trial within its night, from 0"),
        _c("round", INT, "", "round of the inner loop, from 0"),
        _c("theme", TEXT, "", "family of ideas that was asked for; empty for references"),
        _c("way", TEXT, "", "how it was asked for: generate, code, optimize or multimodal"),
        _c("regime", TEXT, "", "the market as train ends: bull or bear, calm or volatile; empty with too few bars"),
        FACTOR_ID,
        _c("name", TEXT, "", "the proposer's name for it, untrusted text"),
        _c("proposer", TEXT, "", "model, random_grammar, mutation or reference"),
        _c("model", TEXT, "", "language model; empty for the others"),
        _c("request_hash", TEXT, "", "SHA-256 of the stored model request; empty when no model was asked"),
        _c("parent", TEXT, "", "factor_id it refines; empty for a fresh idea"),
        _c("replaces", TEXT, "", "factor_id of the twin in force that it clearly beats and replaces; else empty"),
        _c("dialect", TEXT, "", "dsl, math or pandas"),
        _c("source", TEXT, "", "the expression as written, untrusted text"),
        _c("canonical", TEXT, "", "canonical DSL; empty when it did not parse"),
        _c("identity", TEXT, "", "SHA-256 of the canonical form; empty when it did not parse"),
        _c("rationale", TEXT, "", "why it might work, the proposer's words"),
        _c("risks", TEXT, "", "when it may fail, the proposer's words"),
        _c("claims", TEXT, "", "expected performance as claimed; never a measurement"),
        _c(
            "stage",
            TEXT,
            "",
            "last stage passed: proposed, parsed, type_valid, unique, leak_clean, significant, accepted",
        ),
        _c("verdict", TEXT, "", "accepted, refused, or unanswered when the model gave no reply: that is no trial"),
        _c("reason", TEXT, "", "why it was refused, short and countable; empty when accepted"),
        _c("feedback", TEXT, "", "what the judge says of it"),
        _c("rule", TEXT, "JSON", "the rule of admission of that night"),
        _c("critique", TEXT, "", "what the model advised after a round, on the round's last row; untrusted text"),
        _c("score", FLOAT, "0-7", "the judge's rubric; NaN when not measured"),
        _c("prompt_tokens", INT, "tokens", "tokens read by the model for this trial"),
        _c("completion_tokens", INT, "tokens", "tokens written by the model for this trial"),
        _c("calls", INT, "", "questions to the model for this trial, failed ones too"),
        _c("model_seconds", FLOAT, "s", "time the model took"),
        _c("usd", FLOAT, "USD", "cost by the price table; NaN for a model it does not list"),
        *(_c(name, FLOAT, "", "measured on the split its name says; NaN when not measured") for name in MEASURES),
    ),
    ("night", "trial"),
    time="night",
)
LIBRARY = Table(
    "factor_library",
    (
        NIGHT,
        FACTOR_ID,
        _c("name", TEXT, "", "display name, untrusted text"),
        _c("expression", TEXT, "", "canonical DSL"),
        _c("identity", TEXT, "", "SHA-256 of the canonical form"),
        _c("status", TEXT, "", "reference (shipped, not traded), accepted, probation or retired"),
        _c("since", TIME, "UTC", "night it entered the library"),
        _c("proposer", TEXT, "", "model, random_grammar or reference"),
        _c("model", TEXT, "", "language model that wrote it; empty for the others"),
        _c("weight", FLOAT, "signed", "sign of the validated rank IC times its shrunk size; 0 when not traded"),
        _c("reason", TEXT, "", "why the status is what it is"),
    ),
    ("night", "factor_id"),
    time="night",
)
FACTOR_VALUES = Table("factor_values", (CLOSE_TIME, SYMBOL), ("timestamp", "symbol"), open_ended=True)
METRICS = Table(
    "backtest_metrics",
    (
        NIGHT,
        FACTOR_ID,
        _c("status", TEXT, "", "as in factor_library"),
        _c("bars", INT, "bars", "bars of returns that were measured"),
        _c("rank_ic", FLOAT, "correlation", "mean Spearman correlation per bar with forward returns"),
        _c("icir", FLOAT, "", "mean over standard deviation of the rank IC"),
        _c("t_stat", FLOAT, "", "Newey-West t of the mean rank IC"),
        _c("annual_return", FLOAT, "fraction/year", "arithmetic mean net return, annualised by the calendar"),
        _c("volatility", FLOAT, "fraction/year", "annualised standard deviation of net returns"),
        _c("sharpe", FLOAT, "per year", "annualised Sharpe ratio after costs"),
        _c("sharpe_gross", FLOAT, "per year", "the same before costs"),
        _c(
            "sharpe_delayed",
            FLOAT,
            "per year",
            "the net ratio when executed one bar later still; a collapse is an alarm",
        ),
        _c("sortino", FLOAT, "per year", "downside deviation over all bars"),
        _c("calmar", FLOAT, "", "annualised return over maximum drawdown; NaN without a drawdown"),
        _c("max_drawdown", FLOAT, "fraction", "deepest fall of equity, starting capital included; negative"),
        _c("win_rate", FLOAT, "fraction", "share of gains among the bars that moved"),
        _c("turnover", FLOAT, "per day", "half the sum of absolute weight changes, per day"),
        _c("break_even_bps", FLOAT, "bps", "cost per unit of weight bought or sold at which the mean return is zero"),
        _c("probabilistic_sharpe", FLOAT, "probability", "that the true Sharpe ratio is above zero"),
        _c("deflated_sharpe", FLOAT, "probability", "the same, above the best of all trials by chance"),
        _c("total_return", FLOAT, "fraction", "compounded net return"),
        _c("ic_positive", FLOAT, "fraction", "share of bars with a rank IC above zero"),
        _c("monotonicity", FLOAT, "correlation", "of the number of a quantile with its mean return"),
        _c("drawdown_bars", FLOAT, "bars", "longest stretch below an earlier peak"),
        _c("profit_factor", FLOAT, "", "gains over losses; NaN without a loss"),
        _c("trade_win_rate", FLOAT, "fraction", "share of positions, entry to exit, that earned before costs"),
        _c("beta", FLOAT, "", "slope on the equal-weighted market"),
        _c("capacity", FLOAT, "quote currency", "capital at which 95 % of the trades are below 1 % of a day's volume"),
        _c("cutoff", TIME, "UTC", "until when the model that wrote it had read; empty when not known"),
        _c("bars_after_cutoff", INT, "bars", "of those measured, bars after the cutoff"),
        _c("sharpe_after_cutoff", FLOAT, "per year", "net ratio on those bars alone; NaN without any"),
        _c("spa", FLOAT, "p-value", "that the best of the library only looks better than holding nothing (SPA)"),
        _c("superior", FLAG, "", "beats holding nothing with a family-wise error of 5 % (StepM)"),
        _c("pbo", FLOAT, "probability", "of backtest overfitting, over the library; a noisy number"),
        _c("undefined", TEXT, "", "why measures are NaN, by name; empty when all have a value"),
    ),
    ("night", "factor_id"),
    time="night",
)
BREAKDOWN = Table(
    "backtest_breakdown",
    (
        NIGHT,
        FACTOR_ID,
        _c("part", INT, "", "number of the part, from 0; the first is the whole"),
        _c(
            "kind",
            TEXT,
            "",
            "all, year, trend, risk, liquidity, cutoff, symbols, horizon, quantile, walk, path, or protocol",
        ),
        _c("slice", TEXT, "", "which year, regime, half of the symbols, horizon, quantile, walk, path or setting"),
        _c("bars", INT, "bars", "bars of returns; 0 for horizons, quantiles and protocols"),
        _c("rank_ic", FLOAT, "correlation", "mean rank IC; NaN for quantiles and protocols"),
        _c("t_stat", FLOAT, "", "Newey-West t of it; NaN for horizons, quantiles and protocols"),
        _c("annual_return", FLOAT, "fraction/year", "after costs; NaN for horizons, quantiles and protocols"),
        _c("sharpe", FLOAT, "per year", "after costs; NaN for horizons and quantiles"),
        _c("max_drawdown", FLOAT, "fraction", "deepest fall of equity; NaN like the annual return"),
        _c("mean_return", FLOAT, "fraction/horizon", "forward return of a quantile before costs; NaN elsewhere"),
    ),
    ("night", "factor_id", "part"),
    time="night",
)
SEALED_TEST = Table(
    "sealed_test",
    (
        NIGHT,
        FACTOR_ID,
        _c("opening", INT, "", "how many times the sealed bars of this market were looked at, this one included"),
        *METRICS.columns[2:],
    ),
    ("night", "factor_id"),
    time="night",
)
NOISE_FLOOR = Table(
    "noise_floor",
    (
        NIGHT,
        _c("replay", INT, "", "0 for the real bars, then one number per shuffled panel"),
        _c("measured", INT, "factors", "formulas of the night that were measured"),
        _c("best_train_t", FLOAT, "", "largest |t| of the rank IC on train"),
        _c("best_valid_t", FLOAT, "", "largest t on validation in the direction of train"),
        _c("best_sharpe", FLOAT, "per year", "largest net Sharpe ratio over train and validation"),
        _c("accepted", INT, "factors", "admitted by the rule in force"),
    ),
    ("night", "replay"),
    time="night",
)
TEAR_SHEETS = Table(
    "tear_sheets",
    (
        NIGHT,
        FACTOR_ID,
        _c("status", TEXT, "", "as in factor_library"),
        _c("page", TEXT, "", "HTML, relative to the lake"),
        _c("picture", TEXT, "", "PNG, relative to the lake"),
    ),
    ("night", "factor_id"),
    time="night",
)
SOURCE_SIGNALS = Table(
    "source_signals",
    (
        CLOSE_TIME,
        SYMBOL,
        _c("source", TEXT, "", "price_momentum, volume_breakout, library_factors, sentiment_news, ..."),
        _c("value", FLOAT, "[-1, 1]", "direction and strength"),
        _c("confidence", FLOAT, "[0, 1]", "how far to trust it"),
        _c("reason", TEXT, "", "one readable line"),
    ),
    ("timestamp", "symbol", "source"),
)
FUSED_SIGNAL = Table(
    "fused_signal",
    (
        CLOSE_TIME,
        _c("market", TEXT, "", "crypto or equities"),
        SYMBOL,
        _c("value", FLOAT, "[-1, 1]", "fused direction and strength"),
        _c("confidence", FLOAT, "[0, 1]", "confidence of the fused value"),
        _c("decision", TEXT, "", "LONG, SHORT or HOLD"),
        _c("sources", INT, "", "sources that had something to say"),
        _c("coverage", FLOAT, "fraction", "share of the weight table that was available"),
        _c("reasons", TEXT, "", "the largest contributions, readable"),
        _c("breakdown", TEXT, "JSON", "contribution per source"),
    ),
    ("timestamp", "market", "symbol"),
)
TRACK_RECORD = Table(
    "signal_track_record",
    (
        _c("timestamp", TIME, "UTC", "bar at which the outcome was known"),
        _c("decided_at", TIME, "UTC", "bar of the decision"),
        _c("market", TEXT, "", "crypto or equities"),
        SYMBOL,
        _c("decision", TEXT, "", "LONG, SHORT or HOLD"),
        _c("value", FLOAT, "[-1, 1]", "fused value at the decision"),
        _c("confidence", FLOAT, "[0, 1]", "confidence at the decision"),
        _c("forward_return", FLOAT, "fraction", "return from the bar after the decision over the horizon"),
        _c("hit", FLOAT, "0 or 1", "the sign of the decision was right; NaN for HOLD"),
        _c("net_return", FLOAT, "fraction", "return of the decision after a round trip of costs; 0 for HOLD"),
    ),
    ("timestamp", "market", "symbol"),
)
NIGHTLY_REPORT = Table(
    "nightly_report",
    (
        NIGHT,
        _c("path", TEXT, "", "the HTML page of the night, relative to the lake"),
        _c("markets", INT, "", "markets with a signal that night"),
        _c("long", INT, "symbols", "LONG decisions"),
        _c("short", INT, "symbols", "SHORT decisions"),
        _c("hold", INT, "symbols", "HOLD decisions"),
        _c("proposed", INT, "factors", "trials of the night"),
        _c("accepted", INT, "factors", "trials admitted to the library"),
    ),
    ("night",),
    time="night",
)

TABLES = {
    table.name: table
    for table in (
        RAW_INSTRUMENTS, RAW_OHLCV, OHLCV_HISTORY, RAW_ADJUSTMENTS, RAW_FUNDING, RAW_DERIVATIVES, RAW_NEWS, RAW_SOCIAL,
        RAW_ONCHAIN, MARKET_PANEL, TRIALS, LIBRARY, FACTOR_VALUES, METRICS, BREAKDOWN, SEALED_TEST, NOISE_FLOOR,
        TEAR_SHEETS, SOURCE_SIGNALS, FUSED_SIGNAL, TRACK_RECORD, NIGHTLY_REPORT,
    )
}  # fmt: skip
