"""One stage's function: `solve`, `check` or `clean` (docs/contracts.md)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from canario.errors import CanarioError, InvalidInput, NotReady
from canario.workshop import run
from canario.workshop.ports import Ports
from canario.workshop.request import Request, parse_request
from lambdas.composition import composition
from lambdas.telemetry import about, count, logger, metrics

ACTIONS = ("solve", "check", "clean")


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Raises NotReady until the stage's deadline, then CheckFailed: Step Functions knows them by these names."""
    ports, stage = composition().ports(), str(composition().environment.stage)
    request = parse_request(event["request"], dialects=ports.dialects)
    about(workshop=request.workshop, stage=stage, run=event["run"], action=event["action"])
    try:
        answer = perform(event["action"], stage, request, ports, event)
    except NotReady as reason:
        logger.info("not ready", reason=str(reason))
        count("NotReady", stage=stage)
        raise
    except CanarioError as error:
        logger.error("stage failed", error=type(error).__name__, reason=str(error))
        count("StageFailures", stage=stage)
        raise
    logger.info("stage done", status=answer["status"])
    count("StageActions", stage=stage)
    return answer


def perform(action: str, stage: str, request: Request, ports: Ports, event: Mapping[str, Any]) -> dict[str, Any]:
    if action == "solve":
        return run.solve(stage, request, ports, event["run"])
    if action == "check":
        return run.check(stage, request, ports, event["run"], datetime.fromisoformat(event["entered"]))
    if action == "clean":
        return run.clean(stage, request, ports, event["run"])
    raise InvalidInput("action", action, ", ".join(ACTIONS))
