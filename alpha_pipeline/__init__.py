"""
The thinking: factors, their language and engine, validation, backtests, mining, fusion.

Plain Python, numpy, pandas and pyarrow. Dagster lives in `assets`, the outside world in `resources`.
"""
