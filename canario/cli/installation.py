"""Where the stacks are, by their outputs, and what the commands reach there."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import boto3

from canario.adapters import aws
from canario.adapters.executions import Execution, Executions
from canario.adapters.lifetimes import LifetimeRecords
from canario.adapters.records import WorkshopRecords
from canario.adapters.stage_functions import StageFunctions
from canario.errors import RemoteError
from canario.workshop.ports import Lifetimes, Records

OUTPUTS = ("WorkshopMachineArn", "TableName", "StageFunctions")


class Functions(Protocol):
    def invoke(self, stage: str, event: Mapping[str, Any]) -> dict[str, Any]: ...


class Machine(Protocol):
    def start(self, name: str, content: Mapping[str, Any]) -> str: ...

    def describe(self, name: str) -> Execution: ...

    def find(self, name: str) -> Execution | None: ...

    def stop(self, name: str, cause: str) -> None: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """What the commands of a guided workshop reach."""

    records: Records
    functions: Functions
    machine: Machine
    lifetimes: Lifetimes
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = utc_now


def desk(session: boto3.Session) -> Desk:
    """The installation that the session finds. Raises RemoteError."""
    found = outputs(session)
    return Desk(
        records=WorkshopRecords(aws.table(session, found["TableName"])),
        functions=StageFunctions(session, json.loads(found["StageFunctions"])),
        machine=Executions(aws.client(session, "stepfunctions"), found["WorkshopMachineArn"]),
        lifetimes=LifetimeRecords(aws.table(session, found["TableName"])),
    )


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
