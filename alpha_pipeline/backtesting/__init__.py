"""Backtests: next-bar execution, costs from the first entry, annualisation from the calendar."""

from alpha_pipeline.backtesting.account import Account, account
from alpha_pipeline.backtesting.breakdown import subsample_breakdown
from alpha_pipeline.backtesting.compare import compare, protocol
from alpha_pipeline.backtesting.cross_validation import combined, walk_forward_book
from alpha_pipeline.backtesting.funding import funding_payments
from alpha_pipeline.backtesting.information import ic_decay, predictive_correlation, quantile_returns, rank_ic
from alpha_pipeline.backtesting.measures import EvaluationBars, score, scored
from alpha_pipeline.backtesting.portfolio import BacktestConfig, BacktestResult, ExecutionBars, backtest, hold, trades
from alpha_pipeline.backtesting.returns import bar_returns, forward_returns
from alpha_pipeline.backtesting.splits import Split, combinatorial, split, walk_forward
from alpha_pipeline.backtesting.study import FactorStudy, study

__all__ = [
    "Account",
    "BacktestConfig",
    "BacktestResult",
    "EvaluationBars",
    "ExecutionBars",
    "FactorStudy",
    "Split",
    "account",
    "backtest",
    "bar_returns",
    "combinatorial",
    "combined",
    "compare",
    "forward_returns",
    "funding_payments",
    "hold",
    "ic_decay",
    "predictive_correlation",
    "protocol",
    "quantile_returns",
    "rank_ic",
    "score",
    "scored",
    "split",
    "study",
    "subsample_breakdown",
    "trades",
    "walk_forward",
    "walk_forward_book",
]
