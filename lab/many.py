"""Several workshops at once in one lab, each under its own load: `make lab WORKSHOPS=5`, and the load by itself."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console

from canario.adapters import aws
from canario.adapters.executions import Executions
from canario.adapters.kubernetes import from_kubeconfig
from canario.adapters.records import WorkshopRecords
from canario.adapters.stage_functions import StageFunctions
from canario.workshop import many
from canario.workshop.many import Reach, Verdict
from canario.workshop.roster import Entry
from lab.loads import Loads, brief
from lab.report import write
from lab.run import LAB_PLAN, Options
from lab.state import Lab, environment
from lab.up import Say

KEEP_SECONDS = 1.0


def roster(options: Options, count: int) -> list[Entry]:
    """`turma-01`, `turma-02`, …"""
    shared = {"mesh": options.mesh, "until": options.until, "canary": LAB_PLAN}
    return [Entry(number, {"workshop": f"turma-{number:02}", **shared}) for number in range(1, count + 1)]


def run_many(lab: Lab, options: Options, count: int, seconds: Mapping[str, float], console: Console) -> int:
    """Run them to their ends, all at once; the exit status."""

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    os.environ.update(environment(lab))  # this process's AWS clients find the lab, and nothing else
    found = _reach(lab)
    loads = _loads(lab, found, options.rate, say)
    entries = roster(options, count)
    rooms = [room for room in many.room(entries, found) if room.limit is not None]
    lines = many.lines_of(entries, rooms, count)
    for line in lines:
        say(f"  {line.text}")
    many.require_room(lines)
    try:
        verdicts = _run(entries, replace(found, pause=lambda wait: _pause(loads, wait)), say)
    finally:
        loads.stop(datetime.now(UTC))
    _report(lab.directory, verdicts, loads.traffic(), seconds, say)
    return 0 if all(verdict.status in many.GOOD for verdict in verdicts) else 1


def keep_load(lab: Lab, rate: float, say: Say) -> None:
    """Load on every workshop of the lab until this process is interrupted."""
    os.environ.update(environment(lab))
    loads = _loads(lab, _reach(lab), rate, say)
    say(f"lab: {rate:g} requests a second on every workshop, once its baseline stands; Ctrl-C ends it")
    try:
        while True:
            _pause(loads, KEEP_SECONDS)
    finally:
        loads.stop(datetime.now(UTC))
        for workshop, counts in loads.traffic().items():
            say(f"  {workshop}: {brief(counts)}")


def _reach(lab: Lab) -> Reach:
    session = boto3.Session()
    return Reach(
        WorkshopRecords(aws.table(session, lab.outputs["TableName"])),
        StageFunctions(session, json.loads(lab.outputs["StageFunctions"])),
        Executions(aws.client(session, "stepfunctions"), lab.outputs["WorkshopMachineArn"]),
        time.sleep,
        lambda: datetime.now(UTC),
    )


def _loads(lab: Lab, found: Reach, rate: float, say: Say) -> Loads:
    return Loads(lab.directory, from_kubeconfig(lab.kubeconfig), found.records, rate, say)


def _pause(loads: Loads, seconds: float) -> None:
    loads.keep(datetime.now(UTC))
    time.sleep(seconds)  # neither Step Functions nor the records have a call that waits


def _run(entries: Iterable[Entry], found: Reach, say: Say) -> list[Verdict]:
    verdicts = []
    given = list(entries)
    for each in many.run(given, found, len(given)):
        if isinstance(each, Verdict):
            verdicts.append(each)
            say(f"{each.workshop}: {each.status} after {each.seconds:.0f} s {each.message}".rstrip())
        else:
            say(each)
    return sorted(verdicts, key=lambda verdict: verdict.workshop)


def _report(
    directory: Path, verdicts: list[Verdict], traffic: Mapping[str, Any], seconds: Mapping[str, float], say: Say
) -> None:
    for line in many.table(verdicts):
        say(line)
    for workshop, counts in traffic.items():
        say(f"  {workshop}: {brief(counts)}")
    content = {
        "workshops": [{**asdict(verdict), "traffic": traffic.get(verdict.workshop, {})} for verdict in verdicts],
        "lab": {"seconds": {step: round(spent, 1) for step, spent in seconds.items()}},
    }
    write(directory / "report.json", content)
    say(f"report   {directory.name}/report.json")
