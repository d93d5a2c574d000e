"""Executions of the workshop machine, for a person's commands."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from canario.adapters import aws
from canario.errors import NotReady, RemoteError


@dataclass(frozen=True)
class Execution:
    """`status` is Step Functions' own (RUNNING, SUCCEEDED, …); `input` is what it was started with."""

    status: str
    input: Mapping[str, Any]
    cause: str = ""  # of its failure


class Executions:
    def __init__(self, client: Any, machine: str) -> None:
        self._client, self._machine = client, machine

    def start(self, name: str, content: Mapping[str, Any]) -> str:
        """Start one; its ARN. Raises NotReady when one of that name has been started already."""
        with aws.doing(f"starting the execution {name}"):
            try:
                started = self._client.start_execution(
                    stateMachineArn=self._machine, name=name, input=json.dumps(content)
                )
            except ClientError as error:
                if aws.code(error) != "ExecutionAlreadyExists":
                    raise
                raise NotReady(f"the execution {name} has been started in this very second; try again") from error
        return str(started["executionArn"])

    def describe(self, name: str) -> Execution:
        """Raises RemoteError, also when Step Functions has forgotten it (after 90 days)."""
        arn = f"{self._machine.replace(':stateMachine:', ':execution:')}:{name}"
        with aws.doing(f"reading the execution {name}"):
            found = self._client.describe_execution(executionArn=arn)
        try:
            return Execution(str(found["status"]), json.loads(found["input"]), str(found.get("cause") or ""))
        except ValueError as error:
            raise RemoteError(f"reading the execution {name}: its input is no JSON") from error
