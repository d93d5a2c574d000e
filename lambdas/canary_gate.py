"""A rollout waits for a person: keeps the task's token, which leaves this table only towards Step Functions."""

from collections.abc import Mapping
from typing import Any

from canario.canary import steps
from lambdas.composition import composition
from lambdas.rollout import arrived
from lambdas.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], context: object) -> None:
    """`{"action", "carried", "token"}`."""
    carried = arrived(event)
    steps.wait_for_person(carried, event["token"], composition().world)
    logger.info("rollout waits", why=(carried.waiting or {}).get("why"))
