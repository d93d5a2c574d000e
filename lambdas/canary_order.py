"""Says which rollout of an order comes next, and records how each ended."""

from collections.abc import Mapping
from typing import Any

from canario.adapters.causes import message
from canario.canary import in_order
from lambdas.composition import composition
from lambdas.telemetry import about, logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """`{"order", "input", "done"}` → `{"next", "done"}` or `{"order", "outcome", "done", "reason"?}`."""
    made = composition()
    about(rollout=f"order-{event['order']}")
    done = [{**each, "reason": message(str(each.get("reason", "")))} for each in event["done"]]
    answer = in_order.following(event["order"], event["input"], done, made.rollouts, made.events, made.clock())
    logger.info("order goes on", done=len(done), outcome=answer.get("outcome"))
    return answer
