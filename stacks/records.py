"""What both machines write to: the table of records and the event bus.

A stack of its own, because the workshop's machine starts the canary's and both need these.
"""

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from constructs import Construct


class RecordsStack(Stack):
    def __init__(self, scope: Construct, id: str, **kwargs: object) -> None:
        super().__init__(scope, id, description="Canario: records and events", **kwargs)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires",  # of what the shared observer leaves
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.bus = events.EventBus(self, "Bus", event_bus_name="canario")
        CfnOutput(self, "TableName", value=self.table.table_name)
        CfnOutput(self, "BusName", value=self.bus.event_bus_name)
