"""`canario reset WORKSHOP STAGE`: undo the stage and everything after it, and go on from there."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from canario.cli.following import current, newest
from canario.cli.installation import Desk, desk
from canario.cli.kinds import Commands, add_language, add_workshop
from canario.cli.texts import text
from canario.errors import InvalidInput, NotReady
from canario.workshop.names import names
from canario.workshop.request import STAGES

POLL_SECONDS = 0.5
MOST_POLLS = 600
UNDONE = "cleaned"


def add(commands: Commands) -> None:
    parser = commands.add_parser("reset", help="undo a stage and all after it; the workshop resumes there")
    add_workshop(parser)
    parser.add_argument("stage", help="the first stage to be undone")
    add_language(parser)
    parser.set_defaults(run=lambda given, session: reset(given, desk(session)))


def reset(given: argparse.Namespace, desk: Desk) -> Iterator[str]:
    """The history stays. Raises InvalidInput, and NotWaiting while the machine is at work."""
    workshop = names(given.workshop).workshop
    stages = desk.records.stages(workshop)
    affected = _affected(given.stage, stages)
    run = str(newest(stages)["run"])
    execution = desk.machine.describe(run)
    if execution.status == "RUNNING":
        yield from _end(workshop, given, run, desk)
    for each in reversed(affected):
        event = {"action": "clean", "request": execution.input, "run": run}
        _until_gone(each, event, desk)
        yield text(given.lang, "undone", stage=each)
    if execution.input.get("mode") != "guided":
        yield text(given.lang, "start_again", workshop=workshop)
        return
    name = f"{workshop}-{desk.clock():%Y%m%dT%H%M%S}"
    desk.machine.start(name, execution.input)
    yield text(given.lang, "started", run=name, stage=given.stage)


def _affected(first: str, stages: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The stage and those after it that have a record which has not been undone, in order."""
    begun = [each for each in STAGES if stages.get(each, {}).get("status", UNDONE) != UNDONE]
    if first not in begun:
        raise InvalidInput("stage", first, f"a stage that has begun: {', '.join(begun) or 'none has'}")
    return begun[begun.index(first) :]


def _end(workshop: str, given: argparse.Namespace, run: str, desk: Desk) -> Iterator[str]:
    """End the execution where it waits; a canary in flight is rolled back by it. Raises NotWaiting."""
    waiting = current(workshop, desk)
    yield text(given.lang, "ending", run=run, stage=waiting)
    cause = f"canario reset {workshop} {given.stage}"
    desk.functions.invoke(waiting, {"action": "abandon", "workshop": workshop, "cause": cause})
    for _ in range(MOST_POLLS):
        if desk.machine.describe(run).status != "RUNNING":
            return
        desk.pause(POLL_SECONDS)
    raise NotReady(f"the execution {run} has not ended; try again when it has: canario show {workshop}")


def _until_gone(stage: str, event: Mapping[str, Any], desk: Desk) -> None:
    for _ in range(MOST_POLLS):
        try:
            desk.functions.invoke(stage, event)
            return
        except NotReady as reason:
            last = reason
            desk.pause(POLL_SECONDS)
    raise last
