"""The stages' functions, invoked by a person's command; the machine invokes them by itself."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from canario import errors
from canario.adapters import aws
from canario.errors import CanarioError, RemoteError

# The errors that a function raises for people to read.
RAISED = ("NotReady", "NotWaiting", "CheckFailed", "Quarantined", "Frozen", "RemoteError", "Conflict", "AlreadyRunning")

# A stage's checks may take a minute, and an invocation that was repeated would count as two attempts.
CONFIG = aws.CONFIG.merge(Config(read_timeout=150, retries={"total_max_attempts": 1}))


class StageFunctions:
    """`names`: stage → its function's name."""

    def __init__(self, session: boto3.Session, names: Mapping[str, str]) -> None:
        self._client, self._names = session.client("lambda", config=CONFIG), names

    def invoke(self, stage: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """The function's answer. What the function raised is raised here, under the same name."""
        what = f"asking the stage {stage} to {event['action']}"
        if stage not in self._names:
            raise RemoteError(f"{what}: the installation has no function for it. What to do: cdk deploy --all")
        with aws.doing(what):
            answer = self._client.invoke(FunctionName=self._names[stage], Payload=json.dumps(event).encode())
        content = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise _error(what, content)
        return dict(content)


def _error(what: str, content: Mapping[str, Any]) -> CanarioError:
    """The function's own error when it is one of Canario's, whose text is for people already."""
    name, message = str(content.get("errorType")), str(content.get("errorMessage"))
    kind = getattr(errors, name, None)
    if name in RAISED and kind:
        return kind(message)  # type: ignore[no-any-return]
    return RemoteError(f"{what}: {name}: {message}")
