"""
The `dagster` command in a process that can be canceled: `python -m alpha_pipeline.assets.automation.cancellable ...`.

A run that is interrupted ends as FAILURE, which alerts, unless it was marked as canceling before. On `SIGUSR1` this
process marks its runs and then interrupts itself, so that they end as CANCELED; any other signal acts as ever.
"""

import os
import signal
import sys
import threading

import dagster as dg
from dagster._cli import main
from dagster._cli.utils import get_possibly_temporary_instance_for_cli

from alpha_pipeline.assets.automation.orphaned_run_monitor import started_process

CANCEL = signal.SIGUSR1
RUNNING = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def mark_runs_of(instance: dg.DagsterInstance, pid: int) -> list[str]:
    """Mark the running runs of a process of this machine as canceling; returns their ids."""
    marked = []
    for run in instance.get_runs(dg.RunsFilter(statuses=RUNNING)):
        started = started_process(instance, run.run_id)
        if started is not None and started[0] == pid:
            instance.report_run_canceling(run, message="Canceled from the command line.")
            marked.append(run.run_id)
    return marked


def _cancel(*_: object) -> None:
    """Handle the signal in a thread: the handler itself interrupts code of Dagster that may hold its database."""
    threading.Thread(target=_mark_and_interrupt).start()


def _mark_and_interrupt() -> None:
    try:
        with get_possibly_temporary_instance_for_cli("alpha-pipeline") as instance:
            mark_runs_of(instance, os.getpid())
    finally:
        os.killpg(os.getpgrp(), signal.SIGINT)  # steps in processes of their own included


if __name__ == "__main__":
    signal.signal(CANCEL, _cancel)
    sys.exit(main())  # type: ignore[no-untyped-call]  # Dagster's
