"""Every event of Canario's as a line of a log: what was decided, which stage passed. The dashboard asks it."""

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.permissions import SOURCE
from stacks.constructs.retention import RETENTION


class EventLog(Construct):
    def __init__(self, scope: Construct, id: str, *, bus: events.IEventBus, retention: int) -> None:
        super().__init__(scope, id)
        self.group = logs.LogGroup(
            self,
            "Log",
            log_group_name="/aws/events/canario",
            retention=RETENTION[retention],
            removal_policy=RemovalPolicy.DESTROY,
        )
        may_write = logs.ResourcePolicy(
            self,
            "MayWrite",
            policy_statements=[
                iam.PolicyStatement(
                    principals=[
                        iam.ServicePrincipal("events.amazonaws.com"),
                        iam.ServicePrincipal("delivery.logs.amazonaws.com"),
                    ],
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[self.group.log_group_arn],
                )
            ],
        )
        rule = events.CfnRule(
            self,
            "Kept",
            description="Canario: every event as a line of a log",
            event_bus_name=bus.event_bus_name,
            event_pattern={"source": [SOURCE]},
            targets=[events.CfnRule.TargetProperty(id="Log", arn=self._arn())],
        )
        rule.node.add_dependency(may_write)

    def _arn(self) -> str:
        """Of the group itself: EventBridge takes none that ends in `:*`."""
        return Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name=self.group.log_group_name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
