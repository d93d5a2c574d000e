"""Executions of the workshop machine, for a person's commands."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from canario.adapters import aws
from canario.errors import NotReady, RemoteError

RUNNING = "RUNNING"


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
                raise NotReady(f"the execution {name} has been started already") from error
        return str(started["executionArn"])

    def describe(self, name: str) -> Execution:
        """Raises RemoteError, also when Step Functions has forgotten it (after 90 days)."""
        found = self.find(name)
        if found is None:
            raise RemoteError(f"reading the execution {name}: there is none (any more)")
        return found

    def find(self, name: str) -> Execution | None:
        """None when there is none of that name (any more)."""
        with aws.doing(f"reading the execution {name}"):
            try:
                found = self._client.describe_execution(executionArn=self._arn(name))
            except ClientError as error:
                if aws.code(error) != "ExecutionDoesNotExist":
                    raise
                return None
        try:
            return Execution(str(found["status"]), json.loads(found["input"]), str(found.get("cause") or ""))
        except ValueError as error:
            raise RemoteError(f"reading the execution {name}: its input is no JSON") from error

    def stop(self, name: str, cause: str) -> None:
        """Stop it where it stands, and the rollout that it waits for; harmless when it does not run."""
        found = self.find(name)
        if found and found.status == RUNNING:
            with aws.doing(f"stopping the execution {name}"):
                self._client.stop_execution(executionArn=self._arn(name), error="Stopped", cause=cause)

    def _arn(self, name: str) -> str:
        return f"{self._machine.replace(':stateMachine:', ':execution:')}:{name}"
