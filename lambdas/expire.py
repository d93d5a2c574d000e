"""On a schedule: warn of workshops whose time is nearly over, clean those whose time is (docs/cleaning.md)."""

from collections.abc import Mapping
from typing import Any

from canario.errors import RemoteError
from canario.workshop import lifetime
from lambdas.composition import composition
from lambdas.telemetry import count, logger, metrics


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Whatever the event: `{"warned": [workshop, …], "expired": […]}`. Raises RemoteError after trouble with some."""
    made = composition()
    looked = lifetime.look(made.ports(), made.machine)
    for workshop in looked.expired:
        logger.info("workshop expired", workshop=workshop)
    logger.info("lifetimes looked at", warned=looked.warned, expired=looked.expired, problems=looked.problems)
    count("WorkshopsExpired" if looked.expired else "ExpiryRuns")
    if looked.problems:
        raise RemoteError("; ".join(looked.problems))
    return {"warned": list(looked.warned), "expired": list(looked.expired)}
