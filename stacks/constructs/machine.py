"""What both state machines have in common: Standard, JSONata, traced, logged."""

from collections.abc import Iterable

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.constructs.acknowledgements import acknowledge, acknowledge_versions


class Machine(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        definition: sfn.IChainable,
        functions: Iterable[lambda_.IFunction],
        log_data: bool = True,
    ) -> None:
        """`log_data`: whether the logs have the states' input and output, too."""
        super().__init__(scope, id)
        log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        self.machine = sfn.StateMachine(
            self,
            "Resource",
            definition_body=sfn.DefinitionBody.from_chainable(definition),
            query_language=sfn.QueryLanguage.JSONATA,
            state_machine_type=sfn.StateMachineType.STANDARD,
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=log_data),
        )
        acknowledge(self, "IAM5[Resource::*]", "The delivery of logs and X-Ray's actions know no resources")
        acknowledge_versions(self, functions)
