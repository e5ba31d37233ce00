"""Backtest metrics and subsample breakdown of the library as of a run date, on one segment of the bars before it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import BacktestConfig, Bars, metrics
from alpha_pipeline.backtesting.breakdown import long_enough
from alpha_pipeline.backtesting.cross_validation import cpcv_paths, walk_forward_book
from alpha_pipeline.backtesting.details import detailed_measures
from alpha_pipeline.backtesting.funding import funding_payments
from alpha_pipeline.backtesting.measures import EvaluationBars, measures_and_returns
from alpha_pipeline.backtesting.missing_measures import join_reasons, undefined_reasons
from alpha_pipeline.backtesting.splits import Segment, Split, market_split, recent_history
from alpha_pipeline.backtesting.study import FactorStudy, study_factor
from alpha_pipeline.factors.values import evaluate_all, library_nodes
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.statistics.superior_ability import family_tests
from alpha_pipeline.tables import BREAKDOWN, METRICS
from alpha_pipeline.typing import Array

CutoffOf = Callable[[str], pd.Timestamp | None]

# Measures that only the deflated Sharpe ratio needs; not stored.
MOMENTS = ("sharpe_per_bar", "skewness", "kurtosis")


@dataclass(frozen=True)
class LibraryBacktest:
    """
    Values of the active factors on one segment, each in the direction it is traded.

    Args:
        market: of the panel.
        panel: bars up to the end of the segment; earlier bars are warm-up.
        start: first bar of the segment.
        factors: rows of `tables.LIBRARY`, in the order of the values.
        values: (bars, symbols) by factor_id, with the sign reversed where the weight is negative.
        funding: payments of holders on the panel's bars; None without funding.
        cutoff_of: training cutoff by model name.
    """

    market: Market
    panel: Panel
    start: int
    factors: pd.DataFrame
    values: dict[str, Array]
    funding: Array | None
    cutoff_of: CutoffOf

    @classmethod
    def of(
        cls,
        library: pd.DataFrame,
        panel: Panel,
        market: Market,
        segment: Callable[[Split], Segment],
        funding: pd.DataFrame | None = None,
        cutoff_of: CutoffOf = lambda model: None,
    ) -> "LibraryBacktest":
        """
        Evaluate the library of a run date.

        Args:
            library: rows of `tables.LIBRARY` of one run date; retired factors are left out.
            panel: bars up to the run date.
            market: of the panel.
            segment: evaluation bars of a split: `validation_segment` or `holdout_segment`.
            funding: rows of `tables.RAW_FUNDING`; none by default.
            cutoff_of: training cutoff by model name.

        Raises:
            DataError: too few bars to split.
        """
        active = library[library["status"] != "retired"].reset_index(drop=True)
        history = recent_history(panel, market)
        start, stop = segment(market_split(history.timestamps, market)) if len(active) else (0, 0)
        history = history.rows(0, stop)
        values = evaluate_all(library_nodes(active, market), history) if len(active) else {}
        reversed_values = {name: -values[name] for name in active.loc[active["weight"] < 0, "factor_id"].map(str)}
        fill = BacktestConfig.of(market).fill
        paid = funding_payments(funding, history, fill) if funding is not None and len(funding) else None
        return cls(market, history, start, active, values | reversed_values, paid, cutoff_of)

    def metrics(self, trials: pd.DataFrame) -> pd.DataFrame:
        """
        One row of `tables.METRICS` per factor.

        Args:
            trials: rows of `tables.TRIALS` up to the run date, which have the deflated Sharpe ratio of each factor.
        """
        if self.factors.empty:
            return METRICS.empty()
        bars = self._bars.rows(self.start, None)
        evaluation = EvaluationBars.of(bars)
        deflated = trials.drop_duplicates("factor_id", keep="last").set_index("factor_id")["deflated_sharpe"]
        rows, returns = [], {}
        for factor in self.factors.to_dict("records"):
            name = str(factor["factor_id"])
            values = self.values[name][self.start :]
            measures, net = measures_and_returns(values, evaluation)
            returns[name] = np.concatenate([np.zeros(bars.panel.shape[0] - 1 - len(net)), net])
            row = {k: v for k, v in measures.to_row().items() if k not in MOMENTS} | detailed_measures(
                values, bars
            ).to_row()
            keys = {key: factor[key] for key in ("run_date", "factor_id", "status")}
            rows.append(
                {**keys, **row, "deflated_sharpe": float(deflated.get(name, np.nan)), **self._after_cutoff(name, net)}
            )
        table = pd.DataFrame(rows)
        table = table.assign(**family_tests(np.column_stack([returns[name] for name in table["factor_id"]])))
        return table.assign(
            undefined_measures=[
                join_reasons(undefined_reasons({str(k): v for k, v in row.items()})) for row in table.to_dict("records")
            ]
        )

    def breakdown(self, combinations: bool = False) -> pd.DataFrame:
        """
        Rows of `tables.BREAKDOWN`: each factor by subsample, horizon and quantile, walk-forward, and by assumption.

        Args:
            combinations: also the paths of combinatorial purged cross-validation.
        """
        if self.factors.empty:
            return BREAKDOWN.empty()
        schemes = (walk_forward_book, cpcv_paths) if combinations else (walk_forward_book,)
        frames = []
        for factor in self.factors.to_dict("records"):
            name = str(factor["factor_id"])
            study = self.study_factor(name)
            validated = [scheme(self.values[name], self._bars) for scheme in schemes]
            assumptions = study.sensitivity.assign(
                kind="assumption: " + study.sensitivity["assumption"], subsample=study.sensitivity["setting"]
            )[["kind", "subsample", "sharpe"]]
            parts = [study.breakdown, _decay(study), _quantiles(study), *validated, assumptions]
            table = pd.concat(parts, ignore_index=True)
            keys = {"run_date": factor["run_date"], "factor_id": name, "subsample_number": np.arange(len(table))}
            frames.append(table.assign(**keys))
        return pd.concat(frames, ignore_index=True).fillna({"bars": 0})

    def study_factor(self, name: str) -> FactorStudy:
        """Detailed study of one factor on the segment."""
        return study_factor(self.values[name], self._bars, self._cutoff(name), self.start)

    @property
    def _bars(self) -> Bars:
        return Bars.of(self.panel, self.market, funding=self.funding)

    def _cutoff(self, name: str) -> pd.Timestamp | None:
        return self.cutoff_of(str(self.factors.set_index("factor_id").loc[name, "model"] or ""))

    def _after_cutoff(self, name: str, net: Array) -> dict[str, object]:
        """Training cutoff of the model that wrote the factor, and the Sharpe ratio on the bars after it."""
        cutoff = self._cutoff(name)
        if cutoff is None:
            return {"training_cutoff": pd.NaT, "bars_after_cutoff": 0, "sharpe_after_cutoff": np.nan}
        timestamps = self.panel.timestamps[-1 - len(net) : -1]  # the last bar has no return
        closes = pd.DatetimeIndex(timestamps).tz_localize("UTC")
        late = net[np.asarray(closes > cutoff)]
        is_long = long_enough(len(late), self.market)
        sharpe = metrics.sharpe(late, self.market.periods_per_year) if is_long else np.nan
        return {"training_cutoff": cutoff, "bars_after_cutoff": len(late), "sharpe_after_cutoff": sharpe}


def validation_segment(split: Split) -> Segment:
    """Bars the judge selects on; their measures are biased upwards for the selected factors."""
    return split.valid


def holdout_segment(split: Split) -> Segment:
    """Holdout bars that neither writer nor judge has seen; each access is counted."""
    return split.open_test()


def _decay(study: FactorStudy) -> pd.DataFrame:
    horizons = [f"{bars} bars" for bars in study.ic_decay]
    return pd.DataFrame({"kind": "horizon", "subsample": horizons, "rank_ic": list(study.ic_decay.values())})


def _quantiles(study: FactorStudy) -> pd.DataFrame:
    names = [f"{number} of {len(study.quantiles)}" for number in range(1, len(study.quantiles) + 1)]
    return pd.DataFrame({"kind": "quantile", "subsample": names, "mean_return": study.quantiles})
