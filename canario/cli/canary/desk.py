"""What a person's commands to rollouts reach: two functions, the templates, and their own name."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import boto3

from canario.adapters import aws
from canario.adapters.stage_functions import StageFunctions
from canario.adapters.templates import TemplateRecords
from canario.canary.starting import Templates
from canario.cli.installation import outputs
from canario.errors import InvalidInput, RemoteError

FUNCTIONS = {"start": "StartFunction", "instruct": "InstructFunction"}  # by the stacks' outputs


class Functions(Protocol):
    def invoke(self, stage: str, event: Mapping[str, Any]) -> dict[str, Any]: ...


@dataclass(frozen=True)
class RolloutDesk:
    functions: Functions
    templates: Templates
    me: Callable[[], str]


def rollout_desk(session: boto3.Session) -> RolloutDesk:
    """The installation that the session finds. Raises RemoteError."""
    found = outputs(session)
    missing = [output for output in FUNCTIONS.values() if output not in found]
    if missing:
        raise RemoteError(f"no stack has the output {missing[0]}. What to do: cdk deploy --all")
    return RolloutDesk(
        functions=StageFunctions(session, {name: found[output] for name, output in FUNCTIONS.items()}),
        templates=TemplateRecords(aws.table(session, found["TableName"])),
        me=lambda: _me(session),
    )


def read_json(option: str, path: str) -> Any:
    """Raises InvalidInput."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise InvalidInput(option, path, f"a file with JSON ({error})") from error


def _me(session: boto3.Session) -> str:
    """Who the session's credentials are: what the record of an instruction says."""
    with aws.doing("asking who I am"):
        return str(aws.client(session, "sts").get_caller_identity()["Arn"])
