"""Task tokens in MiniStack as Step Functions has them (lab/ministack.py applies this; decision record 0020).

MiniStack 1.5 forgets the error of a function that was invoked with a token, so that the state waits for hours where
it should be retried, and it does not know `HeartbeatSeconds`. A `TimeoutSeconds` that is a JSONata expression, which
Step Functions evaluates, it takes for a number.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

FOREVER = 99_999.0  # seconds; MiniStack's own
TICK_SECONDS = 1.0  # how often a heartbeat is looked for, at most

Answer = Any
Execute = Callable[[dict[str, Any], Any, Any, dict[str, Any]], Answer]
Wait = Callable[[str, Any, str, dict[str, Any]], Answer]


def waiting(sfn: ModuleType) -> Wait:
    """The replacement for `_invoke_with_callback` of MiniStack's module `stepfunctions`."""

    def wait(resource: str, content: Any, token: str, state: dict[str, Any]) -> Answer:
        task: dict[str, Any] = {"event": threading.Event(), "result": None, "error": None, "heartbeat": None}
        sfn._task_tokens[token] = task
        try:
            sfn._invoke_resource(resource.replace(".waitForTaskToken", ""), content)
            if not _answered(task, state.get("TimeoutSeconds", FOREVER), state.get("HeartbeatSeconds", FOREVER)):
                raise sfn._ExecutionError("States.Timeout", "")
        finally:
            sfn._task_tokens.pop(token, None)
        if task["error"]:
            raise sfn._ExecutionError(task["error"]["Error"], task["error"]["Cause"])
        return json.loads(task["result"])

    return wait


def with_reckoned_timeout(sfn: ModuleType) -> Execute:
    """The replacement for `_execute_task` of MiniStack's module `stepfunctions`."""
    execute: Execute = sfn._execute_task

    def run(state: dict[str, Any], content: Any, execution: Any, context: dict[str, Any]) -> Answer:
        timeout = state.get("TimeoutSeconds")
        if isinstance(timeout, str):
            seconds = sfn._apply_jsonata_template(timeout, content, context)
            state = {**state, "TimeoutSeconds": float(seconds)}
        return execute(state, content, execution, context)

    return run


def _answered(task: dict[str, Any], timeout: float, heartbeat: float) -> bool:
    """Whether the task was ended within `timeout` seconds and without `heartbeat` seconds of silence."""
    end, last, silent = time.monotonic() + timeout, task["heartbeat"], time.monotonic() + heartbeat
    while not task["event"].wait(max(0.0, min(TICK_SECONDS, heartbeat / 10, end - time.monotonic()))):
        now = time.monotonic()
        if task["heartbeat"] != last:
            last, silent = task["heartbeat"], now + heartbeat
        if now >= min(end, silent):
            return False
    return True
