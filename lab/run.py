"""One whole workshop in the lab: start the execution, send it load, show it, report it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console

from canario.adapters import aws
from canario.adapters.cloudwatch import NodeMetrics
from canario.adapters.kubernetes import from_kubeconfig
from canario.adapters.records import RolloutRecords, WorkshopRecords
from canario.workshop.names import names
from canario.workshop.request import DIALECTS, parse_request
from canario.workshop.stages.s08_canary import target
from lab.attached import AttachedLoad
from lab.measured import measured, span
from lab.progress import view
from lab.report import Snapshot, complaint, newest, report, summary, write
from lab.state import Lab, environment

POLL_SECONDS = 0.5
LOAD_FROM = "baseline"  # the stage after which there is something to call

# Short windows, so that a run is minutes; a rate below which nobody cares that a few hundred requests can prove.
LAB_PLAN = {"window_seconds": 5, "tolerated_rate": 0.01, "deadline_windows": 60, "watch_windows": 1}


@dataclass(frozen=True)
class Options:
    """What `make lab` was asked for."""

    workshop: str
    mesh: str
    until: str
    v2_error_rate: float
    rate: float  # requests a second to the frontend
    observe_from: int  # rollouts at once that have the shared observer read for them; 0: none


class Execution:
    """A workshop's execution and everything that is recorded of it."""

    def __init__(self, lab: Lab, options: Options) -> None:
        session = boto3.Session()
        table = aws.table(session, lab.outputs["TableName"])
        self._machine = lab.outputs["WorkshopMachineArn"]
        self._functions = aws.client(session, "stepfunctions")
        self._records, self._rollouts = WorkshopRecords(table), RolloutRecords(table)
        self._options = options
        self.name = f"{options.workshop}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
        self.arn = ""

    def start(self) -> None:
        content = {
            "workshop": self._options.workshop,
            "mesh": self._options.mesh,
            "until": self._options.until,
            "canary": LAB_PLAN,
        }
        started = self._functions.start_execution(
            stateMachineArn=self._machine, name=self.name, input=json.dumps(content)
        )
        self.arn = str(started["executionArn"])

    def stop(self) -> None:
        """Stop it where it stands, for a person who pressed Ctrl-C."""
        self._functions.stop_execution(executionArn=self.arn, error="Stopped", cause="make lab was interrupted")

    def look(self, traffic: Mapping[str, Any]) -> Snapshot:
        found = self._functions.describe_execution(executionArn=self.arn)
        return Snapshot(
            execution=self.arn,
            status=str(found["status"]),
            stages=newest(self._records.history(self._options.workshop), self.name),
            rollout=self._rollouts.entries(self.name),
            traffic=traffic,
            cause=str(found.get("cause", "")),
        )


def run(lab: Lab, options: Options, seconds: Mapping[str, float], console: Console) -> int:
    """Run one workshop to its end; the exit status."""
    os.environ.update(environment(lab))  # this process's AWS clients find the lab, and nothing else
    execution = Execution(lab, options)
    kubernetes = from_kubeconfig(lab.kubeconfig)
    load = AttachedLoad(lab.directory, kubernetes, names(options.workshop), options.rate)
    execution.start()
    try:
        snapshot = _follow(execution, load, console)
    except KeyboardInterrupt:
        execution.stop()
        raise
    finally:
        load.stop(datetime.now(UTC))
    snapshot = replace(snapshot, traffic={**snapshot.traffic, "cloudwatch": _measured(snapshot, options)})
    return _finish(lab.directory, snapshot, options, seconds, console)


def _measured(snapshot: Snapshot, options: Options) -> dict[str, dict[str, int]]:
    """CloudWatch's own totals of both nodes while the load ran; empty when it did not."""
    when = span(snapshot.traffic, datetime.now(UTC))
    if when is None:
        return {}
    request = parse_request({"workshop": options.workshop, "mesh": options.mesh}, dialects=DIALECTS)
    return measured(NodeMetrics(aws.client(boto3.Session(), "cloudwatch")), target(request), *when)


def _follow(execution: Execution, load: AttachedLoad, console: Console) -> Snapshot:
    """Show the execution until it ends."""
    with view(console) as shown:
        while True:
            snapshot = execution.look(load.traffic())
            load.keep(datetime.now(UTC), wanted=_has_passed(snapshot, LOAD_FROM))
            shown.show(snapshot)
            if snapshot.status != "RUNNING":
                load.stop(datetime.now(UTC))
                return execution.look(load.traffic())
            time.sleep(POLL_SECONDS)  # Step Functions has no call that waits for an execution


def _finish(
    directory: Path, snapshot: Snapshot, options: Options, seconds: Mapping[str, float], console: Console
) -> int:
    write(directory / "report.json", report(snapshot, seconds=seconds))
    for line in summary(snapshot, seconds=seconds):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    wrong = complaint(snapshot, options.v2_error_rate, options.until)
    if wrong:
        console.print(f"canario: the workshop did not do what it was told: {wrong}", soft_wrap=True, markup=False)
    console.print(f"report   {directory.name}/report.json", markup=False, highlight=False)
    return 1 if wrong else 0


def _has_passed(snapshot: Snapshot, stage: str) -> bool:
    return any(record["stage"] == stage and record["status"] == "passed" for record in snapshot.stages)
