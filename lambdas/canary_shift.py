"""Writes the router's shares: the decided share by compare-and-set, or 0 at once. Raises Drift, Stopped."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from canario.adapters.causes import message
from canario.canary import ending, steps
from canario.canary.carried import Carried
from canario.canary.world import World
from lambdas.rollout import carry_on
from lambdas.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return carry_on(event, roll_back if event["action"] == "Roll back" else shift)


def shift(carried: Carried, world: World, now: datetime) -> Carried:
    return steps.shift(carried, world)


def roll_back(carried: Carried, world: World, now: datetime) -> Carried:
    why = {name: _readable(getattr(carried, name)) for name in ("drift", "stopped", "failure")}
    return ending.roll_back(replace(carried, **why), world, now)


def _readable(why: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return why and {"error": why["error"], "cause": message(why["cause"])}
