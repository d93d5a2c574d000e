"""Logger and metrics of every function: constant messages, everything else in fields."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger()
metrics = Metrics()


def about(**fields: str) -> None:
    """What every further line of this invocation carries: workshop, and stage or rollout."""
    logger.append_keys(**fields)


def count(name: str, **dimensions: str) -> None:
    """One more of `name`, in CloudWatch's embedded format."""
    for dimension, value in dimensions.items():
        metrics.add_dimension(dimension, value)
    metrics.add_metric(name, MetricUnit.Count, 1)
