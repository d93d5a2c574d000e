"""`canario start WORKSHOP`: start a workshop's execution. `canario start --roster FILE`: start many, and wait."""

import argparse
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from canario.adapters import aws, quotas
from canario.cli.installation import desk, outputs
from canario.cli.kinds import Commands
from canario.cli.rostered import start_many
from canario.errors import InvalidInput
from canario.workshop.many import PARALLEL, Reach, lines_of, room
from canario.workshop.request import DIALECTS, MODES, STAGES, TTL_HOURS, parse_request
from canario.workshop.roster import parse_roster


def add(commands: Commands) -> None:
    parser = commands.add_parser("start", help="start a workshop's execution")
    parser.add_argument("workshop", nargs="?", help="its id, a DNS label; 'default' has the document's own names")
    parser.add_argument("--mesh", help=f"the dialect: {', '.join(DIALECTS)} (default: the installation's)")
    parser.add_argument("--mode", choices=MODES, help="guided: each stage waits for its attendee (default: auto)")
    parser.add_argument("--guided-from", help="guided: the machine does the stages before this one")
    parser.add_argument("--until", default=STAGES[-1], help=f"the last stage: {', '.join(STAGES)}")
    parser.add_argument("--ttl-hours", type=float, help=f"how long it may live (default: {TTL_HOURS:g})")
    parser.add_argument("--plan", type=Path, help="the canary's plan, a JSON file")
    parser.add_argument("--roster", type=Path, help="many workshops: a list of ids, or a CSV with a column `workshop`")
    parser.add_argument("--parallel", default=str(PARALLEL), help=f"roster: most at work at once (default: {PARALLEL})")
    parser.add_argument("--check-only", action="store_true", help="roster: say whether all of them fit, start none")
    parser.add_argument("--json", action="store_true", help="roster: the verdicts as JSON, and nothing else")
    parser.set_defaults(run=start)


def start(arguments: argparse.Namespace, session: boto3.Session) -> Iterable[str]:
    """Start an execution, or a roster's; their input is validated before anything is asked of AWS."""
    if (arguments.workshop is None) == (arguments.roster is None):
        raise InvalidInput("workshop", arguments.workshop, "either a workshop's id, or --roster with a file")
    return _many(arguments, session) if arguments.roster else _one(arguments, session)


def _one(arguments: argparse.Namespace, session: boto3.Session) -> list[str]:
    given = {"workshop": arguments.workshop, **_shared(arguments)}
    parse_request(given, dialects=DIALECTS)
    machine = outputs(session)["WorkshopMachineArn"]
    name = f"{arguments.workshop}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    with aws.doing(f"starting the workshop {arguments.workshop}"):
        started = aws.client(session, "stepfunctions").start_execution(
            stateMachineArn=machine, name=name, input=json.dumps(given)
        )
    following = "check" if arguments.mode == "guided" else "show"
    return [f"started {started['executionArn']}", f"follow it with: canario {following} {arguments.workshop}"]


def _many(arguments: argparse.Namespace, session: boto3.Session) -> Iterator[str]:
    entries = parse_roster(_text(arguments.roster), _shared(arguments), dialects=DIALECTS)
    parallel = _count(arguments.parallel)
    found = desk(session)
    reach = Reach(found.records, found.functions, found.machine, found.pause, found.clock)
    rooms = room(entries, reach)
    rooms = [*rooms, *quotas.rooms(session, {each.thing: each for each in rooms})]
    lines = lines_of(entries, [each for each in rooms if each.limit is not None], parallel)
    return start_many(entries, lines, reach, parallel, as_json=arguments.json, only_check=arguments.check_only)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")  # as spreadsheets write it
    except (OSError, ValueError) as error:
        raise InvalidInput("roster", str(path), f"a text file in UTF-8 ({error})") from error


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise InvalidInput("parallel", text, "a whole number from 1")
    return int(text)


def _shared(arguments: argparse.Namespace) -> dict[str, Any]:
    """What all workshops of one command have in common."""
    return {
        "until": arguments.until,
        **({"mesh": arguments.mesh} if arguments.mesh else {}),
        **({"mode": arguments.mode} if arguments.mode else {}),
        **({"guided_from": arguments.guided_from} if arguments.guided_from else {}),
        **({"ttl_hours": arguments.ttl_hours} if arguments.ttl_hours is not None else {}),
        **({"canary": _plan(arguments.plan)} if arguments.plan else {}),
    }


def _plan(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput("plan", str(path), f"a file with a plan as JSON ({error})") from error
