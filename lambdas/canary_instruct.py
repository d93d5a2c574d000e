"""A person's word to a rollout: approve, pause, resume, abort. The machines never call it."""

from collections.abc import Mapping
from typing import Any

from canario.canary import intervention
from canario.errors import InvalidInput
from lambdas.composition import composition
from lambdas.telemetry import about, count, logger, metrics

KINDS = ("approve", "pause", "resume", "abort")


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """`{"rollout", "kind", "by", "reason"?}` → `{"rollout", "router", "kind", "woken"}`. Raises NotWaiting."""
    made, kind, by = composition(), event.get("kind"), event.get("by")
    if kind not in KINDS:
        raise InvalidInput("kind", kind, ", ".join(KINDS))
    if not isinstance(by, str) or not by:
        raise InvalidInput("by", by, "who gives the instruction")
    about(rollout=str(event.get("rollout")))
    reason = str(event.get("reason", ""))
    answer = intervention.instruct(str(event.get("rollout")), kind, by, reason, made.world, made.clock())
    logger.info("rollout instructed", kind=kind, by=by)
    count("RolloutsInstructed", kind=kind)
    return answer
