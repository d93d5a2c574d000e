"""`canario canary show ROLLOUT`: what was seen and decided, from its records."""

import argparse
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import boto3

from canario.adapters import aws
from canario.adapters.records import RolloutRecords, WorkshopRecords
from canario.adapters.rollout_executions import Refusals
from canario.canary import Plan
from canario.canary.history import decided, has_window
from canario.canary.instructions import Instruction
from canario.cli.canary import picture
from canario.cli.canary.table import table
from canario.cli.installation import outputs
from canario.cli.kinds import Commands, Unmet
from canario.errors import InvalidInput

Entry = Mapping[str, Any]


class Rollouts(Protocol):
    def entries(self, rollout: str) -> Sequence[Entry]: ...

    def instructions(self, rollout: str) -> Sequence[Instruction]: ...


class Workshops(Protocol):
    def stages(self, workshop: str) -> Mapping[str, Entry]: ...


def add(commands: Commands) -> None:
    parser = commands.add_parser("show", help="print a rollout's windows and decisions as a table")
    parser.add_argument("rollout", help="its name, or its workshop's id for the newest one of its stage canary")
    picture.add_option(parser)
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace, session: boto3.Session) -> Iterator[str]:
    there = outputs(session)
    found = aws.table(session, there["TableName"])
    width = shutil.get_terminal_size((0, 0)).columns
    rollouts = RolloutRecords(found)
    refusals = Refusals(aws.client(session, "stepfunctions"), there["CanaryMachineArn"])
    why = None if rollouts.entries(given.rollout) else refusals.why(given.rollout)
    if why:
        yield f"rollout {given.rollout} did not begin, and changed nothing: {why}"
        raise Unmet
    yield from show(given.rollout, given.picture, rollouts, WorkshopRecords(found), width)


def show(name: str, path: Path | None, rollouts: Rollouts, workshops: Workshops, width: int = 0) -> Iterator[str]:
    """Raises InvalidInput when nothing is recorded of it."""
    rollout, entries = _entries(name, rollouts, workshops)
    seen = decided(entries)
    yield f"rollout {rollout}{_subject(entries)}"
    yield from table(seen, width)
    told = [{"at": each.at.isoformat(), "kind": each.words} for each in rollouts.instructions(rollout)]
    others = [entry for entry in entries if not has_window(entry)] + _pods(entries)
    yield from (_event(entry) for entry in sorted([*others, *told], key=lambda entry: str(entry["at"])))
    if path:
        plan = Plan.from_dict(entries[0]["plan"]) if "plan" in entries[0] else Plan()
        yield picture.draw(seen, plan, path, f"rollout {rollout}")


def _entries(name: str, rollouts: Rollouts, workshops: Workshops) -> tuple[str, Sequence[Entry]]:
    entries = rollouts.entries(name)
    if entries:
        return name, entries
    newest = str(workshops.stages(name).get("canary", {}).get("run", ""))
    entries = rollouts.entries(newest) if newest else ()
    if not entries:
        raise InvalidInput("rollout", name, "the name of a rollout that is recorded, or a workshop with one")
    return newest, entries


def _subject(entries: Sequence[Entry]) -> str:
    router = next((f" of the router {entry['router']}" for entry in entries if "router" in entry), "")
    outcome = next((f": {entry['outcome']}" for entry in reversed(entries) if entry.get("outcome")), "")
    return f"{router}{outcome}"


def _pods(entries: Sequence[Entry]) -> list[Entry]:
    """What became of the pods that decisions named."""
    kinds = {"replaced": "pod {} was replaced", "not_replaced": "a pod could not be replaced: {}"}
    return [
        {"at": entry["at"], "kind": words.format(entry[kind])}
        for entry in entries
        for kind, words in kinds.items()
        if kind in entry
    ]


def _event(entry: Entry) -> str:
    """What else is recorded: that it started, was approved, paused, ended."""
    reason = f": {entry['reason']}" if entry.get("reason") else ""
    return f"{str(entry['at'])[11:19]}  {entry.get('decision', entry['kind'])}{reason}"
