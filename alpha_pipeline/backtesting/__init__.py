"""Backtests: next-bar execution, costs from the first entry, annualisation from the calendar."""

from alpha_pipeline.backtesting.account import Account, AccountMeasures, simulate_account
from alpha_pipeline.backtesting.bars import BacktestConfig, Bars
from alpha_pipeline.backtesting.breakdown import subsample_breakdown
from alpha_pipeline.backtesting.cross_validation import cpcv_paths, walk_forward_book
from alpha_pipeline.backtesting.details import DetailedMeasures, detailed_measures
from alpha_pipeline.backtesting.funding import funding_payments
from alpha_pipeline.backtesting.information import ic_decay, predictive_correlation, quantile_returns, rank_ic
from alpha_pipeline.backtesting.measures import EvaluationBars, Measures, measure_factor, measures_and_returns
from alpha_pipeline.backtesting.portfolio import BacktestResult, ExecutionBars, backtest, hold, trades
from alpha_pipeline.backtesting.returns import bar_returns, forward_returns
from alpha_pipeline.backtesting.splits import Segment, Split, combinatorial, split, walk_forward
from alpha_pipeline.backtesting.study import FactorStudy, assumption_sensitivity, compare_factors, study_factor

__all__ = [
    "Account",
    "AccountMeasures",
    "BacktestConfig",
    "BacktestResult",
    "Bars",
    "DetailedMeasures",
    "EvaluationBars",
    "ExecutionBars",
    "FactorStudy",
    "Measures",
    "Segment",
    "Split",
    "assumption_sensitivity",
    "backtest",
    "bar_returns",
    "combinatorial",
    "compare_factors",
    "cpcv_paths",
    "detailed_measures",
    "forward_returns",
    "funding_payments",
    "hold",
    "ic_decay",
    "measure_factor",
    "measures_and_returns",
    "predictive_correlation",
    "quantile_returns",
    "rank_ic",
    "simulate_account",
    "split",
    "study_factor",
    "subsample_breakdown",
    "trades",
    "walk_forward",
    "walk_forward_book",
]
