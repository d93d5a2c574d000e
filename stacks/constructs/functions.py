"""The environment of every function (docs/contracts.md)."""

from aws_cdk import Stack
from aws_cdk import aws_route53 as route53

from stacks.constructs.cluster_reach import Cluster
from stacks.constructs.image_tag import image_tag
from stacks.constructs.python_code import function_code
from stacks.constructs.python_function import FunctionDefaults
from stacks.records import RecordsStack
from stacks.settings import Settings

METRICS_NAMESPACE = "Canario/Mesh"  # the telemetry contract's
CONTROLLER_NAMESPACE = "Canario/Controller"  # about the controller itself


def function_defaults(
    stack: Stack, *, settings: Settings, cluster: Cluster, records: RecordsStack, zone: route53.IHostedZone
) -> FunctionDefaults:
    """What the functions of `stack` share; call it once a stack."""
    return FunctionDefaults(
        settings=settings,
        cluster=cluster,
        code=function_code(settings),
        environment={
            "CANARIO_TABLE": records.table.table_name,
            "CANARIO_BUS": records.bus.event_bus_name,
            "CANARIO_CLUSTER_NAME": cluster.name,
            "CANARIO_CLUSTER_ENDPOINT": cluster.endpoint,
            "CANARIO_CLUSTER_CA": cluster.ca,
            "CANARIO_GROUPS": "yes" if cluster.grants_access else "no",
            "CANARIO_ZONE_ID": zone.hosted_zone_id,
            "CANARIO_REGISTRY": f"{stack.account}.dkr.ecr.{stack.region}.{stack.url_suffix}",
            "CANARIO_IMAGE_TAG": image_tag(settings),
            "CANARIO_DIALECTS": ",".join(settings.dialects),
            "CANARIO_METRICS_NAMESPACE": METRICS_NAMESPACE,
            "CANARIO_OBSERVE_FROM": str(settings.observe_from),
        },
    )
