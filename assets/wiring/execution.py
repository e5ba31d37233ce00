"""
Execution of a step: under the lock of its table, with retries of failed sources, and marked with its machine.

`table_asset` wraps the function of every asset in it.
"""

import platform
from collections.abc import Callable, Iterator
from functools import wraps
from inspect import isgenerator
from typing import Any

import dagster as dg
from dagster._core.execution.plan.outputs import StepOutputHandle

from alpha_pipeline.assets.wiring.partitions import LIVE
from alpha_pipeline.errors import SettingError, SourceError
from alpha_pipeline.resources.lake.io_manager import ParquetIOManager
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.lake.table_lock import lock_table, this_process
from alpha_pipeline.settings import load_settings

HOST_TAG = "alpha_pipeline/host"
# For outages of a minute and of five; the sources have retried before.
RETRY_SECONDS = (60.0, 300.0)
MAX_RETRIES = 1_000


def locked_step(compute: Callable[..., Any], key: dg.AssetKey) -> Callable[..., Any]:
    """
    Wrap the function of an asset as a step.

    - The table is locked: no other process computes or stores it. A step that waited for the lock starts again and
      reads its inputs again, since the other process may have written them.
    - A failed source is retried after a wait; other errors fail at once, since a retry would not change them.
    - Check results carry the partition they are about, a day or a range.
    - The run is tagged with its machine, for the orphaned-run monitor.
    """

    @wraps(compute)
    def step(context: dg.AssetExecutionContext, *arguments: Any, **inputs: Any) -> Iterator[Any]:
        _tag_host(context)
        table = "/".join(key.path)
        with lock_table(_lake(context), table, this_process(context.run.run_id), context.log.info) as waited:
            if waited:
                raise dg.RetryRequested(max_retries=MAX_RETRIES)
            try:
                result = compute(context, *arguments, **inputs)
                for event in result if isgenerator(result) else [_output(result)]:
                    yield _with_partition(context, event) if isinstance(event, dg.AssetCheckResult) else event
            except SourceError as error:
                wait = retry_seconds(context.retry_number)
                if wait is None:
                    raise
                context.log.warning(f"{error}\nretry in {wait:g} s")
                raise dg.RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=wait) from error

    return step


def retry_seconds(tries: int) -> float | None:
    """
    Seconds before a step with a failed source starts again; None after the last retry and for embedded data.

    Stand-ins on loopback need no wait.
    """
    if not LIVE or tries >= len(RETRY_SECONDS):
        return None
    return 0.0 if load_settings().data.vendors_url else RETRY_SECONDS[tries]


def _lake(context: dg.AssetExecutionContext) -> Lake:
    """The lake of this step's output."""
    step = context.get_step_execution_context()
    manager = step.get_io_manager(StepOutputHandle(step.step.key, next(iter(step.step.step_output_dict))))
    if not isinstance(manager, ParquetIOManager):
        raise SettingError(f"the I/O manager of {step.step.key} is {type(manager).__name__}; expected ParquetIOManager")
    return manager.lake


def _output(result: object) -> object:
    return result if isinstance(result, dg.Output) else dg.Output(result)


def _with_partition(context: dg.AssetExecutionContext, result: dg.AssetCheckResult) -> dg.AssetCheckResult:
    """
    A check result with the partition as metadata.

    Partitioned check specs are a preview of Dagster that leaves every partition of a range in one run as planned.
    """
    if context.assets_def.partitions_def is None:
        return result
    days = context.partition_key_range
    name = days.start if days.start == days.end else f"{days.start}...{days.end}"
    return result.with_metadata({"partition": name, "partitions": len(context.partition_keys), **result.metadata})


def _tag_host(context: dg.AssetExecutionContext) -> None:
    if HOST_TAG not in context.run.tags:
        context.instance.add_run_tags(context.run.run_id, {HOST_TAG: platform.node()})
