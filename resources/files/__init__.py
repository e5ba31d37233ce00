"""
Users' files as bars and facts: `read_bars` and `read_facts` of a `FileFormat`.

Pure functions of files. Storing rows is left to `ingest` and the graph.
"""

from alpha_pipeline.resources.files.bar_files import read_bars
from alpha_pipeline.resources.files.fact_files import read_facts
from alpha_pipeline.resources.files.file_panel import market_of_reading, panel_of_reading
from alpha_pipeline.resources.files.file_readings import FileReading
from alpha_pipeline.resources.files.formats import FileFormat
from alpha_pipeline.resources.files.layout import vendor_asset_type

__all__ = [
    "FileFormat", "FileReading", "market_of_reading", "panel_of_reading", "read_bars", "read_facts",
    "vendor_asset_type",
]  # fmt: skip
