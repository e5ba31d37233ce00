"""Sources of Yahoo Finance: daily bars, adjusted closes, listings and headlines of stocks, without a key."""
