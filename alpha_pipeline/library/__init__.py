"""The factor library: admission, live performance, status changes, and backtests of the active factors."""
