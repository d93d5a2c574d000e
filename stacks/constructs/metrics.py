"""The metrics that Canario emits, for dashboards and alarms (docs/telemetry.md; lambdas/telemetry.py)."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from canario.workshop.names import DEFAULT_WORKSHOP
from stacks.constructs.functions import METRICS_NAMESPACE

FUNCTIONS_NAMESPACE, FUNCTIONS_SERVICE = "Canario/Functions", "canario"


def mesh_metric(name: str, *, service: str, node: str, statistic: str = "Sum", label: str = "") -> cloudwatch.Metric:
    """Of one node, by the minute, in the default workshop; the dashboard's variable names another."""
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE,
        metric_name=name,
        dimensions_map={"Workshop": DEFAULT_WORKSHOP, "Service": service, "Node": node},
        statistic=statistic,
        period=Duration.minutes(1),
        label=label or node,
    )


def functions_metric(name: str, **dimensions: str) -> cloudwatch.Metric:
    """What a function counted, in five minutes."""
    return cloudwatch.Metric(
        namespace=FUNCTIONS_NAMESPACE,
        metric_name=name,
        dimensions_map={"service": FUNCTIONS_SERVICE, **dimensions},
        statistic="Sum",
        period=Duration.minutes(5),
    )
