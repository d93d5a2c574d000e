"""What the canary's functions share: the carried state in, logged, and out again."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from canario.canary.carried import Carried
from canario.canary.world import World
from lambdas.composition import composition
from lambdas.telemetry import about, logger

Step = Callable[[Carried, World, datetime], Carried]


def carry_on(event: Mapping[str, Any], step: Step) -> dict[str, Any]:
    """Take one step with what the machine carries: `{"action", "carried"}` → what it carries on."""
    carried = arrived(event)
    after = step(carried, composition().world, composition().clock())
    logger.info("rollout stepped", share=after.written, observations=len(after.observations), outcome=after.outcome)
    return after.to_dict()


def arrived(event: Mapping[str, Any]) -> Carried:
    carried = Carried.from_dict(event["carried"])
    about(workshop=carried.target.workshop, rollout=carried.name, step=event["action"])
    return carried
