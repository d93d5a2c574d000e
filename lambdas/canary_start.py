"""Starts rollouts: by hand, by an image push, by a schedule; never in a freeze (docs/operating.md)."""

from collections.abc import Mapping
from typing import Any

from canario.canary import starting
from canario.canary.request import parse_rollout
from canario.canary.starting import Cause
from canario.errors import InvalidInput
from lambdas.composition import Composition, composition
from lambdas.telemetry import count, logger, metrics

PUSHED = "aws.ecr"
ALLOWED = "an event with one of the fields template, templates, input; or ECR's event of a push"


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """`{"answers": [{"rollout", "started"} or {"template", "frozen"}, …]}`. Raises InvalidInput."""
    answers = start(event, composition())
    for answer in answers:
        logger.info("rollout asked for", **answer)
        count("RolloutsFrozen" if "frozen" in answer else "RolloutsAskedFor")
    return {"answers": answers}


def start(event: Mapping[str, Any], made: Composition) -> list[dict[str, Any]]:
    office, now = made.office, made.clock()
    if event.get("source") == PUSHED:
        repository, tag, cause = starting.push_of(event, made.environment.registry)
        return starting.start_pushed(repository, tag, cause, office, now)
    by = str(event.get("by", "somebody"))
    scheduled = str(event.get("scheduled", ""))
    cause = Cause(by, starting.mark(scheduled if scheduled[:1].isdigit() else f"{now:%Y%m%dT%H%M%S}"))
    if "template" in event:
        return [starting.start_named(str(event["template"]), cause, office, now)]
    if "templates" in event:
        return [starting.start_in_order(event["templates"], cause, office, now)]
    if "input" in event:
        asked = parse_rollout({**event["input"], "by": by})
        return [starting.start(asked.rollout or f"{asked.target.workshop}-{cause.mark}", asked, office)]
    raise InvalidInput("event", sorted(event), ALLOWED)
