"""Deadlines follow the calendars, and the embedded data have none."""

from dataclasses import replace

import pytest

from alpha_pipeline.assets.wiring import freshness as module
from alpha_pipeline.assets.wiring.freshness import freshness_policy
from alpha_pipeline.market.markets import CRYPTO, EQUITIES, Market


@pytest.mark.parametrize(
    ("group", "name", "market", "deadline"),
    [
        ("raw", "raw_ohlcv", CRYPTO, "0 7 * * *"),
        ("raw", "raw_news", EQUITIES, "0 7 * * 2-6"),
        ("raw", "ohlcv_history", CRYPTO, None),
        ("signal", "fused_signal", None, "0 7 * * *"),
        ("report", "nightly_report", None, "0 7 * * *"),
        ("mining", "factor_library", CRYPTO, None),
    ],
)
def test_deadlines(
    monkeypatch: pytest.MonkeyPatch, group: str, name: str, market: Market | None, deadline: str | None
) -> None:
    """Every morning, or the mornings after a weekday's session."""
    assert freshness_policy(group, name, market) is None
    monkeypatch.setattr(module, "LIVE", True)
    policy = freshness_policy(group, name, market and replace(market, source="live"))
    assert (policy.deadline_cron if policy else None) == deadline  # type: ignore[union-attr]  # of the cron policy
