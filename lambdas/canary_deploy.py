"""Gives the canary its new image, before it has a share. Raises NotReady until its pods run it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from canario.canary import steps
from canario.canary.carried import Carried
from canario.canary.world import World
from lambdas.rollout import carry_on
from lambdas.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return carry_on(event, deploy)


def deploy(carried: Carried, world: World, now: datetime) -> Carried:
    return steps.deploy(carried, world)
