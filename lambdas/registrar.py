"""The registrar's function: pods in Cloud Map, on a schedule and when a stage asks for it (docs/discovery.md)."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from canario.errors import RemoteError
from canario.workshop import registrar
from canario.workshop.dialects import DIALECTS
from lambdas.composition import composition
from lambdas.telemetry import count, logger, metrics


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Whatever the event: `{"done": {"Register": 3, …}}`. Raises RemoteError when something could not be done."""
    made = composition()
    kinds = [DIALECTS[dialect].node for dialect in made.environment.dialects]
    outcome = registrar.reconcile(made.cluster, made.cloud_map, kinds=kinds)
    done = dict(Counter(type(action).__name__ for action in outcome.done))
    logger.info("registered", done=done, problems=outcome.problems)
    count("RegistrarRuns")
    for name in done:
        count(f"Registrar{name}")
    if outcome.problems:
        raise RemoteError("; ".join(outcome.problems))
    return {"done": done}
