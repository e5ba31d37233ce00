"""
The crypto signal as freqtrade reads it: a pair list, and per pair a table that a strategy merges by date.

The strategy that merges it stands in `docs/freqtrade`.
"""

import io
import json
import re
from collections.abc import Iterable

import pandas as pd

REFRESH_SECONDS = 1800
# Perpetuals are settled in what they are quoted in, as the exchange library writes them; plain dollars are spot.
PERPETUAL = re.compile(r"([A-Z0-9]{1,20}?)(USDT|USDC)")
SPOT = re.compile(r"([A-Z0-9]{1,20}?)(USD)")
USDC_PERPETUAL = re.compile(r"([A-Z0-9]{1,20}?)PERP")


def pair_of(symbol: str) -> str | None:
    """
    `BTCUSDT` as `BTC/USDT:USDT`, `BTCPERP` as `BTC/USDC:USDC`, `BTCUSD` as `BTC/USD`.

    None for any other text: freqtrade takes pairs for patterns, so nothing but letters and digits may reach it.
    """
    if found := PERPETUAL.fullmatch(symbol):
        base, quote = found.groups()
        return f"{base}/{quote}:{quote}"
    if found := USDC_PERPETUAL.fullmatch(symbol):
        return f"{found[1]}/USDC:USDC"
    return f"{found[1]}/{found[2]}" if (found := SPOT.fullmatch(symbol)) else None


def file_of(pair: str) -> str:
    """`BTC/USDT:USDT` as `BTC_USDT_USDT`, as freqtrade names its own files."""
    return re.sub(r"[/:]", "_", pair)


def pairlist(signal: pd.DataFrame) -> bytes:
    """
    What the pair list handler `RemotePairList` reads.

    Args:
        signal: columns of `export.COLUMNS`, of crypto.

    Returns:
        JSON; every pair the signal speaks of, strongest (size of value times confidence) first, HOLD too: a pair that
        left the list would not be sold by the strategy.
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
        `date` is the open of the first candle a decision may be acted on at the close of: freqtrade dates a candle by
        its open and trades after its close, so a decision made at a close enters one bar later, as in the track
        record. Symbols that are no pair are left out; of two symbols of one pair (`BTCPERP`, `BTCUSDC`) the first by
        name counts, since a strategy takes one row a candle.
    """
    named = decisions.assign(pair=decisions["symbol"].map(pair_of)).dropna(subset=["pair"])
    named = named.sort_values("symbol", kind="stable").drop_duplicates(["timestamp", "pair"])
    return {str(pair): _table(rows.sort_values("timestamp")) for pair, rows in named.groupby("pair")}


def unpaired(symbols: Iterable[str]) -> list[str]:
    """The symbols that freqtrade has no name for, sorted."""
    return sorted(symbol for symbol in set(symbols) if pair_of(symbol) is None)


def feather(table: pd.DataFrame) -> bytes:
    """The table as freqtrade stores its own."""
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
