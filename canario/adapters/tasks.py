"""Step Functions' task tokens: end a task that waits, or keep it alive."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from canario.adapters import aws
from canario.errors import NotWaiting

GONE = ("TaskDoesNotExist", "TaskTimedOut", "InvalidToken")


class TaskTokens:
    """The port `Tasks`. No message of this class repeats a token."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def succeed(self, token: str, output: Mapping[str, Any]) -> None:
        with _known("ending the stage's wait"):
            self._client.send_task_success(taskToken=token, output=json.dumps(output))

    def fail(self, token: str, error: str, cause: str) -> None:
        with _known("ending the execution's wait"):
            self._client.send_task_failure(taskToken=token, error=error, cause=cause)

    def heartbeat(self, token: str) -> None:
        with _known("keeping the stage's wait alive"):
            self._client.send_task_heartbeat(taskToken=token)


@contextmanager
def _known(what: str) -> Iterator[None]:
    with aws.doing(what):
        try:
            yield
        except ClientError as error:
            if aws.code(error) not in GONE:
                raise
            raise NotWaiting(
                "the execution does not wait for this stage any more (it went on, timed out or was stopped). "
                "What to do: canario show, or start it again: it resumes here"
            ) from error
