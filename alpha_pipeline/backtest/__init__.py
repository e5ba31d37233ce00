"""
Backtests: next-bar execution, costs from the first entry, annualisation from the calendar.
"""

from alpha_pipeline.backtest.information import rank_ic
from alpha_pipeline.backtest.portfolio import BacktestConfig, BacktestResult, backtest
from alpha_pipeline.backtest.returns import bar_returns, forward_returns
from alpha_pipeline.backtest.score import score
from alpha_pipeline.backtest.splits import Split, split

__all__ = [
    "BacktestConfig",
    "BacktestResult",
    "Split",
    "backtest",
    "bar_returns",
    "forward_returns",
    "rank_ic",
    "score",
    "split",
]
