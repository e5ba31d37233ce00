"""Live run dates as real processes, with vendors as another: filled, repeated, killed, broken, revised."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.vendors.running import Vendors, vendors

from .conftest import dagster_in, prepare, settings

pytestmark = pytest.mark.slow

FIRST, LAST, NEXT = "2026-10-01", "2026-10-08", "2026-10-09"
DAYS = [str(day.date()) for day in pd.date_range(FIRST, LAST)]
FILL = "tag:layer=raw or tag:layer=panel"
RUN_DATE = "* and not (key:*/ohlcv_history or key:*/sealed_test)"
FACTS_OF_CRYPTO = {"funding", "open_interest", "netflow", "tvl", "news_sentiment", "posts"}
FACTS_OF_STOCKS = {"dividend", "split", "news_sentiment", "posts"}
MODULE = ["-m", "alpha_pipeline.definitions"]


@pytest.fixture(scope="module")
def process() -> Iterator[Vendors]:
    with vendors() as found:
        yield found


@pytest.fixture
def live(process: Vendors) -> Vendors:
    """The vendors, sound and with nothing counted."""
    process.order(reset=True)
    return process


@pytest.fixture(scope="module")
def filled(process: Vendors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with eight days of both markets; copy it before writing to it."""
    process.order(reset=True)
    folder = prepare(tmp_path_factory.mktemp("filled"))
    done = materialize(folder, process, FILL, f"{FIRST}...{LAST}")
    assert done.returncode == 0, done.stdout[-4000:]
    return folder


@pytest.fixture
def workplace(filled: Path, tmp_path: Path) -> Path:
    """A private copy of the filled folder."""
    return Path(shutil.copytree(filled, tmp_path / "workplace"))


def variables(folder: Path, live: Vendors) -> dict[str, str]:
    """A live source whose vendors are all one address on loopback; days in the past."""
    return {
        "ALPHA_PIPELINE_SOURCE": "live",
        "ALPHA_PIPELINE_VENDORS_URL": live.url,
        "ALPHA_PIPELINE_CRYPTO_SYMBOLS": "BTCUSDT,ETHUSDT,SOLUSDT",
        "ALPHA_PIPELINE_EQUITY_SYMBOLS": "AAPL,MSFT,NVDA",
        "ALPHA_PIPELINE_FIRST_DAY": FIRST,
        "ALPHA_PIPELINE_END_DAY": "2026-10-10",
        "ALPHA_PIPELINE_DATA__CACHE_FOLDER": str(folder / "cache"),
    }


def command(select: str, days: str, config: dict[str, object] | None = None) -> list[str]:
    """Arguments of `dagster` for a range of days."""
    more = ["--config-json", json.dumps({"ops": {"crypto__raw_ohlcv": {"config": config}}})] if config else []
    return ["asset", "materialize", *MODULE, "--select", select, "--partition-range", days, *more]


def materialize(
    folder: Path, live: Vendors, select: str, days: str, **config: object
) -> subprocess.CompletedProcess[str]:
    return dagster_in(folder, *command(select, days, config), **variables(folder, live))


def table(folder: Path, key: str) -> pd.DataFrame:
    """Every stored day of a table."""
    files = sorted((folder / "data" / key).glob("day=*/part-0.parquet"))
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def check_said(folder: Path, name: str) -> str:
    """What the last evaluation of a check says, by the run history of the folder."""
    script = (
        "import sys, dagster as dg; instance = dg.DagsterInstance.from_config('.');"
        "asset, check = sys.argv[1].split(':');"
        "key = dg.AssetCheckKey(dg.AssetKey(asset.split('/')), check);"
        "found = instance.event_log_storage.get_asset_check_execution_history(key, limit=1);"
        "print(found[0].event.dagster_event.event_specific_data.description)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, name],
        cwd=folder,
        env=settings(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def stored_days(folder: Path) -> list[str]:
    """Days of the bars of coins that are there, sorted."""
    found = (folder / "data/crypto/raw_ohlcv").glob("day=*/part-0.parquet")
    return sorted(path.parent.name.removeprefix("day=") for path in found)


def files(folder: Path, below: str = "") -> dict[str, bytes]:
    """Every file of the lake by name, but for the locks, which say who wrote last."""
    root = folder / "data" / below
    found = {str(path.relative_to(root)): path for path in sorted(root.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith("locks/")}


def test_the_panel_has_the_facts_of_every_vendor(filled: Path) -> None:
    """Funding, open interest, flows, value locked, sentiment, posts of coins; dividends, sentiment, posts of stocks."""
    crypto, stocks = table(filled, "crypto/market_panel"), table(filled, "equities/market_panel")
    assert len(crypto) == 8 * 24 * 3 and len(stocks) == 6 * 3
    for panel, facts in ((crypto, FACTS_OF_CRYPTO), (stocks, FACTS_OF_STOCKS)):
        assert facts <= set(panel.columns) and panel[sorted(facts)].notna().any().all()
    assert (stocks["dividend"] > 0).any()
    assert crypto.loc[crypto["symbol"] == "SOLUSDT", "netflow"].isna().all()  # few coins have flows
    listed = table(filled, "crypto/raw_instruments")
    assert {"LUNAUSDT", "FTTUSDT"} <= set(listed.loc[listed["delisted_at"].notna(), "symbol"])


def test_stored_days_ask_nobody_and_stay_the_same(workplace: Path, live: Vendors) -> None:
    """The same range again: no request at all, every file as it was."""
    before = files(workplace)
    again = materialize(workplace, live, f"({FILL}) and not key:*/ohlcv_history", f"{FIRST}...{LAST}")
    assert again.returncode == 0, again.stdout[-4000:]
    assert live.told()["asked"] == []
    assert files(workplace) == before


def test_a_killed_backfill_goes_on_where_it_stopped(tmp_path: Path, live: Vendors) -> None:
    """Days that were stored before SIGKILL are not asked for again; the rest comes, and all of it is there."""
    folder = prepare(tmp_path)
    live.order(path="/bybit/v5/market/kline", faults=["slow"], times=-1)
    arguments = command("key:crypto/raw_ohlcv", f"{FIRST}...{LAST}", {"batch_days": 1})
    dagster = str(Path(sys.executable).with_name("dagster"))
    running = subprocess.Popen(
        [dagster, *arguments],
        cwd=folder,
        env=settings(folder, **variables(folder, live)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(stored_days(folder)) < 3:
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    kept = stored_days(folder)
    assert kept == DAYS[: len(kept)] and len(kept) < len(DAYS)
    before = {day: (folder / f"data/crypto/raw_ohlcv/day={day}/part-0.parquet").read_bytes() for day in kept}
    live.order(reset=True)
    done = materialize(folder, live, "key:crypto/raw_ohlcv", f"{FIRST}...{LAST}", batch_days=1)
    assert done.returncode == 0, done.stdout[-4000:]
    ends = {pd.Timestamp(int(query["end"]), unit="ms").floor("D") for query in live.asked("/bybit/v5/market/kline")}
    asked = sorted(f"{end:%Y-%m-%d}" for end in ends)
    assert asked in (DAYS[len(kept) :], DAYS[len(kept) - 1 :])  # the last may have died before its receipt was signed
    assert len(table(folder, "crypto/raw_ohlcv")) == 8 * 24 * 3
    for day, content in before.items():
        assert (folder / f"data/crypto/raw_ohlcv/day={day}/part-0.parquet").read_bytes() == content


def test_bars_that_do_not_come_fail_the_run_with_the_reason(tmp_path: Path, live: Vendors) -> None:
    """Which door, which symbol, what came instead; nothing is stored."""
    live.order(path="/bybit/v5/market/kline", faults=["500"], times=-1)
    failed = materialize(prepare(tmp_path), live, "key:crypto/raw_ohlcv", f"{FIRST}...{FIRST}")
    assert failed.returncode != 0
    assert "SourceError" in failed.stdout and "klines of BTCUSDT" in failed.stdout and "HTTP 500" in failed.stdout
    assert not (tmp_path / "data" / "crypto").exists()


def test_facts_and_listings_that_do_not_come_warn_and_the_graph_goes_on(tmp_path: Path, live: Vendors) -> None:
    """The panel is there without them, the checks say who failed, and the day is asked for again once they are back."""
    folder = prepare(tmp_path)
    for path in ("/coinmetrics", "/llama", "/stablecoins", "/bybit/v5/market/funding", "/bybit/v5/market/instruments"):
        live.order(path=path, faults=["500", "html", "schema", "gone", "truncate"], times=-1)
    some = ["raw_ohlcv", "raw_instruments", "raw_funding", "raw_onchain", "market_panel"]
    select = " or ".join(f"key:crypto/{name}" for name in some)
    done = materialize(folder, live, select, f"{FIRST}...{FIRST}")
    assert done.returncode == 0, done.stdout[-4000:]
    panel = table(folder, "crypto/market_panel")
    assert len(panel) == 72 and "transactions" in panel and not {"funding", "netflow", "tvl"} & set(panel.columns)
    assert "failed: coin_metrics" in done.stdout and "failed: listings" in done.stdout
    live.order(reset=True)
    assert materialize(folder, live, select, f"{FIRST}...{FIRST}").returncode == 0
    assert {"funding", "tvl"} <= set(table(folder, "crypto/market_panel").columns)
    assert len(live.asked("/bybit/v5/market/kline")) == 0 and len(table(folder, "crypto/raw_instruments")) > 20


def test_a_revised_value_is_known_from_the_moment_it_was_seen(workplace: Path, live: Vendors) -> None:
    """The run date after looks back a week, sees it, and keeps it as of now; the stored day is what it was."""
    stored = files(workplace, "crypto/raw_onchain")
    began = pd.Timestamp.now("UTC")
    live.order(revise={"asset": "btc", "day": "2026-10-04", "metric": "AdrActCnt", "value": 123_456})
    done = materialize(workplace, live, "key:crypto/raw_onchain", f"{NEXT}...{NEXT}")
    assert done.returncode == 0, done.stdout[-4000:]
    seen = table(workplace, "observed/crypto/raw_onchain")
    assert len(seen) == 1 and seen["available_at"].iloc[0] >= began
    row = seen.iloc[0]
    assert (row["timestamp"], row["symbol"]) == (pd.Timestamp("2026-10-05", tz="UTC"), "BTCUSDT")
    assert row["active_addresses"] == 123_456
    after = files(workplace, "crypto/raw_onchain")
    assert {name: after[name] for name in stored} == stored and len(after) == len(stored) + 1


def test_bars_that_cannot_be_true_lie_in_quarantine(tmp_path: Path, live: Vendors) -> None:
    """High below low and a price below zero: quarantined with their reasons, counted by the check, and not stored."""
    folder = prepare(tmp_path)
    live.order(path="/bybit/v5/market/kline", faults=["bad"], times=1)
    done = materialize(folder, live, "key:crypto/raw_ohlcv", f"{FIRST}...{FIRST}")
    assert done.returncode == 0, done.stdout[-4000:]
    rejected = json.loads((folder / f"data/quarantine/crypto/raw_ohlcv/{FIRST}.json").read_bytes())
    assert sorted(row["reason"] for row in rejected) == ["a price that is not positive", "high below low"]
    assert len(table(folder, "crypto/raw_ohlcv")) == 72 - 2
    assert "2 rows quarantined in quarantine/crypto/raw_ohlcv: " in done.stdout
    assert "2 rows quarantined" in check_said(folder, "crypto/raw_ohlcv:data_quality")


def test_a_live_night_reaches_its_signal_and_its_page(workplace: Path, live: Vendors) -> None:
    """The whole graph on live sources: both markets decide, the page says what was absent and who was not delisted."""
    run_date = materialize(workplace, live, RUN_DATE, f"{LAST}...{LAST}")
    assert run_date.returncode == 0, run_date.stdout[-6000:]
    assert live.told()["asked"] == []
    fused = pd.read_parquet(workplace / "data" / "fused_signal" / f"day={LAST}" / "part-0.parquet")
    assert set(fused["market"]) == {"crypto", "equities"} and len(fused) > 3
    page = (workplace / "data" / "reports" / f"{LAST}.html").read_text()
    text = (workplace / "data" / "reports" / f"{LAST}.txt").read_text()
    assert "stocks have no perpetual contracts" in page
    for said in (page, text):
        assert "None of the 3 symbols was delisted, 2 others were" in said
        assert "its 3 symbols are survivors" in said
    assert "embedded" not in page
