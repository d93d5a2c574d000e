"""Reads both nodes' counters for the windows that are not read yet. Raises Drift, Stopped."""

from collections.abc import Mapping
from typing import Any

from canario.canary import steps
from lambdas.rollout import carry_on
from lambdas.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return carry_on(event, steps.observe)
