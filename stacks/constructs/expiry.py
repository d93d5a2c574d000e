"""Expiry: a function on a schedule that warns, freezes and cleans workshops whose time is over."""

import json
from dataclasses import replace

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.constructs import permissions
from stacks.constructs.acknowledgements import acknowledge, acknowledge_versions
from stacks.constructs.python_function import FunctionDefaults, PythonFunction
from stacks.records import RecordsStack

EVERY = Duration.minutes(5)


class Expiry(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        defaults: FunctionDefaults,
        records: RecordsStack,
        machine: sfn.IStateMachine,
    ) -> None:
        super().__init__(scope, id)
        stack = Stack.of(self)
        name = stack.split_arn(machine.state_machine_arn, ArnFormat.COLON_RESOURCE_NAME).resource_name
        executions = stack.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        made = PythonFunction(
            scope,
            "Expire",
            handler="lambdas.expire.handler",
            description="Canario: end workshops whose time is over",
            defaults=replace(
                defaults, environment={**defaults.environment, "CANARIO_MACHINE": machine.state_machine_arn}
            ),
            timeout_seconds=60,
            statements=(
                permissions.put_events(records.bus),
                permissions.lifetimes(records.table, "Query", "PutItem"),
                iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine.state_machine_arn]),
                iam.PolicyStatement(
                    actions=["states:DescribeExecution", "states:StopExecution"], resources=[executions]
                ),
            ),
        )
        scheduler.Schedule(
            self,
            "Every5Minutes",
            description="Canario: end workshops whose time is over",
            schedule=scheduler.ScheduleExpression.rate(EVERY),
            target=scheduler_targets.LambdaInvoke(made.function, retry_attempts=0),  # the next one comes soon
        )
        acknowledge_versions(stack, [made.function])  # the role of a schedule is the stack's
        named = json.dumps(stack.resolve(name), separators=(",", ":"))
        arn = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{named}:*"
        acknowledge(made, f"IAM5[Resource::{arn}]", "Which execution a workshop has is known when it has expired")
