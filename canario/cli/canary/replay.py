"""`canario canary replay FILE`: what Canario would have decided on a recorded series of counts."""

import argparse
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3

from canario.canary.history import Decided
from canario.canary.recorded import rows
from canario.canary.recording import recording
from canario.canary.replay import Replay
from canario.canary.replay import replay as run
from canario.cli.canary import picture
from canario.cli.canary.plans import HELP, plan_of
from canario.cli.canary.table import table
from canario.cli.kinds import Commands
from canario.errors import InvalidInput


def add(commands: Commands) -> None:
    parser = commands.add_parser("replay", help="run a recorded series of counts through a plan")
    parser.add_argument("file", type=Path, help="CSV or JSON; docs/reading-decisions.md has the columns")
    parser.add_argument("--plan", action="append", default=[], metavar="FILE|NAME=VALUE", help=HELP)
    parser.add_argument(
        "--column", action="append", default=[], metavar="THEIRS=OURS", help="a column or series by another name"
    )
    parser.add_argument(
        "--absent-errors-are-zero",
        action="store_true",
        help="for sources that write no datapoint where they counted no error (a load balancer's 5xx)",
    )
    parser.add_argument("--json", action="store_true", help="the decisions as one JSON document instead of a table")
    picture.add_option(parser)
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace, _: boto3.Session) -> Iterator[str]:
    yield from replay(given, shutil.get_terminal_size((0, 0)).columns)


def replay(given: argparse.Namespace, width: int = 0) -> Iterator[str]:
    """The table, the notes, the picture. Raises InvalidInput that names the row and the field."""
    plan = plan_of(given.plan)
    found = rows(_read(given.file), dict(_pair(each) for each in given.column))
    replayed = run(plan, recording(found, plan, absent_errors_are_zero=given.absent_errors_are_zero))
    if given.json:
        yield json.dumps(document(replayed), indent=1, allow_nan=False)
    else:
        yield from table(replayed.decided, width)
        yield ""
        yield from replayed.notes
    if given.picture:
        drawn = picture.draw(replayed.decided, plan, given.picture, f"replay of {given.file.name}")
        yield from [] if given.json else [drawn]


def document(replayed: Replay) -> dict[str, object]:
    """A report's `canary`, as `.lab/report.json` has it, with the plan and the notes; it can be replayed again."""
    return {
        "outcome": replayed.rollout.outcome,
        "plan": replayed.plan.to_dict(),
        "notes": list(replayed.notes),
        "decisions": [_entry(each) for each in replayed.decided],
    }


def _entry(each: Decided) -> dict[str, object]:
    window = each.observation
    nodes = (("", window.canary), ("baseline_", window.baseline))
    return {
        "at": window.end.isoformat(),
        **each.decision.to_dict(),
        "start": window.start.isoformat(),
        "end": window.end.isoformat(),
        "in_force": window.share,
        **{f"{node}requests": counts and counts.requests for node, counts in nodes},
        **{f"{node}errors": counts and counts.errors for node, counts in nodes},
    }


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise InvalidInput("file", str(path), f"a readable text file ({error})") from error


def _pair(given: str) -> tuple[str, str]:
    theirs, separator, ours = given.partition("=")
    if not separator or not theirs or not ours:
        raise InvalidInput("column", given, "THEIRS=OURS, such as RequestCount=canary_requests")
    return theirs, ours
