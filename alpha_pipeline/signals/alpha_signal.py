"""
One thing one source says of one symbol at one moment, as a value: what a researcher hands to `fuse` from Python.

Stored and in bulk the same is a row of `tables.SOURCE_SIGNALS`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.signals.sources import LEAST, WEIGHTS
from alpha_pipeline.tables import SOURCE_SIGNALS


@dataclass(frozen=True)
class AlphaSignal:
    """
    A bounded signal.

    Args:
        timestamp: close of the bar of decision, with a time zone.
        symbol: traded instrument.
        signal_type: who says it: a name of the weight table.
        value: direction and strength in [-1, 1].
        confidence: how far to trust it, in [0, 1].
        source: where it came from, for a reader.
        metadata: whatever else; `reason` is shown with the decision.

    Raises:
        DataError: a number outside its bounds or not finite, a moment without a time zone, a type without a weight.
    """

    timestamp: pd.Timestamp
    symbol: str
    signal_type: str
    value: float
    confidence: float
    source: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        whose = f"{self.signal_type} of {self.symbol}"
        if self.signal_type not in WEIGHTS:
            raise DataError(f"{whose} has no weight; known types are {', '.join(sorted(WEIGHTS))}")
        if pd.isna(self.timestamp) or self.timestamp.tzinfo is None:
            raise DataError(f"{whose}: timestamp is {self.timestamp}; expected a moment with a time zone")
        for name, low in LEAST.items():
            if not low <= getattr(self, name) <= 1.0:
                raise DataError(f"{whose}: {name} is {getattr(self, name)}; expected a number in [{low:g}, 1]")

    @property
    def reason(self) -> str:
        """What is shown with the decision."""
        return str(self.metadata.get("reason", self.source))


def signal_rows(signals: Iterable[AlphaSignal]) -> pd.DataFrame:
    """Signals as rows of `tables.SOURCE_SIGNALS`, in the order given."""
    rows = [
        {
            "timestamp": one.timestamp.tz_convert("UTC"),
            "symbol": one.symbol,
            "source": one.signal_type,
            "value": float(one.value),
            "confidence": float(one.confidence),
            "reason": one.reason,
        }
        for one in signals
    ]
    return pd.DataFrame(rows) if rows else SOURCE_SIGNALS.empty()


def alpha_signals(rows: pd.DataFrame) -> list[AlphaSignal]:
    """Rows of `tables.SOURCE_SIGNALS` as values, in the order given."""
    names = ("timestamp", "symbol", "source", "value", "confidence", "reason")
    told = zip(*(rows[name] for name in names), strict=True)
    return [
        AlphaSignal(when, symbol, source, value, confidence, metadata={"reason": reason})
        for when, symbol, source, value, confidence, reason in told
    ]
