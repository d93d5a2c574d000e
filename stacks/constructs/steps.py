"""States that invoke a function, and what both machines retry."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

# Nothing is known to be wrong with the work itself: Lambda or a remote system failed, or the worker was killed.
TRANSIENT = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.Timeout",
    "RemoteError",
)

INTERVAL_SECONDS, BACKOFF_RATE, LONGEST_DELAY_SECONDS = 1, 1.15, 5


def invoke(
    scope: Construct,
    name: str,
    *,
    function: lambda_.IFunction,
    payload: Mapping[str, Any],
    timeout_seconds: int,
    comment: str,
    outputs: Any = "{% $states.result.Payload %}",
    assign: Mapping[str, Any] | None = None,
    ready_within_seconds: int = 0,
) -> tasks.LambdaInvoke:
    """A state that invokes `function`, retries what is transient and, for `ready_within_seconds`, `NotReady`."""
    task = tasks.LambdaInvoke.jsonata(
        scope,
        name,
        lambda_function=function,
        payload=sfn.TaskInput.from_object(dict(payload)),
        outputs=outputs,
        assign=assign,
        comment=comment,
        task_timeout=sfn.Timeout.duration(Duration.seconds(timeout_seconds)),
        retry_on_service_exceptions=False,
    )
    if ready_within_seconds:
        retry_not_ready(task, ready_within_seconds)
    retry_transient(task, TRANSIENT)
    return task


def retry_transient(task: sfn.TaskStateBase, errors: Sequence[str]) -> None:
    task.add_retry(
        errors=list(errors), interval=Duration.seconds(1), backoff_rate=2, max_attempts=4,
        max_delay=Duration.seconds(20), jitter_strategy=sfn.JitterType.FULL,
    )  # fmt: skip


def retry_not_ready(task: sfn.TaskStateBase, seconds: int) -> None:
    """Retry `NotReady` for at least `seconds` of waiting; the function itself knows the exact deadline."""
    task.add_retry(
        errors=["NotReady"],
        interval=Duration.seconds(INTERVAL_SECONDS),
        backoff_rate=BACKOFF_RATE,
        max_delay=Duration.seconds(LONGEST_DELAY_SECONDS),
        max_attempts=attempts_for(seconds),
    )


def attempts_for(seconds: float) -> int:
    """How many retries it takes to wait `seconds` with this page's back-off, and a few more."""
    attempts, waited = 0, 0.0
    while waited < seconds:
        waited += min(INTERVAL_SECONDS * BACKOFF_RATE**attempts, LONGEST_DELAY_SECONDS)
        attempts += 1
    return attempts + 3
