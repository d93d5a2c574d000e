"""`canario show WORKSHOP`: what is recorded of it."""

import argparse
from collections.abc import Mapping
from typing import Any

import boto3

from canario.adapters import aws
from canario.adapters.lifetimes import LifetimeRecords
from canario.adapters.records import RolloutRecords, WorkshopRecords
from canario.cli.installation import outputs
from canario.cli.kinds import Commands
from canario.workshop.names import names
from canario.workshop.ports import Lifetime
from canario.workshop.request import STAGES
from canario.workshop.run import QUARANTINED

BY = {"machine": "solved by the machine", "attendee": "solved by the attendee"}


def add(commands: Commands) -> None:
    parser = commands.add_parser("show", help="show a workshop's stages, checks and decisions")
    parser.add_argument("workshop")
    parser.set_defaults(run=show)


def show(arguments: argparse.Namespace, session: boto3.Session) -> list[str]:
    """The newest record of each stage and the rollout's decisions."""
    workshop = names(arguments.workshop).workshop
    table = aws.table(session, outputs(session)["TableName"])
    records = WorkshopRecords(table)
    history = records.history(workshop)
    if not history:
        return [f"nothing is recorded of the workshop {workshop}"]
    run = str(history[-1]["run"])
    # The current records may be of several executions, each of which resumed where the one before had ended.
    newest = records.stages(workshop) or {each["stage"]: each for each in history if each["run"] == run}
    lines = [f"workshop {workshop}, execution {run}"]
    rollout = str(newest.get("canary", {}).get("run", run))
    lines += _lifetime_lines(LifetimeRecords(table).get(workshop))
    lines += [line for stage in STAGES if stage in newest for line in _stage_lines(newest[stage])]
    return lines + [_decision_line(entry) for entry in RolloutRecords(table).entries(rollout) if "decision" in entry]


def _lifetime_lines(lifetime: Lifetime | None) -> list[str]:
    if lifetime is None:
        return []
    if lifetime.expired:
        return [f"  it expired at {lifetime.expires:%Y-%m-%d %H:%M} UTC, and is being cleaned or is quarantined"]
    more = f"canario extend {lifetime.workshop} --hours 4"
    return [f"  it lives until {lifetime.expires:%Y-%m-%d %H:%M} UTC; for longer, {more}"]


def _stage_lines(record: Mapping[str, Any]) -> list[str]:
    seconds = f"{record['seconds']:.1f} s" if record.get("seconds") else ""
    by = BY.get(record.get("by", ""), "") if record["status"] == "passed" else record.get("reason", "")
    lines = [f"  {record['stage']:<12}{record['status']:<10}{seconds:<9}{by}".rstrip()]
    left = record.get("outputs", {}).get("left", []) if record["status"] == QUARANTINED else []
    lines += [f"      left: {each}" for each in left]
    return lines + [
        f"      {check['name']}: {check['status']}: {check['message']}" for check in record.get("checks", [])
    ]


def _decision_line(entry: Mapping[str, Any]) -> str:
    share = f"{entry['share']:.1%}" if "share" in entry else ""
    return f"  canary {entry['at'][11:19]} {share:>7}  {entry['decision']:<9}{entry['reason']}"
