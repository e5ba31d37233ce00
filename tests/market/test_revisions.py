"""New, revised and repeated rows of a vendor's answer."""

import numpy as np
import pandas as pd

from alpha_pipeline.market.revisions import compare, observed, unite
from alpha_pipeline.tables import RAW_FUNDING, RAW_NEWS, RAW_ONCHAIN, RAW_SOCIAL, Table

START = pd.Timestamp("2026-11-01", tz="UTC")


def rows(table: Table, *versions: tuple[int, int, dict[str, object]]) -> pd.DataFrame:
    """Rows of BTC: day of the event, day it became available, values."""
    listed = [
        {
            "timestamp": START + pd.Timedelta(days=event),
            "symbol": "BTC",
            "available_at": START + pd.Timedelta(days=available),
            **values,
        }
        for event, available, values in versions
    ]
    times = {"timestamp": "datetime64[us, UTC]", "available_at": "datetime64[us, UTC]"}
    return pd.DataFrame(listed, columns=[*dict.fromkeys([c.name for c in table.columns] + [*versions[0][2]])]).astype(
        times
    )


def test_stored_rows_are_repeated() -> None:
    """In any order of the rows."""
    stored = rows(RAW_FUNDING, (0, 0, {"funding": 0.1}), (1, 1, {"funding": 0.2}))
    news = compare(stored.iloc[::-1], stored, RAW_FUNDING)
    assert news.unseen.empty and news.revised.empty and news.repeated == 2


def test_another_value_is_a_revision_of_the_last_version() -> None:
    """A return to an older value is a revision too; a missing value is none."""
    stored = rows(RAW_FUNDING, (0, 0, {"funding": 0.1}), (0, 2, {"funding": 0.3}))
    assert compare(rows(RAW_FUNDING, (0, 0, {"funding": 0.3})), stored, RAW_FUNDING).repeated == 1
    assert compare(rows(RAW_FUNDING, (0, 0, {"funding": 0.1})), stored, RAW_FUNDING).revised["funding"].tolist() == [
        0.1
    ]
    assert compare(rows(RAW_FUNDING, (0, 0, {"funding": np.nan})), stored, RAW_FUNDING).repeated == 1
    assert compare(rows(RAW_FUNDING, (3, 3, {"funding": 0.1})), stored, RAW_FUNDING).unseen["funding"].tolist() == [0.1]


def test_a_changed_title_is_a_revision_and_a_missing_score_is_none() -> None:
    """Items are identified by their address; scores are added after ingestion."""
    stored = rows(RAW_NEWS, (0, 0, {"url": "https://a", "title": "Up", "news_sentiment": 0.5}))
    same = stored.assign(news_sentiment=np.nan)
    assert compare(same, stored, RAW_NEWS).repeated == 1
    assert compare(same.assign(title="Down"), stored, RAW_NEWS).revised["title"].tolist() == ["Down"]


def test_vendors_share_an_open_table_without_revising_each_other() -> None:
    """Values are compared separately: another vendor's row with another lag is no new version."""
    stored = rows(RAW_ONCHAIN, (0, 0, {"tvl": 5.0, "netflow": np.nan}), (0, 1, {"tvl": np.nan, "netflow": 7.0}))
    fetched = rows(RAW_ONCHAIN, (0, 0, {"tvl": 5.0, "netflow": np.nan}), (0, 1, {"tvl": np.nan, "netflow": 8.0}))
    news = compare(fetched, stored, RAW_ONCHAIN)
    assert news.revised["netflow"].tolist() == [8.0] and news.unseen.empty and news.repeated == 1
    first = compare(fetched, stored.iloc[:0], RAW_ONCHAIN).unseen
    pd.testing.assert_frame_equal(first[fetched.columns], fetched, check_dtype=False)


def test_values_of_equal_keys_are_in_one_row() -> None:
    """Two vendors with equal timestamps."""
    tvl = rows(RAW_ONCHAIN, (0, 1, {"tvl": 5.0}))
    both = unite([tvl, rows(RAW_ONCHAIN, (0, 1, {"netflow": 7.0}))], RAW_ONCHAIN)
    assert len(both) == 1 and both["tvl"].iloc[0] == 5.0 and both["netflow"].iloc[0] == 7.0


def test_an_observation_is_available_from_its_time() -> None:
    """Only `available_at` changes."""
    moment = START + pd.Timedelta(days=9)
    table = rows(RAW_FUNDING, (0, 0, {"funding": 0.1}))
    later = observed(table, moment)
    assert later["available_at"].tolist() == [moment] and later["timestamp"].equals(table["timestamp"])


def test_two_sources_that_count_the_same_hour_do_not_revise_each_other() -> None:
    """The source is a key: neither has changed."""
    stored = rows(RAW_SOCIAL, (0, 0, {"source": "a", "posts": 3.0}), (0, 1, {"source": "b", "posts": 5.0}))
    assert compare(stored, stored, RAW_SOCIAL).repeated == 2
