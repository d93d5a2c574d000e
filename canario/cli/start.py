"""`canario start WORKSHOP`: start a workshop's execution."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from canario.adapters import aws
from canario.cli.installation import outputs
from canario.cli.kinds import Commands
from canario.errors import InvalidInput
from canario.workshop.request import DIALECTS, MODES, STAGES, parse_request


def add(commands: Commands) -> None:
    parser = commands.add_parser("start", help="start a workshop's execution")
    parser.add_argument("workshop", help="its id, a DNS label; 'default' has the document's own names")
    parser.add_argument("--mesh", help=f"the dialect: {', '.join(DIALECTS)} (default: the installation's)")
    parser.add_argument("--mode", choices=MODES, help="guided: each stage waits for its attendee (default: auto)")
    parser.add_argument("--guided-from", help="guided: the machine does the stages before this one")
    parser.add_argument("--until", default=STAGES[-1], help=f"the last stage: {', '.join(STAGES)}")
    parser.add_argument("--plan", type=Path, help="the canary's plan, a JSON file")
    parser.set_defaults(run=start)


def start(arguments: argparse.Namespace, session: boto3.Session) -> list[str]:
    """Start an execution; its input is validated before anything is asked of AWS."""
    given = {
        "workshop": arguments.workshop,
        "until": arguments.until,
        **({"mesh": arguments.mesh} if arguments.mesh else {}),
        **({"mode": arguments.mode} if arguments.mode else {}),
        **({"guided_from": arguments.guided_from} if arguments.guided_from else {}),
        **({"canary": _plan(arguments.plan)} if arguments.plan else {}),
    }
    parse_request(given, dialects=DIALECTS)
    machine = outputs(session)["WorkshopMachineArn"]
    name = f"{arguments.workshop}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    with aws.doing(f"starting the workshop {arguments.workshop}"):
        started = aws.client(session, "stepfunctions").start_execution(
            stateMachineArn=machine, name=name, input=json.dumps(given)
        )
    following = "check" if arguments.mode == "guided" else "show"
    return [f"started {started['executionArn']}", f"follow it with: canario {following} {arguments.workshop}"]


def _plan(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput("plan", str(path), f"a file with a plan as JSON ({error})") from error
