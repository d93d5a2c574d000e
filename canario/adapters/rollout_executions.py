"""Executions of the canary machine and of the one that runs rollouts in order."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from canario.adapters import aws
from canario.adapters.causes import message

EXISTS, GONE = "ExecutionAlreadyExists", "ExecutionDoesNotExist"


class Starting:
    """The port `Starter` of one machine."""

    def __init__(self, client: Any, machine: str) -> None:
        self._client, self._machine = client, machine

    def start(self, name: str, content: Mapping[str, Any]) -> bool:
        """Start the execution; False when one of that name has been started already."""
        with aws.doing(f"starting the execution {name}"):
            try:
                self._client.start_execution(stateMachineArn=self._machine, name=name, input=json.dumps(content))
            except ClientError as error:
                if aws.code(error) != EXISTS:
                    raise
                return False
        return True


class Running:
    """The port `Executions`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def is_running(self, arn: str) -> bool:
        """False also when Step Functions has forgotten it."""
        with aws.doing(f"reading the execution {arn.rpartition(':')[2]}"):
            try:
                return bool(self._client.describe_execution(executionArn=arn)["status"] == "RUNNING")
            except ClientError as error:
                if aws.code(error) != GONE:
                    raise
                return False


class Refusals:
    """Why an execution of this machine failed: of a rollout that was refused at its beginning nothing is recorded."""

    def __init__(self, client: Any, machine: str) -> None:
        self._client, self._machine = client, machine

    def why(self, name: str) -> str | None:
        """`AlreadyRunning: …`; None where no such execution is known, or it did not fail."""
        arn = f"{self._machine.replace(':stateMachine:', ':execution:')}:{name}"
        with aws.doing(f"reading the execution {name}"):
            try:
                found = self._client.describe_execution(executionArn=arn)
            except ClientError as error:
                if aws.code(error) != GONE:
                    raise
                return None
        if found["status"] != "FAILED":
            return None
        return f"{found.get('error', 'error')}: {message(str(found.get('cause', '')))}"
