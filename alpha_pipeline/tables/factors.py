"""
Tables of factors: trials, library, values and backtests.
"""

from typing import Final

from alpha_pipeline.tables.schema import (
    CLOSE_TIME,
    FACTOR_ID,
    FLAG,
    FLOAT,
    INT,
    RUN_DATE,
    SYMBOL,
    TEXT,
    TIME,
    Table,
    column,
)

MEASURES = (
    "train_rank_ic", "train_t_stat", "train_q_value", "train_sharpe",
    "valid_rank_ic", "valid_t_stat", "valid_q_value", "valid_sharpe", "valid_max_drawdown", "valid_turnover",
    "train_valid_sharpe", "probabilistic_sharpe", "deflated_sharpe", "max_correlation",
)  # fmt: skip

UNANSWERED: Final = "unanswered"
# Proposer of the shipped formulas, which are measured beside the trials.
REFERENCE: Final = "reference"
# Rank IC whose chance to be found is stated for every run date.
STATED_RANK_IC: Final = 0.02
TRIALS = Table(
    "factor_definitions",
    (
        RUN_DATE,
        column("trial", INT, "", "number of the trial within its run date, from 0"),
        column("session", TEXT, "", "mining session: proposer and settings, or user#0; a run date may hold several"),
        column("round", INT, "", "round of the mining loop, from 0"),
        column("factor_type", TEXT, "", "requested type of factor; empty for references"),
        column("prompt_mode", TEXT, "", "generate, code, optimize or multimodal"),
        column(
            "regime", TEXT, "", "market regime at the end of train: bull or bear, calm or volatile; empty if too short"
        ),
        FACTOR_ID,
        column("name", TEXT, "", "the proposer's name for it, untrusted text"),
        column("proposer", TEXT, "", "model, random_grammar, mutation, reference, user, or a published set"),
        column("model", TEXT, "", "language model; empty for other proposers"),
        column("request_hash", TEXT, "", "SHA-256 of the stored model request; empty without a language model"),
        column("parent", TEXT, "", "factor_id of the factor it improves; empty for a new idea"),
        column(
            "replaces", TEXT, "", "factor_id of the correlated active factor that it beats and replaces; else empty"
        ),
        column("dialect", TEXT, "", "dsl, math or pandas"),
        column("source", TEXT, "", "the expression as written, untrusted text"),
        column("canonical", TEXT, "", "canonical DSL; empty if it did not parse"),
        column("identity", TEXT, "", "SHA-256 of the canonical form; empty if it did not parse"),
        column("rationale", TEXT, "", "economic rationale in the words of the proposer, untrusted text"),
        column("risks", TEXT, "", "risks in the words of the proposer, untrusted text"),
        column("expected_performance", TEXT, "", "expected performance in the words of the proposer; not measured"),
        column(
            "stage",
            TEXT,
            "",
            "last stage passed: proposed, parsed, type_valid, unique, leakage_free, significant, accepted",
        ),
        column("verdict", TEXT, "", "accepted, refused, or unanswered if the model did not reply (then not a trial)"),
        column("reason", TEXT, "", "short, countable reason of the refusal; empty if accepted"),
        column("feedback", TEXT, "", "details of the verdict"),
        column("admission_rule", TEXT, "JSON", "admission rule of the run date"),
        column(
            "power",
            FLOAT,
            "probability",
            "that a factor with a true rank IC of 0.02 is significant on train and validation of the run date",
        ),
        column("critique", TEXT, "", "advice of the model after a round, on the last row of the round; untrusted text"),
        column("score", FLOAT, "0-7", "score by the rubric of the judge; NaN if not measured"),
        column("prompt_tokens", INT, "tokens", "tokens read by the model for this trial"),
        column("completion_tokens", INT, "tokens", "tokens written by the model for this trial"),
        column("calls", INT, "", "requests to the model for this trial, failed ones included"),
        column("model_seconds", FLOAT, "s", "duration of these requests"),
        column("usd", FLOAT, "USD", "cost by the price table; NaN if the model is not listed"),
        *(column(name, FLOAT, "", "measured on the split in its name; NaN if not measured") for name in MEASURES),
    ),
    ("run_date", "trial"),
    time="run_date",
)
LIBRARY = Table(
    "factor_library",
    (
        RUN_DATE,
        FACTOR_ID,
        column("name", TEXT, "", "display name, untrusted text"),
        column("expression", TEXT, "", "canonical DSL"),
        column("identity", TEXT, "", "SHA-256 of the canonical form"),
        column("status", TEXT, "", "reference (shipped, not traded), accepted, probation or retired"),
        column("since", TIME, "UTC", "run date of entry"),
        column("proposer", TEXT, "", "as in factor_definitions"),
        column("model", TEXT, "", "language model that wrote it; empty for the others"),
        column(
            "weight",
            FLOAT,
            "signed",
            "signed validation rank IC shrunk by its error; half of it on probation, 0 when not traded",
        ),
        column("reason", TEXT, "", "of the status; of a status change: cause, colon, figures"),
        column("status_since", TIME, "UTC", "run date of the last status change"),
        column("live_bars", INT, "bars", "bars with a rank IC after the run date of entry, the last 182 days at most"),
        column(
            "live_rank_ic", FLOAT, "correlation", "mean rank IC on the live bars, in the direction the factor is traded"
        ),
        column("live_t_stat", FLOAT, "", "Newey-West t of the live rank IC"),
        column("expected_rank_ic", FLOAT, "correlation", "absolute validation rank IC, shrunk as in the weight"),
        column("live_net_t_stat", FLOAT, "", "Newey-West t of the mean live return after costs and funding"),
        column("live_turnover", FLOAT, "per day", "on the live bars; half the sum of absolute weight changes"),
        column("expected_turnover", FLOAT, "per day", "turnover on validation as of the run date of entry"),
        column(
            "live_break_even_bps", FLOAT, "bps", "cost per unit of weight traded at which the mean live return is zero"
        ),
        column(
            "half_life_days",
            FLOAT,
            "days of bars",
            "lag at which the rank IC on train and validation is half of that without lag; NaN if never",
        ),
        column(
            "live_half_life_days",
            FLOAT,
            "days",
            "days after entry until the fitted live rank IC is halved; NaN unless it declines with a t of 2",
        ),
    ),
    ("run_date", "factor_id"),
    time="run_date",
)
FACTOR_VALUES = Table("factor_values", (CLOSE_TIME, SYMBOL), ("timestamp", "symbol"), open_ended=True)
METRICS = Table(
    "backtest_metrics",
    (
        RUN_DATE,
        FACTOR_ID,
        column("status", TEXT, "", "as in factor_library"),
        column("bars", INT, "bars", "bars with a return"),
        column("rank_ic", FLOAT, "correlation", "mean Spearman correlation per bar with forward returns"),
        column("icir", FLOAT, "", "mean over standard deviation of the rank IC"),
        column("t_stat", FLOAT, "", "Newey-West t of the mean rank IC"),
        column("annual_return", FLOAT, "fraction/year", "arithmetic mean net return, annualised by the calendar"),
        column("volatility", FLOAT, "fraction/year", "annualised standard deviation of net returns"),
        column("sharpe", FLOAT, "per year", "annualised Sharpe ratio after costs"),
        column("sharpe_gross", FLOAT, "per year", "annualised Sharpe ratio before costs"),
        column(
            "sharpe_delayed",
            FLOAT,
            "per year",
            "annualised net Sharpe ratio with execution one bar later",
        ),
        column("sortino", FLOAT, "per year", "downside deviation over all bars"),
        column("calmar", FLOAT, "", "annualised return over maximum drawdown; NaN without a drawdown"),
        column(
            "max_drawdown", FLOAT, "fraction", "largest fall from a peak of equity, starting capital included; negative"
        ),
        column("win_rate", FLOAT, "fraction", "share of positive returns among the bars with a return other than 0"),
        column("turnover", FLOAT, "per day", "half the sum of absolute weight changes, per day"),
        column(
            "break_even_bps", FLOAT, "bps", "cost per unit of weight bought or sold at which the mean return is zero"
        ),
        column("probabilistic_sharpe", FLOAT, "probability", "probability that the true Sharpe ratio is above zero"),
        column(
            "deflated_sharpe",
            FLOAT,
            "probability",
            "of the ledger: probability that it is above the best Sharpe ratio expected from all trials by chance",
        ),
        column("total_return", FLOAT, "fraction", "compounded net return"),
        column("ic_positive", FLOAT, "fraction", "share of bars with a rank IC above zero"),
        column("monotonicity", FLOAT, "correlation", "rank correlation of quantile number and mean return"),
        column("drawdown_bars", FLOAT, "bars", "longest run of bars below an earlier peak"),
        column("profit_factor", FLOAT, "", "gains over losses; NaN without a loss"),
        column("trade_win_rate", FLOAT, "fraction", "share of positions, entry to exit, that earned before costs"),
        column("beta", FLOAT, "", "slope on the equal-weighted market"),
        column(
            "capacity", FLOAT, "quote currency", "capital at which 95 % of the trades are below 1 % of a day's volume"
        ),
        column("training_cutoff", TIME, "UTC", "of the language model that wrote the factor; empty when unknown"),
        column("bars_after_cutoff", INT, "bars", "bars with a return after the training cutoff"),
        column(
            "sharpe_after_cutoff",
            FLOAT,
            "per year",
            "net Sharpe ratio after the training cutoff; NaN with less than 20 days",
        ),
        column("spa_p_value", FLOAT, "p-value", "Hansen's SPA test of the best factor of the library against cash"),
        column("stepm_significant", FLAG, "", "beats cash at a family-wise error rate of 5 % (StepM)"),
        column("pbo", FLOAT, "probability", "of backtest overfitting, over the library; a noisy estimate"),
        column(
            "undefined_measures", TEXT, "", "measures that are NaN, each with the reason; empty when all have a value"
        ),
    ),
    ("run_date", "factor_id"),
    time="run_date",
)
BREAKDOWN = Table(
    "backtest_breakdown",
    (
        RUN_DATE,
        FACTOR_ID,
        column("subsample_number", INT, "", "from 0; the first is the full sample"),
        column(
            "kind",
            TEXT,
            "",
            "all, year, trend, risk, liquidity, cutoff, symbols, horizon, quantile, walk_forward, cpcv_path, or "
            "assumption: and its name",
        ),
        column("subsample", TEXT, "", "year, regime, half of the symbols, horizon, quantile, window, path or setting"),
        column("bars", INT, "bars", "bars of returns; 0 for horizons, quantiles and assumptions"),
        column("rank_ic", FLOAT, "correlation", "mean rank IC; NaN for quantiles and assumptions"),
        column("t_stat", FLOAT, "", "Newey-West t of the rank IC; NaN for horizons, quantiles and assumptions"),
        column("annual_return", FLOAT, "fraction/year", "after costs; NaN for horizons, quantiles and assumptions"),
        column("sharpe", FLOAT, "per year", "after costs; NaN for horizons and quantiles"),
        column("max_drawdown", FLOAT, "fraction", "largest fall from a peak of equity; NaN like the annual return"),
        column("mean_return", FLOAT, "fraction/horizon", "forward return of a quantile before costs; NaN elsewhere"),
    ),
    ("run_date", "factor_id", "subsample_number"),
    time="run_date",
)
SEALED_TEST = Table(
    "sealed_test",
    (
        RUN_DATE,
        FACTOR_ID,
        column("access_count", INT, "", "holdout accesses of this market so far, this one included"),
        *METRICS.columns[2:],
    ),
    ("run_date", "factor_id"),
    time="run_date",
)
NOISE_FLOOR = Table(
    "noise_floor",
    (
        RUN_DATE,
        column("shuffle", INT, "", "0 for the real bars, then the number of the shuffled panel"),
        column("factors_measured", INT, "factors", "factors of the run date that were measured"),
        column("best_train_t", FLOAT, "", "largest |t| of the rank IC on train"),
        column("best_valid_t", FLOAT, "", "largest t of the rank IC on validation, in the direction chosen on train"),
        column("best_sharpe", FLOAT, "per year", "largest net Sharpe ratio over train and validation"),
        column("accepted", INT, "factors", "factors admitted by the admission rule of the run date"),
    ),
    ("run_date", "shuffle"),
    time="run_date",
)
TEAR_SHEETS = Table(
    "tear_sheets",
    (
        RUN_DATE,
        FACTOR_ID,
        column("status", TEXT, "", "as in factor_library"),
        column("html_path", TEXT, "", "relative to the lake"),
        column("png_path", TEXT, "", "relative to the lake"),
    ),
    ("run_date", "factor_id"),
    time="run_date",
)
