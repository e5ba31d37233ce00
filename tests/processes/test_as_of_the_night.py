"""Thirty run dates lived one by one, each with only the days there were, against one backfill of all of them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from alpha_pipeline.definitions import build_defs
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.llm.resource import LanguageModel
from tests.helpers.openai_server import OpenAIServer, Question, serving

pytestmark = pytest.mark.slow

MARKET = "equities"
NIGHTS = [str(day.date()) for day in pd.date_range("2019-07-01", "2019-07-30")]
PRICES = (
    "ohlcv_history",
    "raw_ohlcv",
    "raw_funding",
    "raw_derivatives",
    "raw_news",
    "raw_social",
    "raw_onchain",
    "market_panel",
)
MINED = ("factor_definitions", "factor_library")
KNOBS = {"ops": {"equities__factor_definitions": {"config": {"rounds": 1, "proposals_per_round": 3, "batch": 3}}}}
FORMULAS = [
    "ts_zscore(close, {w})", "cs_rank(volume) * ts_return(close, {w})", "-ts_corr(close, volume, {w})",
    "ts_zscore(clsoe, {w})", "ts_rank(volume, {w})", "delay(close, -{w})", "ts_std(ts_return(close, 1), {w})",
]  # fmt: skip


def answer(question: Question) -> str:
    """Factors that follow from every word of the question: other knowledge, another answer."""
    text = "".join(message["content"] for message in question["messages"])
    digest = hashlib.sha256(text.encode()).digest()
    picked = [FORMULAS[byte % len(FORMULAS)].format(w=5 + byte) for byte in digest[:3]]
    return "\n".join(f'{{"name": "n{i}", "expression": "{formula}"}}' for i, formula in enumerate(picked))


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with serving(OpenAIServer(answer)) as found:
        yield found


def materialize(lake: Path, server: OpenAIServer, tables: tuple[str, ...], first: str, last: str = "") -> None:
    """One run, of a day or of a range, with the real definitions and doors."""
    model = LanguageModel(base_url=server.url, model="by-the-question")
    defs = build_defs({"model": model, "lake": ParquetIOManager(root=str(lake))})
    keys = [dg.AssetKey([MARKET, table]) for table in tables]
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last} if last else None
    with dg.DagsterInstance.ephemeral() as instance:
        done = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=keys,
            instance=instance,
            partition_key=None if last else first,
            tags=tags,
            run_config=KNOBS if "factor_definitions" in tables else None,
        )
    assert done.success
    if "factor_definitions" in tables:
        assert any(event.event_type_value == "ASSET_OBSERVATION" for event in done.all_events)


def stored(lake: Path, table: str) -> pd.DataFrame:
    """Every day that is stored, without the time the model took."""
    files = [lake / MARKET / table / f"day={run_date}" / "part-0.parquet" for run_date in NIGHTS]
    return pd.concat([pd.read_parquet(file) for file in files]).drop(columns="model_seconds", errors="ignore")


def test_a_backfill_relives_what_was_lived(server: OpenAIServer, tmp_path: Path) -> None:
    """Same questions, trials and library, every digit; run dates differ from each other because what is known grows."""
    live, backfill = tmp_path / "live", tmp_path / "backfill"
    for run_date in NIGHTS:
        materialize(live, server, PRICES, run_date) if run_date == NIGHTS[0] else materialize(
            live, server, PRICES[1:], run_date
        )
        materialize(live, server, MINED, run_date)
    materialize(backfill, server, PRICES, NIGHTS[0], NIGHTS[-1])
    asked = len(server.requests)
    materialize(backfill, server, MINED, NIGHTS[0], NIGHTS[-1])
    assert len(server.requests) - asked == asked
    for table in MINED:
        pd.testing.assert_frame_equal(stored(live, table), stored(backfill, table), check_exact=True)
    rows = stored(live, MINED[0])
    mined = rows[rows["proposer"] == "model"]
    assert len(mined) == 3 * len(NIGHTS) and mined["valid_t_stat"].notna().sum() > len(NIGHTS)
    assert mined["request_hash"].nunique() >= len(NIGHTS)
