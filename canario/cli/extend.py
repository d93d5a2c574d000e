"""`canario extend WORKSHOP --hours N`: let a workshop live longer."""

import argparse
from collections.abc import Iterator

from canario.cli.installation import Desk, desk
from canario.cli.kinds import Commands, add_workshop
from canario.errors import InvalidInput
from canario.workshop.lifetime import extended
from canario.workshop.names import names
from canario.workshop.request import parse_hours


def add(commands: Commands) -> None:
    parser = commands.add_parser("extend", help="let a workshop live longer")
    add_workshop(parser)
    parser.add_argument("--hours", required=True, help="how many hours more")
    parser.set_defaults(run=lambda given, session: extend(given, desk(session)))


def extend(given: argparse.Namespace, desk: Desk) -> Iterator[str]:
    """Raises InvalidInput when it does not live, Conflict when it ends at this very moment."""
    workshop = names(given.workshop).workshop
    longer = extended(workshop, _hours(given.hours), desk.lifetimes, desk.clock())
    yield f"the workshop {workshop} lives until {longer.expires:%Y-%m-%d %H:%M} UTC"


def _hours(text: str) -> float:
    try:
        return parse_hours("hours", float(text))
    except ValueError:
        raise InvalidInput("hours", text, "a number of hours") from None
