"""`canario solution WORKSHOP STAGE`: the commands that solve a stage, as its last hint has them."""

import argparse

from canario.cli.installation import Desk, desk
from canario.cli.kinds import Commands, add_language, add_workshop
from canario.workshop.hints import APP_MESH, hints
from canario.workshop.names import names
from canario.workshop.stages import stage


def add(commands: Commands) -> None:
    parser = commands.add_parser("solution", help="print the commands that solve a stage by hand")
    add_workshop(parser)
    parser.add_argument("stage", help="the stage's id")
    add_language(parser)
    parser.set_defaults(run=lambda given, session: solution(given, desk(session)))


def solution(given: argparse.Namespace, desk: Desk) -> list[str]:
    """A shell script, in the workshop's own dialect; App Mesh's for a workshop that was never started."""
    this, its_names = stage(given.stage).id, names(given.workshop)
    lifetime = desk.lifetimes.get(its_names.workshop)
    return [hints(this, given.lang, its_names, (lifetime and lifetime.mesh) or APP_MESH)[-1]]
