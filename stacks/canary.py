"""The canary: its functions, each with a role of its own, and its state machine. Schedules and alarms join it here."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from constructs import Construct

from stacks.constructs import permissions
from stacks.constructs.canary_machine import FUNCTION_SECONDS, CanaryMachine, RolloutFunctions
from stacks.constructs.functions import METRICS_NAMESPACE, function_defaults
from stacks.constructs.python_function import PythonFunction
from stacks.records import RecordsStack
from stacks.settings import Settings

ROLLOUTS, ROUTERS = "rollout#*", "router#*"


class CanaryStack(Stack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        records: RecordsStack,
        zone: route53.IHostedZone,
        **kwargs: object,
    ) -> None:
        super().__init__(scope, id, description="Canario: the canary", **kwargs)
        self._defaults = function_defaults(self, settings=settings, records=records, zone=zone)
        table, events = records.table, permissions.put_events(records.bus)
        append = permissions.records(table, ROLLOUTS, actions=("PutItem",))
        lock = permissions.records(table, ROUTERS, actions=("PutItem", "GetItem", "DeleteItem"))
        unlock = permissions.records(table, ROUTERS, actions=("DeleteItem",))
        holder = permissions.records(table, ROUTERS, actions=("GetItem",))
        functions = RolloutFunctions(
            begin=self._function("begin", append, lock, events),
            observe=self._function("observe", permissions.read_metrics(METRICS_NAMESPACE), holder),
            decide=self._function("decide", append, events),
            shift=self._function("shift", append, events, holder),
            verify=self._function("verify"),
            end=self._function("end", append, unlock, events),
        )
        self.machine = CanaryMachine(self, "Canary", functions=functions).machine
        CfnOutput(self, "CanaryMachineArn", value=self.machine.state_machine_arn)

    def _function(self, step: str, *statements: iam.PolicyStatement) -> lambda_.IFunction:
        return PythonFunction(
            self,
            step.capitalize(),
            handler=f"lambdas.canary_{step}.handler",
            description=f"Canario: the canary's step {step}",
            defaults=self._defaults,
            timeout_seconds=FUNCTION_SECONDS,
            statements=statements,
        ).function
