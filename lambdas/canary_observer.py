"""Reads the windows that are due for all rollouts that subscribed; when it is to look again (docs/operating.md)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from canario.canary.carried import text
from canario.canary.observer import look
from lambdas.composition import composition
from lambdas.telemetry import count, logger, metrics


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """`{"duty": {"from", "until", "looked"?}}` → the duty with `looked` and `wait`, when the next window is due."""
    made, duty = composition(), event["duty"]
    now = made.clock()
    after = datetime.fromisoformat(duty["looked"]) if "looked" in duty else None
    seen = look(made.desk, made.world.metrics, made.world.controller, after, now)
    logger.info(
        "observer looked",
        subscribed=seen.subscribed, due=seen.due, left=seen.left, calls=seen.calls, series=seen.series,
    )  # fmt: skip
    if seen.problems:
        logger.error("rollouts not read for", problems=list(seen.problems))
        count("ObserverProblems")
    return {"from": duty["from"], "until": duty["until"], "looked": now.isoformat(), "wait": text(seen.wait)}
