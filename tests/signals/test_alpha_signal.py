"""`AlphaSignal`: bounds, and conversion to rows."""

import math

import pandas as pd
import pytest

from alpha_pipeline.errors import DataError
from alpha_pipeline.fusion.fused_signal import fuse
from alpha_pipeline.signals.alpha_signal import AlphaSignal, alpha_signals, signal_rows
from alpha_pipeline.tables import SOURCE_SIGNALS

NOON = pd.Timestamp("2019-09-30 12:00", tz="UTC")
NEWS = AlphaSignal(NOON, "BTCUSD", "sentiment_news", 0.6, 0.8, "RSS", {"reason": "two headlines"})


@pytest.mark.parametrize(
    ("changed", "signals"),
    [
        ({"value": 1.01}, "value is 1.01; expected a number in [-1, 1]"),
        ({"value": math.nan}, "value is nan"),
        ({"confidence": -0.1}, "confidence is -0.1; expected a number in [0, 1]"),
        ({"confidence": math.inf}, "confidence is inf"),
        ({"timestamp": pd.Timestamp("2019-09-30")}, "expected a time with a time zone"),
        ({"timestamp": pd.NaT}, "timestamp is NaT"),
        ({"signal_type": "tea_leaves"}, "tea_leaves of BTCUSD has no weight"),
    ],
)
def test_what_is_out_of_bounds_is_refused(changed: dict[str, object], signals: str) -> None:
    """The error names the number, the source and the bounds."""
    values = {"timestamp": NOON, "symbol": "BTCUSD", "signal_type": "sentiment_news", "value": 0.6, "confidence": 0.8}
    with pytest.raises(DataError) as error:
        AlphaSignal(**{**values, **changed})  # type: ignore[arg-type]  # some are wrong on purpose
    assert signals in str(error.value)


def test_a_signal_and_its_row_are_the_same() -> None:
    """Round trip in UTC, in the columns of the table; no signals give an empty table."""
    here = AlphaSignal(NOON.tz_convert("Asia/Tokyo"), "ETHUSD", "funding", -1.0, 0.0, "Bybit")
    rows = SOURCE_SIGNALS.conform(signal_rows([NEWS, here])).to_pandas()
    assert rows["reason"].tolist() == ["two headlines", "Bybit"]
    assert rows["timestamp"].tolist() == [NOON, NOON]
    again = alpha_signals(rows)
    pd.testing.assert_frame_equal(signal_rows(again), rows, check_dtype=False)
    pd.testing.assert_frame_equal(signal_rows([]), SOURCE_SIGNALS.empty())


def test_signals_made_by_hand_are_fused() -> None:
    """Value and reasons come from the given signals."""
    price = AlphaSignal(NOON, "BTCUSD", "price_momentum", 0.2, 0.4, metadata={"reason": "slow"})
    row = fuse({"crypto": signal_rows([NEWS, price])}).iloc[0]
    assert row["value"] == pytest.approx((0.2 * 0.8 * 0.6 + 0.25 * 0.4 * 0.2) / (0.2 * 0.8 + 0.25 * 0.4))
    assert "two headlines" in row["reasons"] and "slow" in row["reasons"]
