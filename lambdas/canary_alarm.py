"""An alarm went off: the rollouts that it belongs to lose their share at once (docs/operating.md)."""

from collections.abc import Mapping
from typing import Any

from canario.canary import intervention
from lambdas.composition import composition
from lambdas.telemetry import count, logger, metrics


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """CloudWatch's event of an alarm's new state, ALARM → `{"alarm", "rolled_back": [rollout, …]}`."""
    made, detail = composition(), event["detail"]
    name, state = detail["alarmName"], detail["state"]
    if state["value"] != "ALARM":  # the rule asks for nothing else
        return {"alarm": name, "rolled_back": []}
    struck = intervention.alarm(name, str(state.get("reason", "")), made.world, made.clock())
    for each in struck:
        logger.warning("rollout stopped by an alarm", alarm=name, rollout=each["rollout"], router=each["router"])
        count("RolloutsAlarmed")
    return {"alarm": name, "rolled_back": [each["rollout"] for each in struck]}
