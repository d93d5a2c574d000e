"""One stage's function: `solve`, `check`, `clean`, and the actions of mode guided (docs/contracts.md)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from canario.errors import CanarioError, InvalidInput, NotReady
from canario.workshop import run
from canario.workshop.request import Request
from canario.workshop.room import rooms, to_dict
from lambdas import guided
from lambdas.composition import Composition, composition
from lambdas.telemetry import about, count, logger, metrics

ACTIONS = ("solve", "check", "clean", "room", *guided.ACTIONS)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Raises NotReady until the stage's deadline, then CheckFailed: Step Functions knows them by these names."""
    made = composition()
    stage, action = str(made.environment.stage), event["action"]
    request = guided.request(event, stage, made)
    about(workshop=request.workshop, stage=stage, run=str(event.get("run")), action=action)
    try:
        answer = perform(action, stage, request, made, event)
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


def perform(action: str, stage: str, request: Request, made: Composition, event: Mapping[str, Any]) -> dict[str, Any]:
    ports = made.ports()
    if action == "solve":
        finish = run.Finish(event.get("finish", "solve"))
        return run.solve(stage, request, ports, event["run"], finish, _entered(event))
    if action == "check":
        return run.check(stage, request, ports, event["run"], _entered(event))
    if action == "clean":
        return run.clean(stage, request, ports, event["run"])
    if action == "room":
        found = rooms(ports, event.get("namespaces", ()))
        return {"stage": stage, "status": "read", "rooms": [to_dict(each) for each in found]}
    if action in guided.ACTIONS:
        return guided.perform(action, stage, request, made, event)
    raise InvalidInput("action", action, ", ".join(ACTIONS))


def _entered(event: Mapping[str, Any]) -> datetime:
    """When the state was entered, however often its function has been tried since."""
    return datetime.fromisoformat(event["entered"])
