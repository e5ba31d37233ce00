"""Sources of Bybit: bars, funding, open interest and listings of linear perpetuals, without a key."""
