"""The lake: checked Parquet files by day on a folder or an object store, locks, and the Dagster I/O manager."""
