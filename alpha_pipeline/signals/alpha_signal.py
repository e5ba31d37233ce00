"""
A signal of one source for one symbol as a value object, for use from Python.

Stored signals are rows of `tables.SOURCE_SIGNALS`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.signals.sources import MINIMUM, WEIGHTS
from alpha_pipeline.tables import SOURCE_SIGNALS


@dataclass(frozen=True)
class AlphaSignal:
    """
    A bounded signal.

    Args:
        timestamp: close of the bar of decision, with a time zone.
        symbol: traded instrument.
        signal_type: name of a source in the weight table.
        value: direction and strength in [-1, 1].
        confidence: in [0, 1].
        source: origin of the data.
        metadata: further facts; `reason` is shown with the decision.

    Raises:
        DataError: a number out of bounds or not finite, a timestamp without a time zone, a type without a weight.
    """

    timestamp: pd.Timestamp
    symbol: str
    signal_type: str
    value: float
    confidence: float
    source: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        subject = f"{self.signal_type} of {self.symbol}"
        if self.signal_type not in WEIGHTS:
            raise DataError(f"{subject} has no weight; known types are {', '.join(sorted(WEIGHTS))}")
        if pd.isna(self.timestamp) or self.timestamp.tzinfo is None:
            raise DataError(f"{subject}: timestamp is {self.timestamp}; expected a time with a time zone")
        for name, low in MINIMUM.items():
            if not low <= getattr(self, name) <= 1.0:
                raise DataError(f"{subject}: {name} is {getattr(self, name)}; expected a number in [{low:g}, 1]")

    @property
    def reason(self) -> str:
        """Text shown with the decision."""
        return str(self.metadata.get("reason", self.source))


def signal_rows(signals: Iterable[AlphaSignal]) -> pd.DataFrame:
    """Signals as rows of `tables.SOURCE_SIGNALS`, in the order given."""
    rows = [
        {
            "timestamp": signal.timestamp.tz_convert("UTC"),
            "symbol": signal.symbol,
            "source": signal.signal_type,
            "value": float(signal.value),
            "confidence": float(signal.confidence),
            "reason": signal.reason,
        }
        for signal in signals
    ]
    return pd.DataFrame(rows) if rows else SOURCE_SIGNALS.empty()


def alpha_signals(rows: pd.DataFrame) -> list[AlphaSignal]:
    """Rows of `tables.SOURCE_SIGNALS` as values, in the order given."""
    names = ("timestamp", "symbol", "source", "value", "confidence", "reason")
    return [
        AlphaSignal(timestamp, symbol, source, value, confidence, metadata={"reason": reason})
        for timestamp, symbol, source, value, confidence, reason in zip(*(rows[name] for name in names), strict=True)
    ]
