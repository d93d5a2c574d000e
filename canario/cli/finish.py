"""`canario solve` and `canario skip`: the stage that waits is done by the machine, or by nobody."""

import argparse
from collections.abc import Iterator
from functools import partial

import boto3

from canario.cli.following import current, follow
from canario.cli.installation import Desk, desk
from canario.cli.kinds import Commands, add_language, add_workshop
from canario.cli.texts import text
from canario.workshop.names import names
from canario.workshop.run import Finish
from canario.workshop.stages import stage

COMMANDS = (
    ("solve", Finish.SOLVE, "solving", "let the machine do the stage that waits for you"),
    ("skip", Finish.SKIP, "skipping", "leave out the stage that waits for you"),
)


def add(commands: Commands) -> None:
    for name, how, said, help_text in COMMANDS:
        parser = commands.add_parser(name, help=help_text)
        add_workshop(parser)
        parser.add_argument("stage", nargs="?", help="default: the one that waits")
        add_language(parser)
        parser.set_defaults(run=partial(_run, how, said))


def _run(how: Finish, said: str, given: argparse.Namespace, session: boto3.Session) -> Iterator[str]:
    return finish(how, said, given, desk(session))


def finish(how: Finish, said: str, given: argparse.Namespace, desk: Desk) -> Iterator[str]:
    """Raises NotWaiting when the stage does not wait."""
    workshop = names(given.workshop).workshop
    this = stage(given.stage or current(workshop, desk))
    desk.functions.invoke(this.id, {"action": "finish", "workshop": workshop, "finish": str(how)})
    yield text(given.lang, said, stage=this.id)
    yield from follow(workshop, this.id, desk, given.lang)
