"""On a schedule: renew the certificates of every workshop before they end."""

from collections.abc import Mapping
from typing import Any

from canario.workshop.renewal import renew_all
from lambdas.composition import composition
from lambdas.telemetry import count, logger, metrics


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Workshop → the names of the Secrets that were written; certificates and keys are never said."""
    renewed = renew_all(composition().ports())
    for workshop, secrets in renewed.items():
        logger.info("certificates renewed", workshop=workshop, secrets=secrets)
    count("RenewalRuns")
    return {"renewed": renewed}
