"""The library's factors, measured as of a run date on one segment of the bars before it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting import metrics
from alpha_pipeline.backtesting.breakdown import long_enough
from alpha_pipeline.backtesting.cross_validation import combined, walk_forward_book
from alpha_pipeline.backtesting.details import details
from alpha_pipeline.backtesting.funding import funding_payments
from alpha_pipeline.backtesting.measures import EvaluationBars, scored
from alpha_pipeline.backtesting.missing_measures import spelled, why_undefined
from alpha_pipeline.backtesting.portfolio import BacktestConfig
from alpha_pipeline.backtesting.splits import HISTORY_BARS, Segment, split
from alpha_pipeline.backtesting.study import FactorStudy, study
from alpha_pipeline.factors.values import evaluate_all, library_nodes
from alpha_pipeline.market.markets import Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.statistics import deflated_sharpe
from alpha_pipeline.statistics.superior_ability import family_tests
from alpha_pipeline.tables import BREAKDOWN, METRICS
from alpha_pipeline.typing import Array

CutoffOf = Callable[[str], pd.Timestamp | None]


@dataclass(frozen=True)
class LibraryBacktest:
    """
    Factors active ready to be measured, each in the direction it is traded.

    Args:
        market: of the panel.
        panel: bars up to the end of the segment; those before it warm up.
        start: first bar of the segment.
        factors: rows of `tables.LIBRARY`, in the order of the values.
        values: (bars, symbols) by factor_id, turned round where the weight is negative.
        funding: payments of holders on the panel's bars; None where nothing is paid.
        cutoff_of: the training cutoff of a model by its name.
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
        segment: Callable[[int, int], Segment],
        funding: pd.DataFrame | None = None,
        cutoff_of: CutoffOf = lambda model: None,
    ) -> "LibraryBacktest":
        """
        Evaluate a run date's library.

        Args:
            library: rows of `tables.LIBRARY` of one run date; retired factors are left out.
            panel: bars up to the run date.
            market: of the panel.
            segment: from bars and horizon to the bars to measure on: `validation` or `sealed`.
            funding: rows of `tables.RAW_FUNDING`; nothing is paid by default.
            cutoff_of: the training cutoff of a model by its name.

        Raises:
            DataError: too few bars to split.
        """
        active = library[library["status"] != "retired"].reset_index(drop=True)
        known = panel.rows(-min(panel.shape[0], HISTORY_BARS), None)
        start, stop = segment(known.shape[0], market.horizon_bars) if len(active) else (0, 0)
        known = known.rows(0, stop)
        values = evaluate_all(library_nodes(active, market), known) if len(active) else {}
        turned = {str(f.factor_id): -values[str(f.factor_id)] for f in active.itertuples() if float(f.weight) < 0}  # type: ignore[arg-type]  # rows of pandas are untyped
        fill = BacktestConfig.of(market).fill
        paid = funding_payments(funding, known, fill) if funding is not None and len(funding) else None
        return cls(market, known, start, active, values | turned, paid, cutoff_of)

    def measured(self, trials: pd.DataFrame) -> pd.DataFrame:
        """
        One row of `tables.METRICS` per factor.

        Args:
            trials: rows of `tables.TRIALS` of the run date and all before it; their number and spread deflate.
        """
        if self.factors.empty:
            return METRICS.empty()
        piece, paid = self.panel.rows(self.start, None), self._paid()
        stretch = EvaluationBars.of(piece, self.market, funding=paid)
        tried, variance = trial_statistics(trials, self.market)
        rows, series = [], {}
        for factor in self.factors.to_dict("records"):
            name = str(factor["factor_id"])
            values = self.values[name][self.start :]
            found, net = scored(values, stretch)
            series[name] = np.concatenate([np.zeros(piece.shape[0] - 1 - len(net)), net])
            per_bar, skewness, kurtosis = (found.pop(k) for k in ("sharpe_per_bar", "skewness", "kurtosis"))
            belief = deflated_sharpe(per_bar, int(found["bars"]), skewness, kurtosis, tried, variance)
            more = details(values, piece, self.market, funding=paid)
            head = {key: factor[key] for key in ("run_date", "factor_id", "status")}
            rows.append({**head, **found, **more, "deflated_sharpe": belief, **self._after_cutoff(name, net)})
        table = pd.DataFrame(rows)
        table = table.assign(**family_tests(np.column_stack([series[name] for name in table["factor_id"]])))
        return table.assign(
            undefined=[spelled(why_undefined({str(k): v for k, v in row.items()})) for row in table.to_dict("records")]
        )

    def parts(self, combinations: bool = False) -> pd.DataFrame:
        """
        Rows of `tables.BREAKDOWN`: every factor by part: slices, horizons, quantiles, walks, protocols.

        Args:
            combinations: the paths of combinatorial purged cross-validation too.
        """
        if self.factors.empty:
            return BREAKDOWN.empty()
        walks = (walk_forward_book, combined) if combinations else (walk_forward_book,)
        frames = []
        for factor in self.factors.to_dict("records"):
            name = str(factor["factor_id"])
            found = self.study(name)
            lived = [walk(self.values[name], self.panel, self.market, None, self.funding) for walk in walks]
            switched = found.protocol.assign(
                kind="protocol: " + found.protocol["switch"], slice=found.protocol["setting"]
            )
            curves = [_decay(found), _quantiles(found), *lived]
            both = pd.concat([found.slices, *curves, switched[["kind", "slice", "sharpe"]]], ignore_index=True)
            frames.append(
                both.assign(run_date=factor["run_date"], factor_id=factor["factor_id"], part=np.arange(len(both)))
            )
        return pd.concat(frames, ignore_index=True).fillna({"bars": 0})

    def study(self, name: str) -> FactorStudy:
        """One factor in detail on the segment."""
        return study(
            self.values[name],
            self.panel,
            self.market,
            funding=self.funding,
            cutoff=self._cutoff(name),
            start=self.start,
        )

    def _paid(self) -> Array | None:
        return None if self.funding is None else self.funding[self.start :]

    def _cutoff(self, name: str) -> pd.Timestamp | None:
        return self.cutoff_of(str(self.factors.set_index("factor_id").loc[name, "model"] or ""))

    def _after_cutoff(self, name: str, net: Array) -> dict[str, object]:
        """What it earned on bars its writer cannot have read of: the headline where there is a cutoff."""
        cutoff = self._cutoff(name)
        if cutoff is None:
            return {"cutoff": pd.NaT, "bars_after_cutoff": 0, "sharpe_after_cutoff": np.nan}
        earned = self.panel.timestamps[-1 - len(net) : -1]  # the last bar has no return
        closes = pd.DatetimeIndex(earned).tz_localize("UTC")
        late = net[np.asarray(closes > cutoff)]
        known = long_enough(len(late), self.market)
        sharpe = metrics.sharpe(late, self.market.periods_per_year) if known else np.nan
        return {"cutoff": cutoff, "bars_after_cutoff": len(late), "sharpe_after_cutoff": sharpe}


def validation(bars: int, horizon_bars: int) -> Segment:
    """What the judge decides on: its numbers flatter what was chosen by them."""
    return split(bars, horizon_bars).valid


def sealed(bars: int, horizon_bars: int) -> Segment:
    """What no writer and no judge has seen; every look at it is counted."""
    return split(bars, horizon_bars).open_test()


def _decay(found: FactorStudy) -> pd.DataFrame:
    horizons = [f"{bars} bars" for bars in found.ic_decay]
    return pd.DataFrame({"kind": "horizon", "slice": horizons, "rank_ic": list(found.ic_decay.values())})


def _quantiles(found: FactorStudy) -> pd.DataFrame:
    names = [f"{number} of {len(found.quantiles)}" for number in range(1, len(found.quantiles) + 1)]
    return pd.DataFrame({"kind": "quantile", "slice": names, "mean_return": found.quantiles})


def trial_statistics(trials: pd.DataFrame, market: Market) -> tuple[int, float]:
    """How many factors were ever measured, and the variance of their Sharpe ratios per bar on train and validation."""
    measured = trials["train_valid_sharpe"].dropna()
    per_bar = measured / np.sqrt(market.periods_per_year)
    return max(len(measured), 1), float(per_bar.var(ddof=1)) if len(measured) > 1 else 0.0
