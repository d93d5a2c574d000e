"""Locks the router and starts a rollout. Raises AlreadyRunning, Drift, InvalidInput; the lock is not held then."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from canario.canary import Plan, steps
from canario.canary.ports import Target
from canario.errors import InvalidInput
from lambdas.composition import composition
from lambdas.telemetry import about, logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """`{"input": {"target", "plan", "rollout"?}, "name", "execution"}` → what the machine carries."""
    given, made = event["input"], composition()
    if not isinstance(given, Mapping):
        raise InvalidInput("input", given, 'an object such as {"target": {…}, "plan": {…}}')
    name, target = str(given.get("rollout", event["name"])), parse_target(given.get("target"))
    about(workshop=target.workshop, rollout=name)
    plan = Plan.from_dict(given.get("plan", {}))
    carried = steps.begin(name, target, plan, event["execution"], made.world, made.clock())
    logger.info("rollout started", router=target.key)
    return carried.to_dict()


def parse_target(given: object) -> Target:
    names = [each.name for each in fields(Target)]
    texts = isinstance(given, Mapping) and all(isinstance(value, str) for value in given.values())
    if not isinstance(given, Mapping) or set(given) != set(names) or not texts:
        raise InvalidInput("target", given, f"an object of strings with the fields {', '.join(names)}")
    return Target(**given)
