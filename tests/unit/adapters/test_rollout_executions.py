"""Why a rollout that left no record did not begin."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canario.adapters.rollout_executions import Refusals

MACHINE = "arn:aws:states:us-west-1:0:stateMachine:canary"


class Executions:
    """Step Functions with one execution, or with none."""

    def __init__(self, execution: dict[str, Any] | None) -> None:
        self._execution = execution

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803  boto3's name
        assert executionArn == "arn:aws:states:us-west-1:0:execution:canary:second"
        if self._execution is None:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": ""}}, "DescribeExecution")
        return self._execution


FAILED = {
    "status": "FAILED",
    "error": "AlreadyRunning",
    "cause": json.dumps({"errorMessage": "first holds the router", "stackTrace": []}),
}


@pytest.mark.parametrize(
    ("execution", "why"),
    [(FAILED, "AlreadyRunning: first holds the router"), ({"status": "RUNNING"}, None), (None, None)],
)
def test_why(execution: dict[str, Any] | None, why: str | None) -> None:
    """The error and its own words, of an execution that failed."""
    assert why == Refusals(Executions(execution), MACHINE).why("second")
