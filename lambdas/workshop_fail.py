"""Records which stage failed and why, and rolls back a canary in flight; the rest stays for a person to look at."""

from collections.abc import Mapping
from typing import Any

from canario.adapters.causes import message
from canario.canary import ending
from canario.errors import InvalidInput
from canario.workshop import run
from canario.workshop.request import Request, parse_request
from canario.workshop.stages.s08_canary import target
from lambdas.composition import Composition, composition
from lambdas.telemetry import about, count, logger, metrics


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """`{"failure": {"stage", "request", "error", "cause"}, "run"}` → error and cause of the failed execution."""
    failure, name = event["failure"], event["run"]
    stage, error, cause = failure["stage"], failure["error"], message(failure["cause"])
    about(workshop=str((failure["request"] or {}).get("workshop")), stage=stage, run=name)
    logger.error("workshop failed", error=error, cause=cause)
    count("WorkshopsFailed")
    made = composition()
    try:
        request = parse_request(failure["request"], dialects=made.environment.dialects)
    except InvalidInput:  # what Begin refused: no workshop has begun
        return {"error": error, "cause": cause}
    if stage != "begin":
        if roll_back(made, request, name, f"the workshop failed at {stage}: {cause}"):
            cause += " (the canary was rolled back)"
        failed = run.fail(request, made.ports(), name, stage, error, cause)
        error, cause = failed["error"], failed["cause"]
    return {"error": error, "cause": cause}


def roll_back(made: Composition, request: Request, rollout: str, reason: str) -> bool:
    """Whether there was a canary in flight."""
    return ending.abandon(rollout, reason, target(request), made.world, made.clock())
