"""Locks the router and starts a rollout. Raises AlreadyRunning, Drift, InvalidInput; the lock is not held then."""

from collections.abc import Mapping
from typing import Any

from canario.canary import steps
from canario.canary.request import parse_rollout
from lambdas.composition import composition
from lambdas.telemetry import about, logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """`{"input", "name", "execution"}` → what the machine carries; the input: docs/operating.md."""
    made, asked = composition(), parse_rollout(event["input"])
    name = asked.rollout or event["name"]
    about(workshop=asked.target.workshop, rollout=name)
    carried = steps.begin(
        name,
        asked.target,
        asked.plan,
        event["execution"],
        made.world,
        made.clock(),
        gates=asked.gates,
        alarms=asked.alarms,
        image=asked.image,
        by=asked.by,
    )
    logger.info("rollout started", router=asked.target.key)
    return carried.to_dict()
