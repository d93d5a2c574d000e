"""What starts rollouts: people, image pushes and schedules through one function; several in an order by a machine."""

from aws_cdk import ArnFormat, CfnOutput, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as events_targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.constructs import permissions
from stacks.constructs.acknowledgements import acknowledge, acknowledge_versions
from stacks.constructs.order_machine import OrderMachine
from stacks.constructs.python_function import FunctionDefaults, PythonFunction
from stacks.constructs.schedule_times import times
from stacks.records import RecordsStack
from stacks.settings import Settings

TEMPLATES = "templates"
DOCUMENTS = "arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:document/*"


class RolloutStarts(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        defaults: FunctionDefaults,
        settings: Settings,
        records: RecordsStack,
        rollouts: sfn.IStateMachine,
    ) -> None:
        super().__init__(scope, id)
        in_order = OrderMachine(
            self, "Order", function=_order(scope, defaults=defaults, records=records), rollouts=rollouts
        ).machine
        machines = [rollouts.state_machine_arn, in_order.state_machine_arn]
        made = PythonFunction(
            scope,
            "Start",
            handler="lambdas.canary_start.handler",
            description="Canario: start rollouts",
            defaults=defaults,
            timeout_seconds=60,
            environment={"CANARIO_CANARY_MACHINE": machines[0], "CANARIO_ORDER_MACHINE": machines[1]},
            statements=(
                permissions.put_events(records.bus),
                permissions.records(records.table, TEMPLATES, actions=("GetItem", "Query")),
                permissions.ask_calendars(Stack.of(self)),
                iam.PolicyStatement(actions=["states:StartExecution"], resources=machines),
            ),
        )
        acknowledge(made, f"IAM5[Resource::{DOCUMENTS}]", "Templates name the change calendars")
        self._on_push(made.function)
        self._schedules(made.function, settings)
        CfnOutput(Stack.of(self), "OrderMachineArn", value=in_order.state_machine_arn)
        CfnOutput(Stack.of(self), "StartFunction", value=made.function.function_name)

    def _on_push(self, function: lambda_.IFunction) -> None:
        """Every push of this account's registry: which of them start something, the templates say."""
        events.Rule(
            self,
            "ImagePushed",
            description="Canario: an image was pushed",
            event_pattern=events.EventPattern(
                source=["aws.ecr"],
                detail_type=["ECR Image Action"],
                detail={"action-type": ["PUSH"], "result": ["SUCCESS"]},
            ),
            targets=[events_targets.LambdaFunction(function)],
        )

    def _schedules(self, function: lambda_.IFunction, settings: Settings) -> None:
        for each in settings.rollout_schedules:
            scheduler.Schedule(
                self,
                f"Schedule{each.name}",
                description=f"Canario: start {each.template}",
                target=scheduler_targets.LambdaInvoke(
                    function,
                    input=scheduler.ScheduleTargetInput.from_object(
                        {
                            "template": each.template,
                            "by": f"the schedule {each.name}",
                            "scheduled": scheduler.ContextAttribute.scheduled_time,
                        }
                    ),
                ),
                **times(each),
            )
        if settings.rollout_schedules:
            acknowledge_versions(Stack.of(self), [function])


def _order(scope: Construct, *, defaults: FunctionDefaults, records: RecordsStack) -> lambda_.IFunction:
    return PythonFunction(
        scope,
        "Order",
        handler="lambdas.canary_order.handler",
        description="Canario: rollouts in an order",
        defaults=defaults,
        statements=(
            permissions.put_events(records.bus),
            permissions.records(records.table, "rollout#order-*", actions=("PutItem",)),
        ),
    ).function


def executions_of(stack: Stack, machine: sfn.IStateMachine) -> str:
    """The ARN pattern of a machine's executions."""
    name = stack.split_arn(machine.state_machine_arn, ArnFormat.COLON_RESOURCE_NAME).resource_name
    return stack.format_arn(
        service="states", resource="execution", resource_name=f"{name}:*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
