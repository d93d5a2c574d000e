"""Records that a workshop did what it was asked, and says so on the bus."""

from collections.abc import Mapping
from typing import Any

from canario.workshop import run
from canario.workshop.request import parse_request
from lambdas.composition import composition
from lambdas.telemetry import about, count, logger, metrics


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """`{"request", "run"}` → the workshop machine's output."""
    ports = composition().ports()
    request = parse_request(event["request"], dialects=ports.dialects)
    about(workshop=request.workshop, stage=request.until, run=event["run"])
    answer = run.end(request, ports, event["run"])
    logger.info("workshop succeeded")
    count("WorkshopsSucceeded")
    return answer
