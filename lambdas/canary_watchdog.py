"""On a schedule: no canary keeps a share without an execution behind it."""

from collections.abc import Mapping
from typing import Any

from canario.canary import watchdog
from lambdas.composition import composition
from lambdas.telemetry import count, logger, metrics


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Whatever the event: `{"looked_at", "orphans": [router, …], "problems": […]}`."""
    made = composition()
    found = watchdog.sweep(made.world, made.executions, made.clock())
    count("WatchdogRuns")
    for router in found.orphans:
        logger.warning("orphaned share withdrawn", router=router)
        count("SharesOrphaned")
    if found.problems:
        logger.error("routers not looked at", problems=list(found.problems))
        count("WatchdogProblems")
    return {"looked_at": found.looked_at, "orphans": list(found.orphans), "problems": list(found.problems)}
