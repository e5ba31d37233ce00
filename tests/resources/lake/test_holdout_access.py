"""The count of looks at the sealed bars."""

from pathlib import Path

from alpha_pipeline.market.markets import CRYPTO, EQUITIES
from resources.lake.holdout_access import openings, record_holdout_access
from resources.lake.lake import Lake


def test_every_look_at_the_sealed_bars_is_counted(tmp_path: Path) -> None:
    """By market, for good; none before the first."""
    lake = Lake(str(tmp_path))
    assert openings(lake, CRYPTO) == 0
    assert [record_holdout_access(lake, CRYPTO, {"run": str(k)}) for k in range(3)] == [1, 2, 3]
    assert (openings(lake, CRYPTO), openings(lake, EQUITIES)) == (3, 0)
