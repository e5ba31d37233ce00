"""Decisions, outcomes, paper accounts and exports in real runs of the graph, on a lake made by hand."""

import json
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from alpha_pipeline.definitions import build_defs
from alpha_pipeline.outcomes.paper_account import CASH
from alpha_pipeline.resources.http.webhook import SignalWebhook
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.tables import FUSED_SIGNAL
from tests.resources.conftest import StandIn

DAYS = [str(day.date()) for day in pd.date_range("2019-07-01", "2019-07-06")]
LEDGERS = ("decision_ledger", "signal_track_record", "paper_ledger")
FLIPPED = {"LONG": "SHORT", "SHORT": "LONG", "HOLD": "LONG"}
SECRET = "hook-5ecre7"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Hourly prices and a midnight decision of three coins on six days."""
    lake = Lake(str(tmp_path / "lake"))
    write_prices(lake)
    rng = np.random.default_rng(1)
    for day in DAYS:
        write_signal(
            lake, day, crypto=dict(zip(("BTCUSDT", "ETHUSDT", "XRPUSDT"), rng.permutation([*FLIPPED]), strict=True))
        )
    return lake


def write_prices(lake: Lake, factor: float = 1.0) -> None:
    """Random walks; `factor` revises all of them."""
    times = pd.date_range("2019-07-01 01:00", periods=24 * len(DAYS), freq="h", tz="UTC")
    walks = 100 * factor * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, (len(times), 3)), axis=0))
    wide = pd.DataFrame(walks, index=times, columns=["BTCUSDT", "ETHUSDT", "XRPUSDT"])
    long = wide.rename_axis("timestamp").melt(ignore_index=False, var_name="symbol", value_name="close").reset_index()
    lake.write_range("crypto/market_panel", long, DAYS[0], DAYS[-1])


def write_signal(lake: Lake, day: str, **markets: dict[str, str]) -> None:
    """Rows of fused_signal of a day."""
    end = pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=1)
    rows = [
        {"timestamp": end, "market": market, "symbol": s, "decision": d, "value": 0.5, "confidence": 0.6}
        for market, decisions in markets.items()
        for s, d in decisions.items()
    ]
    table = pd.DataFrame(rows).assign(sources=1, coverage=0.5, reasons="=cmd", breakdown="{}")
    lake.write_range("fused_signal", FUSED_SIGNAL.complete(table), day, day)


@lru_cache(maxsize=2)
def graph(root: str, url: str) -> dg.JobDefinition:
    """The real definitions over a lake and a receiver."""
    hook = SignalWebhook(url=url, wait_seconds=0.01, timeout_seconds=1.0)
    doors = {"lake": ParquetIOManager(root=root), "webhook": hook}
    return build_defs(doors).resolve_implicit_global_asset_job_def()


def materialize(lake: Lake, *tables: str, first: str, last: str = "", url: str = "") -> dg.ExecuteInProcessResult:
    """One run, of a day or of a range, with the real definitions."""
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last} if last else None
    with dg.DagsterInstance.ephemeral() as instance:
        done = graph(lake.root, url).execute_in_process(
            asset_selection=[dg.AssetKey(table) for table in tables],
            instance=instance,
            partition_key=None if last else first,
            tags=tags,
        )
    assert done.success
    return done


def files(lake: Lake, *tables: str) -> dict[str, bytes]:
    """Every file of the tables, as it is on the disk."""
    root = Path(lake.root)
    return {str(path.relative_to(root)): path.read_bytes() for table in tables for path in root.glob(f"{table}/*/*")}


def test_the_published_decision_is_scored(lake: Lake) -> None:
    """A run date rewritten before its outcome is known keeps its first decision, in the record and in the account."""
    first = lake.read("fused_signal", DAYS[0], DAYS[0])
    materialize(lake, *LEDGERS, first=DAYS[0])
    write_signal(lake, DAYS[0], crypto={s: FLIPPED[d] for s, d in zip(first["symbol"], first["decision"], strict=True)})
    again = materialize(lake, "decision_ledger", first=DAYS[0])
    assert again.asset_materializations_for_node("decision_ledger")[0].metadata["differing_now"].value == 3
    for day in DAYS[1:3]:
        materialize(lake, *LEDGERS, first=day)
    record = lake.read("signal_track_record")
    scored = record[record["decided_at"] == first["timestamp"].iloc[0]]
    assert scored.set_index("symbol")["decision"].to_dict() == first.set_index("symbol")["decision"].to_dict()
    paper = lake.read("paper_ledger", DAYS[0], DAYS[0]).set_index("symbol")["target"]
    sign = first.set_index("symbol")["decision"].map({"LONG": 0.1, "SHORT": -0.1, "HOLD": 0.0})
    assert paper.drop(CASH).to_dict() == sign[sign != 0].to_dict()


def test_rows_once_stored_stay_byte_for_byte(lake: Lake) -> None:
    """Run dates rewritten, prices revised, days materialized again, a backfill over all: nothing stored changes."""
    for day in DAYS[:4]:
        materialize(lake, *LEDGERS, first=day)
    before = files(lake, *LEDGERS)
    assert len(lake.read("signal_track_record")) == 6 and len(before) == 12
    write_prices(lake, factor=3.0)
    for day in DAYS[:4]:
        write_signal(lake, day, crypto={"BTCUSDT": "LONG", "ETHUSDT": "LONG", "NEWUSDT": "LONG"})
    materialize(lake, *LEDGERS, first=DAYS[1])
    assert files(lake, *LEDGERS) == before
    materialize(lake, *LEDGERS, first=DAYS[0], last=DAYS[-1])
    after = files(lake, *LEDGERS)
    assert {name: after[name] for name in before} == before
    assert len(after) == 18 and len(lake.read("decision_ledger")) == 18
    record = lake.read("signal_track_record")
    assert not record.duplicated(["market", "symbol", "decided_at"]).any()


def test_a_day_without_a_session_is_not_lost(lake: Lake) -> None:
    """The fourth of July: no panel is stored of it, and the decision before it is scored on the fifth."""
    closes = pd.to_datetime([f"{day} 20:00" for day in (*DAYS[1:3], DAYS[4])], utc=True)
    bars = pd.DataFrame({"timestamp": closes, "symbol": "AAPL", "close": [100.0, 100.0, 110.0]})
    for day in (*DAYS[1:3], DAYS[4]):
        lake.write_range("equities/market_panel", bars[bars["timestamp"].dt.date.astype(str) == day], day, day)
    said = lake.read("fused_signal", DAYS[1], DAYS[1]).head(1)
    said = said.assign(market="equities", symbol="AAPL", timestamp=closes[0], decision="LONG")
    lake.write_range("fused_signal", said, DAYS[1], DAYS[1])
    materialize(lake, "decision_ledger", "signal_track_record", first=DAYS[1], last=DAYS[4])
    record = lake.read("signal_track_record", DAYS[1], DAYS[4]).set_index("symbol")
    assert record.loc["AAPL", "forward_return"] == pytest.approx(0.1)


def test_a_split_is_no_loss(lake: Lake) -> None:
    """Two shares for one at half the price, stored on the run dates before and after: the record sees no move."""
    closes = pd.to_datetime([f"{day} 20:00" for day in DAYS[:4]], utc=True)
    bars = pd.DataFrame({"timestamp": closes, "symbol": "AAPL", "close": [100.0, 100.0, 50.0, 50.0], "split": 0.0})
    bars.loc[2, "split"] = 2.0
    lake.write_range("equities/market_panel", bars, DAYS[0], DAYS[3])
    said = lake.read("fused_signal", DAYS[0], DAYS[0]).head(1)
    said = said.assign(market="equities", symbol="AAPL", timestamp=closes[0], decision="LONG")
    lake.write_range("fused_signal", said, DAYS[0], DAYS[0])
    for day in DAYS[:3]:
        materialize(lake, "decision_ledger", "signal_track_record", first=day)
    record = lake.read("signal_track_record").set_index("symbol")
    assert record.loc["AAPL", "forward_return"] == 0 and record.loc["AAPL", "timestamp"] == closes[2]


def test_a_missing_day_is_no_later_fill(lake: Lake) -> None:
    """A day without a panel: decisions that would be filled on it are not scored at the prices of the day after."""
    shutil.rmtree(Path(lake.root) / "crypto" / "market_panel" / f"day={DAYS[2]}")
    for day in (DAYS[0], DAYS[1], *DAYS[3:]):
        materialize(lake, "decision_ledger", "signal_track_record", first=day)
    record = lake.read("signal_track_record", allow_missing=True)
    assert (record["timestamp"] - record["decided_at"] == pd.Timedelta(hours=25)).all()
    assert set(record["decided_at"].dt.day) == {5} and len(record) == 3  # that of the fourth, at its midnight


def test_an_outcome_known_at_another_bar_later_is_not_scored_twice(lake: Lake) -> None:
    """A session that was missing and came with a revision moves the outcome to another day; the first one stands."""
    sessions = (*DAYS[:3], DAYS[4])
    closes = pd.to_datetime([f"{day} 20:00" for day in sessions], utc=True)
    bars = pd.DataFrame({"timestamp": closes, "symbol": "AAPL", "close": [100.0, 100.0, 110.0, 121.0]})
    lake.write_range("equities/market_panel", bars.drop(index=1), DAYS[0], DAYS[4])
    write_signal(lake, DAYS[0], equities={"AAPL": "LONG"})
    signal = lake.read("fused_signal", DAYS[0], DAYS[0]).assign(timestamp=closes[0])
    lake.write_range("fused_signal", signal, DAYS[0], DAYS[0])
    for day in DAYS[:5]:
        materialize(lake, *LEDGERS, first=day)
    late = lake.read("signal_track_record").query("market == 'equities'")
    assert late["timestamp"].tolist() == [closes[3]]
    lake.write_range("equities/market_panel", bars, DAYS[0], DAYS[4])
    for day in DAYS[:5]:
        materialize(lake, "signal_track_record", first=day)
    pd.testing.assert_frame_equal(lake.read("signal_track_record").query("market == 'equities'"), late)


def test_an_hour_that_came_later_moves_no_outcome(lake: Lake) -> None:
    """An hour without any bar is carried: the outcome is known when it is with that hour."""
    panel = lake.read("crypto/market_panel", DAYS[1], DAYS[1])
    lake.write_range("crypto/market_panel", panel[panel["timestamp"].dt.hour != 5], DAYS[1], DAYS[1])
    for day in DAYS[:3]:
        materialize(lake, *LEDGERS, first=day)
    record = lake.read("signal_track_record")
    assert (record["timestamp"] - record["decided_at"] == pd.Timedelta(hours=25)).all()


def test_a_market_that_closes_later_joins_the_day(lake: Lake) -> None:
    """The second run date of a day adds its own decisions and account; the first one's rows stay."""
    materialize(lake, *LEDGERS, first=DAYS[0])
    before = lake.read("paper_ledger"), lake.read("decision_ledger")
    close = pd.Timestamp(f"{DAYS[0]} 20:00", tz="UTC")
    lake.write_range(
        "equities/market_panel",
        pd.DataFrame({"timestamp": [close], "symbol": ["AAPL"], "close": [200.0]}),
        DAYS[0],
        DAYS[0],
    )
    materialize(lake, "paper_ledger", first=DAYS[0])
    assert set(lake.read("paper_ledger")["market"]) == {"crypto"}  # priced, but not decided yet
    write_signal(lake, DAYS[0], crypto={"BTCUSDT": "HOLD"}, equities={"AAPL": "LONG"})
    materialize(lake, *LEDGERS, first=DAYS[0])
    for was, table in zip(before, ("paper_ledger", "decision_ledger"), strict=True):
        now = lake.read(table)
        pd.testing.assert_frame_equal(now[now["market"] == "crypto"].reset_index(drop=True), was)
    paper = lake.read("paper_ledger").set_index(["market", "symbol"])
    assert paper.loc[("equities", "AAPL"), "note"] == "filled at the next bar"
    assert paper.loc[("equities", CASH), "equity"] == 100_000


def test_a_backfill_equals_daily_runs(lake: Lake, tmp_path: Path) -> None:
    """One run over all days, or a run a day: the same files."""
    other = Lake(str(tmp_path / "other"))
    write_prices(other)
    for day in DAYS:
        other.write_range("fused_signal", lake.read("fused_signal", day, day), day, day)
    for day in DAYS[:4]:
        materialize(lake, *LEDGERS, first=day)
    materialize(other, *LEDGERS, first=DAYS[0], last=DAYS[3])
    assert files(lake, *LEDGERS) == files(other, *LEDGERS)
    values = lake.read("paper_ledger").groupby("timestamp").agg(value=("value", "sum"), equity=("equity", "first"))
    assert values["value"].round(2).tolist() == values["equity"].tolist()
    assert values["equity"].nunique() > 2


def test_the_record_shows_its_scores(lake: Lake) -> None:
    """Table, equity and reliability of each market in the metadata."""
    done = materialize(lake, *LEDGERS, first=DAYS[0], last=DAYS[-1])
    found = done.asset_materializations_for_node("signal_track_record")[-1].metadata
    assert "svg" in found["crypto_equity"].value and "svg" in found["crypto_reliability"].value
    assert "Brier" in found["last_98_days"].value
    assert 0 <= found["hit_rate"].value <= 1


def test_an_older_run_date_does_not_replace_the_latest(lake: Lake) -> None:
    """By run date both are there; `latest` is the newer one, freqtrade's files know both."""
    materialize(lake, "decision_ledger", "signal_export", first=DAYS[2])
    newest = {kind: lake.read_bytes(f"signals/latest.{kind}") for kind in ("json", "csv", "parquet")}
    materialize(lake, "decision_ledger", "signal_export", first=DAYS[0])
    for kind, data in newest.items():
        assert lake.read_bytes(f"signals/latest.{kind}") == data == lake.read_bytes(f"signals/{DAYS[2]}.{kind}")
        assert lake.exists(f"signals/{DAYS[0]}.{kind}")
    assert json.loads(newest["json"])["run_date"] == DAYS[2]
    receipt = lake.read("signal_export", DAYS[0], DAYS[0])
    assert receipt["path"].tolist() == [f"signals/{DAYS[0]}.json"]
    materialize(lake, "signal_export", first=DAYS[2])
    dates = pd.read_feather(lake.url("signals/freqtrade/BTC_USDT_USDT.feather"))["date"]
    assert dates.tolist() == [pd.Timestamp(d, tz="UTC") + pd.Timedelta(days=1) for d in (DAYS[0], DAYS[2])]


@pytest.fixture
def receiver() -> Iterator[StandIn]:
    server = StandIn(lambda path, query: {})
    yield server
    server.close()


def test_a_range_is_posted_once_and_an_old_run_date_never(lake: Lake, receiver: StandIn) -> None:
    """The JSON of the newest run date, under a key of run date and content; the same again has the same key."""
    for _ in range(2):
        materialize(
            lake, "decision_ledger", "signal_export", first=DAYS[0], last=DAYS[3], url=f"{receiver.url}/{SECRET}"
        )
    materialize(lake, "signal_export", first=DAYS[1], url=f"{receiver.url}/{SECRET}")
    assert receiver.posted == [lake.read_bytes("signals/latest.json")] * 2
    keys = {{n.lower(): v for n, v in told.items()}["idempotency-key"] for told in receiver.told}
    digest = lake.read("signal_export", DAYS[3], DAYS[3])["sha256"].iloc[0]
    assert keys == {f"{DAYS[3]}-{digest}"}


def test_a_failed_webhook_is_no_failed_run(
    lake: Lake, receiver: StandIn, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The run succeeds, the files are there, the warning does not contain the address."""
    receiver.faults.extend(["500"] * 3)
    done = materialize(lake, "decision_ledger", "signal_export", first=DAYS[0], url=f"{receiver.url}/{SECRET}")
    (told,) = done.asset_materializations_for_node("signal_export")
    assert told.metadata["webhook"].value == "failed: the signal webhook: HTTP 500 (tried 3 times)"
    assert lake.exists("signals/latest.json")
    shown = capfd.readouterr()
    assert SECRET not in caplog.text + shown.out + shown.err
    assert all(SECRET not in str(event) for event in done.all_events)
