"""What looks after rollouts from outside: people's instructions, alarms, the watchdog, notices."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from canario.canary.notices import KINDS
from stacks.constructs import permissions
from stacks.constructs.acknowledgements import acknowledge_executions
from stacks.constructs.alarms import NAMED
from stacks.constructs.permissions import SOURCE
from stacks.constructs.python_function import FunctionDefaults, PythonFunction
from stacks.constructs.rollout_starts import executions_of
from stacks.constructs.shared_observer import Calling
from stacks.records import RecordsStack
from stacks.settings import Settings

ALARM_CHANGE = "CloudWatch Alarm State Change"
EVERY = Duration.minutes(1)  # the shortest that EventBridge has


class RolloutCare(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        defaults: FunctionDefaults,
        settings: Settings,
        records: RecordsStack,
        rollouts: sfn.IStateMachine,
        calling: Calling,
    ) -> None:
        super().__init__(scope, id)
        self._defaults, self._records, self._rollouts = defaults, records, rollouts
        self._instruct(scope)
        self._alarm(scope)
        self._watchdog(scope, calling)
        self._notify(scope, settings)

    def _instruct(self, scope: Construct) -> None:
        instruct = self._function(scope, "Instruct", "a person's word to a rollout", *self._intervention())
        CfnOutput(Stack.of(self), "InstructFunction", value=instruct.function_name)

    def _alarm(self, scope: Construct) -> None:
        """Every alarm of the account that goes off; whose rollout it is, the function knows."""
        function = self._function(scope, "Alarm", "an alarm's rollback", *self._intervention())
        pattern = events.EventPattern(
            source=["aws.cloudwatch"],
            detail_type=[ALARM_CHANGE],
            detail={"state": {"value": ["ALARM"]}},
        )
        events.Rule(
            self,
            "AlarmWentOff",
            description="Canario: an alarm went off",
            event_pattern=pattern,
            targets=[targets.LambdaFunction(function)],
        )

    def _watchdog(self, scope: Construct, calling: Calling) -> None:
        table = self._records.table
        describe = iam.PolicyStatement(
            actions=["states:DescribeExecution"], resources=[executions_of(Stack.of(self), self._rollouts)]
        )
        function = self._function(
            scope,
            "Watchdog",
            "roll back shares without an execution",
            permissions.put_events(self._records.bus),
            permissions.records(table, "rollout#*", actions=("Query", "PutItem")),
            permissions.records(table, "routers", actions=("Query", "UpdateItem")),
            permissions.records(table, "router#*", actions=("GetItem", "DeleteItem")),
            describe,
            *calling.statements,
            environment=calling.environment,
        )
        acknowledge_executions(scope, self._rollouts, ":*")
        events.Rule(
            self,
            "EveryMinute",
            description="Canario: roll back shares without an execution",
            schedule=events.Schedule.rate(EVERY),
            targets=[targets.LambdaFunction(function, retry_attempts=0)],  # the next one comes soon
        )

    def _notify(self, scope: Construct, settings: Settings) -> None:
        key = kms.Alias.from_alias_name(self, "TopicKey", "alias/aws/sns")
        topic = sns.Topic(self, "Notices", display_name="Canario", enforce_ssl=True, master_key=key)
        for address in settings.notify:
            topic.add_subscription(
                subscriptions.UrlSubscription(address)
                if address.startswith("https://")
                else subscriptions.EmailSubscription(address)
            )
        function = self._function(
            scope,
            "Notify",
            "tell people",
            permissions.records(self._records.table, "rollout#*", actions=("Query",)),
            iam.PolicyStatement(actions=["sns:Publish"], resources=[topic.topic_arn]),
            environment={"CANARIO_TOPIC": topic.topic_arn},
        )
        events.Rule(
            self,
            "WorthTelling",
            description="Canario: what people are told of rollouts",
            event_bus=self._records.bus,
            event_pattern=events.EventPattern(source=[SOURCE], detail_type=list(KINDS)),
            targets=[targets.LambdaFunction(function)],
        )
        # By EventBridge, since an alarm cannot publish to a topic under AWS's own key.
        events.Rule(
            self,
            "OwnAlarmWentOff",
            description="Canario: what people are told of its own alarms",
            event_pattern=events.EventPattern(
                source=["aws.cloudwatch"],
                detail_type=[ALARM_CHANGE],
                detail={"alarmName": [{"prefix": NAMED}], "state": {"value": ["ALARM"]}},
            ),
            targets=[targets.LambdaFunction(function)],
        )
        CfnOutput(Stack.of(self), "NoticesTopicArn", value=topic.topic_arn)

    def _intervention(self) -> tuple[iam.PolicyStatement, ...]:
        table = self._records.table
        return (
            permissions.put_events(self._records.bus),
            permissions.records(table, "routers", actions=("Query",)),
            permissions.records(table, "rollout#*", actions=("Query", "PutItem")),
            permissions.records(table, "gate#*", actions=("GetItem",)),
            iam.PolicyStatement(actions=["states:SendTaskSuccess"], resources=[self._rollouts.state_machine_arn]),
        )

    def _function(
        self,
        scope: Construct,
        name: str,
        what: str,
        *statements: iam.PolicyStatement,
        environment: Mapping[str, str] | None = None,
    ) -> lambda_.IFunction:
        return PythonFunction(
            scope,
            name,
            handler=f"lambdas.canary_{name.lower()}.handler",
            description=f"Canario: {what}",
            defaults=self._defaults,
            timeout_seconds=60,
            environment=environment,
            statements=statements,
        ).function
