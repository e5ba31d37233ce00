"""
Dagster I/O manager of the lake: outputs are stored by day, inputs are loaded as one frame.

It only translates Dagster's contexts; layout, checksums and schemas are left to `Lake`.
"""

from collections.abc import Sequence

import dagster as dg
import pandas as pd

from alpha_pipeline.errors import DataError
from alpha_pipeline.resources.configuration import IOManager, described
from alpha_pipeline.resources.lake.lake import Lake, Stored
from alpha_pipeline.settings import LakeSettings


class ParquetIOManager(IOManager):
    """
    Stores pandas frames in a `Lake`, for one partition, a range of days, or an unpartitioned table.

    Options of an input in `AssetIn(metadata=...)`: `columns`, the columns to read (all by default); `allow_missing`,
    True to leave out days that were never materialized, "earlier" to leave out only those before the run's own;
    `from_the_first`, True to read every day of the upstream table
    up to the last one mapped. Dagster tracks staleness over a hundred days at most, so mappings stay short, while
    computations need the full history.
    """

    root: str = described(LakeSettings, "root")

    @property
    def lake(self) -> Lake:
        """The storage, usable without Dagster."""
        return Lake(self.root)

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        """
        Store a frame; nothing is written unless all of it conforms to its table.

        Raises:
            DataError: not a frame, wrong columns, types or keys, or rows outside the run's days.
            LakeError: the store failed.
        """
        key = "/".join(context.asset_key.path)
        if not isinstance(obj, pd.DataFrame):
            raise DataError(f"{key} returned {type(obj).__name__}; expected a pandas DataFrame")
        if not context.has_asset_partitions:
            stored = self.lake.write(key, obj)
            context.add_output_metadata(_metadata([stored], stored.path))
            return
        days = context.asset_partition_keys
        written = self.lake.write_range(key, obj, days[0], days[-1])
        if len(written) == 1:
            context.add_output_metadata(_metadata(written, written[0].path))
        else:
            context.add_output_metadata(_metadata(written, self.lake.url(key)))
            _per_partition(context, written)

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """
        Load the upstream table: unpartitioned, or the days of Dagster's partition mapping, in one read.

        Raises:
            MissingPartitionError: a day was never materialized and `allow_missing` is not set.
            CorruptFileError: a file does not match its checksum.
            DataError: a column in `columns` is not stored.
        """
        key = "/".join(context.asset_key.path)
        options = context.definition_metadata or {}
        columns, allow_missing = options.get("columns"), options.get("allow_missing", False)
        if not context.has_asset_partitions:
            return self.lake.read(key, columns=columns, allow_missing=bool(allow_missing))
        days = list(context.asset_partition_keys)
        if days and options.get("from_the_first"):
            every = context.asset_partitions_def.get_partition_keys()
            days = [*every[: every.index(days[0])], *days]
        if allow_missing == "earlier":
            first, stored = context.step_context.partition_key_range.start, set(self.lake.days(key))
            days, allow_missing = [day for day in days if day >= first or day in stored], False
        frame, missing = self.lake.read_days(key, days, columns, bool(allow_missing))
        if missing:
            context.log.debug(f"{key}: {len(missing)} of {len(days)} days were never materialized and are left out")
        return frame


def _per_partition(context: dg.OutputContext, written: Sequence[Stored]) -> None:
    """Add each day's metadata to its own materialization (0.07 ms a day over a year); the output has the range's."""
    try:
        step = context.step_context
    except dg.DagsterInvariantViolationError:  # called outside a run
        return
    for stored in written:
        step.add_asset_metadata(_metadata([stored], stored.path), context.asset_key, stored.day)


def _metadata(written: Sequence[Stored], path: str) -> dict[str, dg.MetadataValue]:
    rows = [stored for stored in written if stored.first is not None and stored.last is not None]
    span = {}
    if rows:
        span["first_time"] = dg.MetadataValue.text(str(rows[0].first))
        span["last_time"] = dg.MetadataValue.text(str(rows[-1].last))
    return {
        "dagster/row_count": dg.MetadataValue.int(sum(stored.rows for stored in written)),
        "path": dg.MetadataValue.path(path),
        "bytes": dg.MetadataValue.int(sum(stored.bytes for stored in written)),
        **span,
    }
