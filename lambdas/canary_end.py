"""Records how a rollout ended, lets the router go, says it on the bus."""

from collections.abc import Mapping
from typing import Any

from canario.canary import ending
from lambdas.composition import composition
from lambdas.rollout import arrived
from lambdas.telemetry import count, logger, metrics


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """The canary machine's output: rollout, outcome, reason, share, decisions; error and cause when it failed."""
    ended = ending.end(arrived(event), composition().world, composition().clock())
    logger.info("rollout ended", outcome=ended["outcome"], reason=ended["reason"])
    count("RolloutsEnded", outcome=ended["outcome"])
    return ended
