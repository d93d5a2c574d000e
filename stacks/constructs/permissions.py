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

NETWORK = (
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)


def join_network() -> tuple[iam.PolicyStatement, ...]:
    """What Lambda asks of a role whose function is in a VPC, and that the function's own code may do none of it.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    own_code = {"Null": {"lambda:SourceFunctionArn": "false"}}  # the key is there when the function itself calls
    return (
        iam.PolicyStatement(sid="JoinNetwork", actions=list(NETWORK), resources=["*"]),
        iam.PolicyStatement(
            sid="OnlyLambdaItself",
            effect=iam.Effect.DENY,
            actions=list(NETWORK),
            resources=["*"],
            conditions=own_code,
        ),
    )


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


def read_alarms() -> iam.PolicyStatement:
    """Composite alarms are described only to who may describe all alarms.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    """
    return iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"], sid="ReadAlarms")


def read_traces() -> iam.PolicyStatement:
    """X-Ray's reading actions know no resources but groups, which these three do not take."""
    return iam.PolicyStatement(
        actions=["xray:GetServiceGraph", "xray:GetTraceSummaries", "xray:BatchGetTraces"],
        resources=["*"],
        sid="ReadTraces",
    )


def put_metrics(namespace: str) -> iam.PolicyStatement:
    """PutMetricData knows no resources, but namespaces."""
    return iam.PolicyStatement(
        actions=["cloudwatch:PutMetricData"],
        resources=["*"],
        conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
        sid=f"Put{namespace.replace('/', '')}",
    )


def ask_calendars(stack: Stack) -> iam.PolicyStatement:
    """A change calendar is a document that is named by the rollouts' templates."""
    documents = stack.format_arn(service="ssm", resource="document", resource_name="*")
    return iam.PolicyStatement(actions=["ssm:GetCalendarState"], resources=[documents])


def read_faults() -> iam.PolicyStatement:
    """X-Ray's reading actions know no resources but groups, which these two do not take."""
    return iam.PolicyStatement(
        actions=["xray:GetServiceGraph", "xray:GetTimeSeriesServiceStatistics"], resources=["*"], sid="ReadFaults"
    )


LISTS = ("ListNamespaces", "ListServices", "ListInstances", "GetInstancesHealthStatus")
CLOUD_MAP = (*LISTS, "DiscoverInstances")


def read_cloud_map(*actions: str) -> iam.PolicyStatement:
    """`actions` of CLOUD_MAP, all of them by default: its lists, and what it tells clients, know no resources."""
    return iam.PolicyStatement(
        actions=[f"servicediscovery:{action}" for action in actions or CLOUD_MAP], resources=["*"], sid="ReadCloudMap"
    )


def see_services(stack: Stack) -> iam.PolicyStatement:
    """Which workshop a Cloud Map service is of; their ids are Cloud Map's."""
    services = stack.format_arn(service="servicediscovery", resource="service", resource_name="*")
    return iam.PolicyStatement(actions=["servicediscovery:GetService"], resources=[services])


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
