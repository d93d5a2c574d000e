"""The statements that functions' roles are put together from: one action list, one resource, no wildcard resource."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_servicediscovery as servicediscovery

SOURCE = "canario"  # of every event


def records(table: dynamodb.ITable, *keys: str, actions: Sequence[str]) -> iam.PolicyStatement:
    """`actions` ("PutItem", …) on the items whose partition key matches one of `keys` ("workshop#*")."""
    return iam.PolicyStatement(
        actions=[f"dynamodb:{action}" for action in actions],
        resources=[table.table_arn],
        conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)}},
    )


def lifetimes(table: dynamodb.ITable, *actions: str) -> iam.PolicyStatement:
    """`actions` on how long workshops live (canario/adapters/lifetimes.py)."""
    return records(table, "lifetimes", actions=actions)


def put_events(bus: events.IEventBus) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["events:PutEvents"],
        resources=[bus.event_bus_arn],
        conditions={"StringEquals": {"events:source": SOURCE}},
    )


def look_at_images(repositories: Sequence[ecr.IRepository]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=["ecr:DescribeImages"], resources=[each.repository_arn for each in repositories])


def read_zone(zone: route53.IHostedZone) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=["route53:ListResourceRecordSets"], resources=[zone.hosted_zone_arn])


def change_names(zone: route53.IHostedZone) -> iam.PolicyStatement:
    """Write CNAMEs and nothing else into the zone."""
    return iam.PolicyStatement(
        actions=["route53:ChangeResourceRecordSets"],
        resources=[zone.hosted_zone_arn],
        conditions={"ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["CNAME"]}},
    )


def read_metrics(namespace: str) -> iam.PolicyStatement:
    """CloudWatch's reading actions know no resources; GetMetricData takes no condition on the namespace either."""
    return iam.PolicyStatement(
        actions=["cloudwatch:GetMetricData"], resources=["*"], sid=f"Read{namespace.replace('/', '')}"
    )


def read_traces() -> iam.PolicyStatement:
    """X-Ray's reading actions know no resources but groups, which these three do not take."""
    return iam.PolicyStatement(
        actions=["xray:GetServiceGraph", "xray:GetTraceSummaries", "xray:BatchGetTraces"],
        resources=["*"],
        sid="ReadTraces",
    )


LISTS = ("ListNamespaces", "ListServices", "ListInstances", "GetInstancesHealthStatus")
CLOUD_MAP = (*LISTS, "DiscoverInstances")


def read_cloud_map(*actions: str) -> iam.PolicyStatement:
    """`actions` of CLOUD_MAP, all of them by default: its lists, and what it tells clients, know no resources."""
    return iam.PolicyStatement(
        actions=[f"servicediscovery:{action}" for action in actions or CLOUD_MAP], resources=["*"], sid="ReadCloudMap"
    )


def change_instances(namespace: servicediscovery.IPrivateDnsNamespace, *more: str) -> tuple[iam.PolicyStatement, ...]:
    """Deregister, delete services, and `more` actions on services; the records go through the namespace's zone."""
    stack = Stack.of(namespace)
    services = stack.format_arn(service="servicediscovery", resource="service", resource_name="*")
    zone = f"arn:{stack.partition}:route53:::hostedzone/{namespace.namespace_hosted_zone_id}"
    actions = ("GetService", "DeregisterInstance", "DeleteService", *more)
    return (
        iam.PolicyStatement(
            actions=[f"servicediscovery:{action}" for action in actions],
            resources=[namespace.namespace_arn, services],
        ),
        iam.PolicyStatement(actions=["route53:ChangeResourceRecordSets", "route53:GetHostedZone"], resources=[zone]),
    )


def set_health() -> iam.PolicyStatement:
    """Cloud Map's action on an instance's health knows no resource."""
    return iam.PolicyStatement(
        actions=["servicediscovery:UpdateInstanceCustomHealthStatus"], resources=["*"], sid="SetHealth"
    )
