"""The ledger of holdout accesses."""

from pathlib import Path

from alpha_pipeline.market.markets import CRYPTO, EQUITIES
from alpha_pipeline.resources.lake.holdout_access import holdout_accesses, record_holdout_access
from alpha_pipeline.resources.lake.lake import Lake


def test_every_holdout_access_is_counted(tmp_path: Path) -> None:
    """By market, beginning with zero."""
    lake = Lake(str(tmp_path))
    assert holdout_accesses(lake, CRYPTO) == 0
    assert [record_holdout_access(lake, CRYPTO, {"run": str(k)}) for k in range(3)] == [1, 2, 3]
    assert (holdout_accesses(lake, CRYPTO), holdout_accesses(lake, EQUITIES)) == (3, 0)
