"""
How a step runs, whatever it computes: alone with its table, patient with its doors, and where a person can find it.

Wraps the function of an asset; `declare` puts it around every one.
"""

import os
import platform
from collections.abc import Callable, Iterator
from functools import wraps
from inspect import isgenerator
from typing import Any

import dagster as dg
from dagster._core.execution.plan.outputs import StepOutputHandle

from alpha_pipeline.errors import SettingError, SourceError
from assets.wiring.partitions import LIVE
from resources.lake.io_manager import ParquetIOManager
from resources.lake.lake import Lake
from resources.lake.table_lock import lock_table, this_process

HOST_TAG = "alpha_pipeline/host"
# A vendor that is down for a minute, and one that is down for five; the doors have insisted before.
RETRY_SECONDS = (60.0, 300.0)
VENDORS_VARIABLE = "ALPHA_PIPELINE_VENDORS_URL"
MANY = 1_000


def locked_step(compute: Callable[..., Any], key: dg.AssetKey) -> Callable[..., Any]:
    """
    The function of an asset, as a step should run it.

    - No other process computes or stores the same table meanwhile. Who had to wait begins again, with inputs read
      anew: what the other wrote may be among them.
    - A door that failed is asked again after a while; all else fails at once, since asking again changes nothing.
    - The run is marked with the machine it runs on, for the orphaned-run monitor.
    """

    @wraps(compute)
    def step(context: dg.AssetExecutionContext, *arguments: Any, **inputs: Any) -> Iterator[Any]:
        _mark(context)
        table = "/".join(key.path)
        with lock_table(_lake(context), table, this_process(context.run.run_id), context.log.info) as waited:
            if waited:
                raise dg.RetryRequested(max_retries=MANY)
            try:
                result = compute(context, *arguments, **inputs)
                yield from result if isgenerator(result) else [_output(result)]
            except SourceError as error:
                wait = retry_seconds(context.retry_number)
                if wait is None:
                    raise
                context.log.warning(f"{error}\nasked again in {wait:g} s")
                raise dg.RetryRequested(max_retries=MANY, seconds_to_wait=wait) from error

    return step


def retry_seconds(tries: int) -> float | None:
    """
    Until a step whose door failed begins again; None when it has been tried enough, or when the data are embedded.

    Stand-ins on loopback need no rest.
    """
    if not LIVE or tries >= len(RETRY_SECONDS):
        return None
    return 0.0 if os.environ.get(VENDORS_VARIABLE) else RETRY_SECONDS[tries]


def _lake(context: dg.AssetExecutionContext) -> Lake:
    """Where this step's output will be stored."""
    step = context.get_step_execution_context()
    manager = step.get_io_manager(StepOutputHandle(step.step.key, next(iter(step.step.step_output_dict))))
    if not isinstance(manager, ParquetIOManager):
        raise SettingError(f"the I/O manager of {step.step.key} is {type(manager).__name__}; expected ParquetIOManager")
    return manager.lake


def _output(result: object) -> object:
    return result if isinstance(result, dg.Output) else dg.Output(result)


def _mark(context: dg.AssetExecutionContext) -> None:
    if HOST_TAG not in context.run.tags:
        context.instance.add_run_tags(context.run.run_id, {HOST_TAG: platform.node()})
