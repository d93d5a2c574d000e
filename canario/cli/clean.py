"""`canario clean WORKSHOP`: take a workshop away, at whatever stage it is."""

import argparse
from collections.abc import Iterator

from canario.cli.following import newest
from canario.cli.installation import Desk, desk
from canario.cli.kinds import Commands, add_workshop
from canario.workshop.lifetime import CLEAN, cleaning
from canario.workshop.names import names


def add(commands: Commands) -> None:
    parser = commands.add_parser("clean", help="take a workshop away, at whatever stage it is")
    add_workshop(parser)
    parser.set_defaults(run=lambda given, session: clean(given, desk(session)))


def clean(given: argparse.Namespace, desk: Desk) -> Iterator[str]:
    """Stop the execution that runs, unless it is cleaning already, and start one that only cleans."""
    workshop = names(given.workshop).workshop
    lifetime, stages = desk.lifetimes.get(workshop), desk.records.stages(workshop)
    runs = {str(newest(stages)["run"])} if stages else set()
    runs |= {lifetime.run} if lifetime else set()
    for run in sorted(runs):
        execution = desk.machine.find(run)
        if execution is None or execution.status != "RUNNING":
            continue
        if stages.get(CLEAN, {}).get("run") == run:
            yield f"the execution {run} is cleaning already; follow it with: canario show {workshop}"
            return
        desk.machine.stop(run, f"canario clean {workshop}")
        yield f"stopped the execution {run}"
    name = f"{workshop}-clean-{desk.clock():%Y%m%dT%H%M%S}"
    desk.machine.start(name, cleaning(workshop, lifetime.mesh if lifetime else ""))
    yield f"started {name}"
    yield f"follow it with: canario show {workshop}"
