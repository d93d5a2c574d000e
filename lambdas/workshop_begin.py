"""Validates an execution's input, fills in its defaults, says that the workshop has started."""

from collections.abc import Mapping
from typing import Any

from canario.workshop import run
from canario.workshop.request import parse_request
from lambdas.composition import composition
from lambdas.telemetry import about, logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """`{"input", "run"}` → the normalised request. Raises InvalidInput naming the field."""
    ports = composition().ports()
    request = parse_request(event["input"], dialects=ports.dialects)
    about(workshop=request.workshop, stage="begin", run=event["run"])
    run.begin(request, ports, event["run"])
    logger.info("workshop started", mesh=request.mesh, until=request.until)
    return request.to_dict()
