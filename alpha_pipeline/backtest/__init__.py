"""Backtests: next-bar execution, costs from the first entry, annualisation from the calendar."""

from alpha_pipeline.backtest.account import Account, account
from alpha_pipeline.backtest.breakdown import sliced
from alpha_pipeline.backtest.compare import compare, protocol
from alpha_pipeline.backtest.cross_validation import combined, walked
from alpha_pipeline.backtest.funding import funding_payments
from alpha_pipeline.backtest.information import ic_decay, predictive_correlation, quantile_returns, rank_ic
from alpha_pipeline.backtest.measures import Stretch, score, scored
from alpha_pipeline.backtest.portfolio import BacktestConfig, BacktestResult, Tape, backtest, hold, trades
from alpha_pipeline.backtest.returns import bar_returns, forward_returns
from alpha_pipeline.backtest.splits import Split, combinatorial, split, walk_forward
from alpha_pipeline.backtest.study import Study, study

__all__ = [
    "Account",
    "BacktestConfig",
    "BacktestResult",
    "Split",
    "Stretch",
    "Study",
    "Tape",
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
    "sliced",
    "split",
    "study",
    "trades",
    "walk_forward",
    "walked",
]
