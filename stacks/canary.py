"""The canary: its functions, each with a role of its own, its state machine, and what starts, watches and stops it."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from constructs import Construct

from stacks.constructs import permissions
from stacks.constructs.canary_machine import FUNCTION_SECONDS, CanaryMachine, RolloutFunctions
from stacks.constructs.cluster_reach import Cluster
from stacks.constructs.functions import CONTROLLER_NAMESPACE, METRICS_NAMESPACE, function_defaults
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.rollout_care import RolloutCare
from stacks.constructs.rollout_starts import RolloutStarts
from stacks.constructs.shared_observer import DUTY, LEFT, SUBSCRIPTIONS, Calling, SharedObserver
from stacks.records import RecordsStack
from stacks.settings import Settings

ROLLOUTS, ROUTERS, STEERED, GATES = "rollout#*", "router#*", "routers", "gate#*"


class CanaryStack(Stack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        cluster: Cluster,
        records: RecordsStack,
        zone: route53.IHostedZone,
        **kwargs: object,
    ) -> None:
        super().__init__(scope, id, description="Canario: the canary", **kwargs)
        self._defaults = function_defaults(self, settings=settings, cluster=cluster, records=records, zone=zone)
        table, events = records.table, permissions.put_events(records.bus)
        append = permissions.records(table, ROLLOUTS, actions=("PutItem",))
        read = permissions.records(table, ROLLOUTS, actions=("Query",))
        lock = permissions.records(table, ROUTERS, actions=("PutItem", "GetItem", "DeleteItem"))
        unlock = permissions.records(table, ROUTERS, actions=("DeleteItem",))
        holder = permissions.records(table, ROUTERS, actions=("GetItem",))
        steer = permissions.records(table, STEERED, actions=("PutItem", "Query"))
        settle = permissions.records(table, STEERED, actions=("UpdateItem",))
        tokens = permissions.records(table, GATES, actions=("PutItem", "GetItem"))
        shared = (
            SharedObserver(self, "Shared", defaults=self._defaults, records=records) if settings.observe_from else None
        )
        self.observer = shared.function if shared else None
        calling = shared.calling if shared else Calling()

        def subscribing(*statements: tuple[str, str]) -> tuple[iam.PolicyStatement, ...]:
            """`(partition, action)`s, where there is an observer to subscribe to."""
            return tuple(permissions.records(table, key, actions=(action,)) for key, action in statements if shared)

        subscribe, unsubscribe = (SUBSCRIPTIONS, "PutItem"), (SUBSCRIPTIONS, "DeleteItem")
        on_duty, left = (DUTY, "GetItem"), (LEFT, "GetItem")
        functions = RolloutFunctions(
            begin=self._function(
                "begin",
                *(append, lock, steer, settle, events, permissions.read_alarms(), *calling.statements),
                environment=calling.environment,
            ),
            deploy=self._function("deploy"),
            observe=self._function(
                "observe",
                *(read, holder, permissions.read_metrics(METRICS_NAMESPACE), permissions.read_faults()),
                *subscribing(on_duty, left, subscribe, unsubscribe),
            ),
            decide=self._function("decide", append, read, events, permissions.put_metrics(CONTROLLER_NAMESPACE)),
            shift=self._function("shift", append, read, holder, events),
            verify=self._function("verify", read, holder, *subscribing(on_duty, subscribe, unsubscribe)),
            gate=self._function("gate", read, tokens),
            end=self._function("end", append, read, unlock, settle, events, *subscribing(unsubscribe)),
        )
        self.machine = CanaryMachine(self, "Canary", functions=functions).machine
        CfnOutput(self, "CanaryMachineArn", value=self.machine.state_machine_arn)
        RolloutStarts(
            self, "Starts", defaults=self._defaults, settings=settings, records=records, rollouts=self.machine
        )
        RolloutCare(
            self,
            "Care",
            defaults=self._defaults,
            settings=settings,
            records=records,
            rollouts=self.machine,
            calling=calling,
        )

    def _function(
        self, step: str, *statements: iam.PolicyStatement, environment: Mapping[str, str] | None = None
    ) -> lambda_.IFunction:
        return PythonFunction(
            self,
            step.capitalize(),
            handler=f"lambdas.canary_{step}.handler",
            description=f"Canario: the canary's step {step}",
            defaults=self._defaults,
            timeout_seconds=FUNCTION_SECONDS,
            environment=environment,
            statements=statements,
        ).function
