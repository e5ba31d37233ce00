"""
The live door of crypto: hourly bars and funding of Bybit's linear perpetuals, without a key.

`pybit` speaks to the exchange; paging, insisting and refusing nonsense are done here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from alpha_pipeline import tables
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.market import Market
from resources.door import require_bars, require_source, require_symbols, require_window, utc_now
from resources.patience import Patience, RefusedError, insist

PUBLIC_URL = "https://api.bybit.com"
SYMBOLS = (
    "ADAUSDT", "APTUSDT", "ARBUSDT", "ATOMUSDT", "AVAXUSDT", "BCHUSDT", "BNBUSDT", "BTCUSDT", "DOGEUSDT", "DOTUSDT",
    "ETCUSDT", "ETHUSDT", "FILUSDT", "LINKUSDT", "LTCUSDT", "NEARUSDT", "SOLUSDT", "TRXUSDT", "UNIUSDT", "XRPUSDT",
)  # fmt: skip
FIRST_CLOSE = pd.Timestamp("2020-03-25 11:00", tz="UTC")  # BTCUSDT, the oldest linear perpetual

KLINE_COLUMNS = ("start", "open", "high", "low", "close", "volume", "turnover")
KLINES_PER_PAGE = 1000
FUNDING_PER_PAGE = 200
INTERVALS = {"1min": "1", "5min": "5", "15min": "15", "30min": "30", "1h": "60", "4h": "240", "1D": "D"}

# Server busy, request rate per second, server error, rate per address: the same question may be answered later.
BUSY_CODES = frozenset({10000, 10006, 10016, 10018})
ABSENT = {
    "derivatives": "open interest is not connected yet",
    "news": "Bybit has no news",
    "social": "Bybit has no posts",
    "onchain": "Bybit has no chain metrics",
}

Row = Any  # a list of strings (bars) or a dictionary (funding), as the exchange sends it


@dataclass(frozen=True)
class BybitDoor:
    """
    Linear perpetuals of Bybit v5.

    Args:
        only: symbols to fetch when none are named; empty for twenty liquid ones.
        url: base address; a stand-in on loopback serves as well.
        patience: tries, waits and the time-out.
        history_days: days `history` goes back.
        now: the clock that tells finished bars from the current one.
    """

    only: tuple[str, ...] = ()
    url: str = PUBLIC_URL
    patience: Patience = field(default_factory=Patience)
    history_days: int = 365
    now: Callable[[], pd.Timestamp] = utc_now
    name: str = "bybit"

    def symbols(self, market: Market) -> tuple[str, ...]:
        """The configured symbols, or the default twenty."""
        return tuple(sorted(self.only or SYMBOLS))

    def coverage(self, market: Market) -> tuple[pd.Timestamp, pd.Timestamp]:
        """From the oldest perpetual to the last finished bar."""
        return FIRST_CLOSE, self.now().floor(market.bar)

    def fetch_ohlcv(
        self, market: Market, symbols: Sequence[str] | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> pd.DataFrame:
        """Finished bars that closed in (start, end]; see `MarketData`. A symbol listed later has fewer rows."""
        require_window(start, end)
        picked = require_symbols(self.symbols(market) if symbols is None else symbols)
        last = min(end, self.coverage(market)[1])
        if last <= start:
            raise SourceError(f"{self.name}: no bar of ({start}, {end}] is finished at {self.now()}")
        session = self._session()
        bars = [self._bars(session, market, symbol, start, last) for symbol in picked]
        table = pd.concat(bars).sort_values(["timestamp", "symbol"], ignore_index=True)
        require_bars(table, market, start, last, f"{self.name} ({self.url})")
        return table

    def history(self, market: Market, end: pd.Timestamp) -> pd.DataFrame:
        """The bars of the `history_days` before `end`."""
        start = max(end - pd.Timedelta(days=self.history_days), FIRST_CLOSE - market.bar_length)
        return self.fetch_ohlcv(market, None, start, end) if start < end else tables.RAW_OHLCV.empty()

    def missing_reason(self, source: str) -> str | None:
        """Funding is there; text and chain metrics are not the business of an exchange."""
        require_source(source)
        return ABSENT.get(source)

    def fetch_facts(self, source: str, market: Market, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        """
        Funding settled in (start, end], known when settled; the empty table for other sources.

        Raises:
            SourceError: as `fetch_ohlcv`; also when a whole day has no settlement of any symbol.
        """
        require_window(start, end)
        if self.missing_reason(source):
            return require_source(source).empty()
        session = self._session()
        last = min(end, self.now())
        rates = [self._funding(session, symbol, start, last) for symbol in require_symbols(self.symbols(market))]
        table = pd.concat(rates).sort_values(["timestamp", "symbol"], ignore_index=True)
        if table.empty and last - start >= pd.Timedelta(days=1):
            raise SourceError(f"{self.name} ({self.url}) gave no funding in ({start}, {last}]; expected some every day")
        return table

    def _bars(self, session: Any, market: Market, symbol: str, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        asked = f"{self.url} klines of {symbol} in ({start}, {end}]"
        interval = INTERVALS.get(market.bar)
        if interval is None:
            raise SettingError(f"{self.name} has no bars of {market.bar!r}; expected one of {sorted(INTERVALS)}")
        call = partial(session.get_kline, category="linear", symbol=symbol, interval=interval, limit=KLINES_PER_PAGE)
        first_open, last_open = _ms(start.floor(market.bar)), _ms(end - market.bar_length)
        rows = list(self._pages(call, ("start", "end"), lambda row: row[0], first_open, last_open, asked))
        table = _numbers(rows, KLINE_COLUMNS, asked)
        table["timestamp"] = pd.to_datetime(table.pop("start"), unit="ms", utc=True).astype("datetime64[us, UTC]")
        table["timestamp"] += market.bar_length
        return _facts(table, symbol, start, end, tables.RAW_OHLCV, asked)

    def _funding(self, session: Any, symbol: str, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        asked = f"{self.url} funding of {symbol} in ({start}, {end}]"
        call = partial(session.get_funding_rate_history, category="linear", symbol=symbol, limit=FUNDING_PER_PAGE)
        stamp = "fundingRateTimestamp"
        dicts = list(
            self._pages(call, ("startTime", "endTime"), lambda row: row[stamp], _ms(start) + 1, _ms(end), asked)
        )
        rows = [[row[stamp], row.get("fundingRate")] for row in dicts]
        table = _numbers(rows, ("settled", "funding"), asked)
        table["timestamp"] = pd.to_datetime(table.pop("settled"), unit="ms", utc=True).astype("datetime64[us, UTC]")
        return _facts(table, symbol, start, end, tables.RAW_FUNDING, asked)

    def _pages(
        self,
        call: Callable[..., dict[str, Any]],
        bounds: tuple[str, str],
        stamp: Callable[[Row], str],
        first_ms: int,
        last_ms: int,
        asked: str,
    ) -> Iterator[Row]:
        """
        Rows stamped in [first_ms, last_ms], page by page from the newest, until the oldest is there or a page is empty.

        A page shorter than its limit is no end: only an empty one is, so that a short answer loses no rows.
        """
        while last_ms >= first_ms:
            answer = insist(
                partial(_ask, partial(call, **{bounds[0]: first_ms, bounds[1]: last_ms})), self.patience, asked
            )
            try:
                rows = list(answer["result"]["list"])
                stamps = [int(stamp(row)) for row in rows]
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise SourceError(f"{asked}: the answer has another shape: {error!r} in {str(answer)[:200]}") from error
            if not rows:
                return
            if min(stamps) > last_ms:
                raise SourceError(f"{asked}: every row is later than asked; the oldest is at {min(stamps)} ms")
            yield from rows
            last_ms = min(stamps) - 1

    def _session(self) -> Any:
        """A client that never waits or retries by itself: its wait fails when the vendor's clock is behind ours."""
        from pybit.unified_trading import HTTP  # half a second, paid by live runs only

        session = HTTP(timeout=self.patience.timeout_seconds, max_retries=1, retry_codes={0}, logging_level="CRITICAL")
        session.endpoint = self.url.rstrip("/")
        return session


def _ask(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """One request; every way it fails becomes `RefusedError`."""
    import requests
    from pybit.exceptions import FailedRequestError, InvalidRequestError

    try:
        answer = call()
    except InvalidRequestError as error:
        again = error.status_code in BUSY_CODES
        raise RefusedError(f"code {error.status_code}: {error.message}", again, _reset_seconds(error)) from error
    except FailedRequestError as error:
        raise _refused_by_status(error) from error
    except requests.Timeout as error:
        raise RefusedError("no answer in time", again=True) from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise RefusedError("the answer was cut short", again=True) from error
    except requests.RequestException as error:
        raise RefusedError(f"not reachable: {error}", again=True) from error
    except (AttributeError, TypeError) as error:  # valid JSON that is no object breaks inside the client
        raise RefusedError("the answer is no JSON object", again=False) from error
    return answer


def _refused_by_status(error: Any) -> RefusedError:
    if error.status_code == 403:
        return RefusedError("HTTP 403: address banned for ten minutes or more, or a country not served", again=False)
    if error.status_code == 409:  # the client's code for a body that is no JSON
        return RefusedError("the answer is no JSON (cut short, or a web page in between)", again=True)
    again = error.status_code == 429 or error.status_code >= 500
    return RefusedError(f"HTTP {error.status_code}", again, _reset_seconds(error))


def _reset_seconds(error: Any) -> float | None:
    """Seconds until the vendor's limit is reset, by its header; None without one or when it is past."""
    stamp = (error.resp_headers or {}).get("X-Bapi-Limit-Reset-Timestamp", "")
    return max(float(stamp) / 1000 - utc_now().timestamp(), 0.0) or None if stamp.isdigit() else None


def _numbers(rows: list[Row], columns: tuple[str, ...], asked: str) -> pd.DataFrame:
    """Rows of decimal strings -> columns of finite numbers; the first column as whole milliseconds."""
    try:
        table = pd.DataFrame([[float(cell) for cell in row[: len(columns)]] for row in rows], columns=list(columns))
    except (TypeError, ValueError) as error:
        raise SourceError(f"{asked}: expected rows of {len(columns)} numbers {columns}, found {error}") from error
    if not np.isfinite(table.to_numpy(dtype=float)).all():
        raise SourceError(f"{asked}: a number is not finite")
    return table.astype({columns[0]: "int64"})


def _facts(
    table: pd.DataFrame, symbol: str, start: pd.Timestamp, end: pd.Timestamp, target: tables.Table, asked: str
) -> pd.DataFrame:
    """Columns of the target, rows of the window, once each; two different rows of one stamp are an error."""
    window = table[(table["timestamp"] > start) & (table["timestamp"] <= end)].drop_duplicates()
    twice = window["timestamp"].duplicated()
    if twice.any():
        raise SourceError(f"{asked}: two different rows for {window.loc[twice, 'timestamp'].iloc[0]}")
    known = window.assign(symbol=symbol, available_at=window["timestamp"]).astype({"symbol": "str"})
    return known[[column.name for column in target.columns]]


def _ms(moment: pd.Timestamp) -> int:
    return moment.value // 1_000_000
