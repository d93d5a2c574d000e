"""The `canario` command: start a workshop, and read what is recorded of it.

AWS is found as boto3 finds it (region, credentials, AWS_ENDPOINT_URL); the stacks by their outputs.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from canario.adapters import aws
from canario.adapters.records import RolloutRecords, WorkshopRecords
from canario.errors import CanarioError, InvalidInput, RemoteError
from canario.workshop.names import names
from canario.workshop.request import AVAILABLE_STAGES, DIALECTS, STAGES, parse_request

OUTPUTS = ("WorkshopMachineArn", "TableName")


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0; 2 when the input was refused, 1 when something failed."""
    arguments = _parser().parse_args(argv)
    try:
        for line in arguments.run(arguments, boto3.Session()):
            print(line)  # noqa: T201
    except InvalidInput as error:
        print(f"canario: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except CanarioError as error:
        print(f"canario: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def start(arguments: argparse.Namespace, session: boto3.Session) -> list[str]:
    """Start an execution; its input is validated before anything is asked of AWS."""
    given = {
        "workshop": arguments.workshop,
        "until": arguments.until,
        **({"mesh": arguments.mesh} if arguments.mesh else {}),
        **({"canary": _plan(arguments.plan)} if arguments.plan else {}),
    }
    parse_request(given, dialects=DIALECTS)
    machine = outputs(session)["WorkshopMachineArn"]
    name = f"{arguments.workshop}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    with aws.doing(f"starting the workshop {arguments.workshop}"):
        started = aws.client(session, "stepfunctions").start_execution(
            stateMachineArn=machine, name=name, input=json.dumps(given)
        )
    return [f"started {started['executionArn']}", f"follow it with: canario show {arguments.workshop}"]


def show(arguments: argparse.Namespace, session: boto3.Session) -> list[str]:
    """The newest record of each stage and the rollout's decisions."""
    workshop = names(arguments.workshop).workshop
    table = aws.table(session, outputs(session)["TableName"])
    history = WorkshopRecords(table).history(workshop)
    if not history:
        return [f"nothing is recorded of the workshop {workshop}"]
    run = str(history[-1]["run"])
    newest = {record["stage"]: record for record in history if record["run"] == run}
    lines = [f"workshop {workshop}, execution {run}"]
    lines += [line for stage in STAGES if stage in newest for line in _stage_lines(newest[stage])]
    return lines + [_decision_line(entry) for entry in RolloutRecords(table).entries(run) if "decision" in entry]


def outputs(session: boto3.Session) -> dict[str, str]:
    """The stacks' outputs by name. Raises RemoteError when the stacks are not deployed."""
    found: dict[str, str] = {}
    with aws.doing("looking for the stacks' outputs"):
        pages = aws.client(session, "cloudformation").get_paginator("describe_stacks").paginate()
        for page in pages:
            for stack in page["Stacks"]:
                found |= {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    missing = [name for name in OUTPUTS if name not in found]
    if missing:
        raise RemoteError(
            f"no stack in {session.region_name} has the output {missing[0]}. "
            "What to do: cdk deploy --all, or name another region"
        )
    return found


def _stage_lines(record: Mapping[str, Any]) -> list[str]:
    seconds = f"{record['seconds']:.1f} s" if record.get("seconds") else ""
    lines = [f"  {record['stage']:<12}{record['status']:<10}{seconds}"]
    return lines + [
        f"      {check['name']}: {check['status']}: {check['message']}" for check in record.get("checks", [])
    ]


def _decision_line(entry: Mapping[str, Any]) -> str:
    share = f"{entry['share']:.1%}" if "share" in entry else ""
    return f"  canary {entry['at'][11:19]} {share:>7}  {entry['decision']:<9}{entry['reason']}"


def _plan(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput("plan", str(path), f"a file with a plan as JSON ({error})") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="canario", description="Run the service-mesh workshop, and read its records.")
    commands = parser.add_subparsers(required=True)
    starting = commands.add_parser("start", help="start a workshop's execution")
    starting.add_argument("workshop", help="its id, a DNS label; 'default' has the document's own names")
    starting.add_argument("--mesh", help=f"the dialect: {', '.join(DIALECTS)} (default: the installation's)")
    starting.add_argument("--until", default=STAGES[-1], help=f"the last stage: {', '.join(AVAILABLE_STAGES)}")
    starting.add_argument("--plan", type=Path, help="the canary's plan, a JSON file")
    starting.set_defaults(run=start)
    showing = commands.add_parser("show", help="show a workshop's stages, checks and decisions")
    showing.add_argument("workshop")
    showing.set_defaults(run=show)
    return parser


if __name__ == "__main__":
    sys.exit(main())
