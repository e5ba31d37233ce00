"""
Export of the crypto signal to freqtrade: a pair list, and per pair a table that a strategy merges by date.

The strategy is in `docs/freqtrade`.
"""

import io
import json
import re
from collections.abc import Iterable

import pandas as pd

REFRESH_SECONDS = 1800
# Linear perpetuals settle in their quote currency (ccxt notation); pairs quoted in USD are spot.
PERPETUAL = re.compile(r"([A-Z0-9]{1,20}?)(USDT|USDC)")
SPOT = re.compile(r"([A-Z0-9]{1,20}?)(USD)")
USDC_PERPETUAL = re.compile(r"([A-Z0-9]{1,20}?)PERP")


def pair_of(symbol: str) -> str | None:
    """
    `BTCUSDT` as `BTC/USDT:USDT`, `BTCPERP` as `BTC/USDC:USDC`, `BTCUSD` as `BTC/USD`.

    None for any other text: freqtrade reads pairs as regular expressions, so only letters and digits are passed on.
    """
    if match := PERPETUAL.fullmatch(symbol):
        base, quote = match.groups()
        return f"{base}/{quote}:{quote}"
    if match := USDC_PERPETUAL.fullmatch(symbol):
        return f"{match[1]}/USDC:USDC"
    return f"{match[1]}/{match[2]}" if (match := SPOT.fullmatch(symbol)) else None


def file_of(pair: str) -> str:
    """`BTC/USDT:USDT` as `BTC_USDT_USDT`, freqtrade's own naming."""
    return re.sub(r"[/:]", "_", pair)


def pairlist(signal: pd.DataFrame) -> bytes:
    """
    Pair list for the handler `RemotePairList`.

    Args:
        signal: columns of `export.COLUMNS`, of crypto.

    Returns:
        JSON; every pair of the signal, largest `|value|` times confidence first, HOLD included: the strategy cannot
        exit a pair that is not on the list.
    """
    strength = (signal["value"].abs() * signal["confidence"]).fillna(0.0)
    order = signal.assign(strength=strength).sort_values(["strength", "symbol"], ascending=[False, True])
    pairs = [pair for symbol in order["symbol"] if (pair := pair_of(symbol))]
    return (
        json.dumps({"pairs": list(dict.fromkeys(pairs)), "refresh_period": REFRESH_SECONDS}, indent=1) + "\n"
    ).encode()


def pair_tables(decisions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """
    Signals by pair.

    Args:
        decisions: `timestamp`, `symbol`, `decision`, `value`, `confidence` of crypto.

    Returns:
        Pair -> `date`, `enter_long`, `enter_short`, `exit_long`, `exit_short` (0 or 1), `enter_tag`, in time.
        `date` is the close of the bar of decision, the open of the next candle: freqtrade dates a candle by its open
        and trades after its close, so a decision is filled one bar later, as in the track record. Symbols without a
        pair are left out; of two symbols of one pair (`BTCPERP`, `BTCUSDC`) the first by name is used, since a strategy
        takes one row per candle.
    """
    named = decisions.assign(pair=decisions["symbol"].map(pair_of)).dropna(subset=["pair"])
    named = named.sort_values("symbol", kind="stable").drop_duplicates(["timestamp", "pair"])
    return {str(pair): _table(rows.sort_values("timestamp")) for pair, rows in named.groupby("pair")}


def unpaired(symbols: Iterable[str]) -> list[str]:
    """The symbols without a freqtrade pair, sorted."""
    return sorted(symbol for symbol in set(symbols) if pair_of(symbol) is None)


def feather(table: pd.DataFrame) -> bytes:
    """The table in freqtrade's file format."""
    sink = io.BytesIO()
    table.to_feather(sink)
    return sink.getvalue()


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    long, short = (rows["decision"] == "LONG").astype(int), (rows["decision"] == "SHORT").astype(int)
    tags = [
        f"{d} {v:+.2f} {c:.0%}" for d, v, c in zip(rows["decision"], rows["value"], rows["confidence"], strict=True)
    ]
    return pd.DataFrame(
        {
            "date": rows["timestamp"].astype("datetime64[ms, UTC]"),
            "enter_long": long,
            "enter_short": short,
            "exit_long": 1 - long,
            "exit_short": 1 - short,
            "enter_tag": tags,
        }
    ).reset_index(drop=True)
