"""The workshop: one function a stage, each with a role of its own, and the workshop's state machine."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from canario.workshop.stages import all_stages
from stacks.constructs import permissions
from stacks.constructs.cluster_reach import Cluster
from stacks.constructs.expiry import Expiry
from stacks.constructs.functions import METRICS_NAMESPACE, function_defaults
from stacks.constructs.python_code import function_code
from stacks.constructs.python_function import PythonFunction
from stacks.constructs.workshop_machine import FUNCTION_SECONDS, Patience, StageFunction, WorkshopMachine
from stacks.constructs.workshop_starts import WorkshopStarts
from stacks.records import RecordsStack
from stacks.settings import Settings

WORKSHOPS, WAITING, ROLLOUTS, ROUTERS, STEERED = "workshop#*", "waiting#*", "rollout#*", "router#*", "routers"


class WorkshopStack(Stack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        cluster: Cluster,
        records: RecordsStack,
        zone: route53.IHostedZone,
        namespace: servicediscovery.IPrivateDnsNamespace,
        repositories: Sequence[ecr.IRepository],
        rollouts: sfn.IStateMachine,
        **kwargs: object,
    ) -> None:
        super().__init__(scope, id, description="Canario: the workshop", **kwargs)
        self._records, self._zone, self._repositories = records, zone, repositories
        self._namespace = namespace
        self._defaults = function_defaults(self, settings=settings, cluster=cluster, records=records, zone=zone)
        self._with_certificates = replace(self._defaults, code=function_code(settings, certificates=True))
        self._renew()
        read = permissions.records(records.table, WORKSHOPS, actions=("Query",))
        forget = permissions.records(records.table, WORKSHOPS, actions=("BatchWriteItem",))
        abandon = permissions.records(records.table, ROLLOUTS, actions=("PutItem", "Query"))
        unlock = permissions.records(records.table, ROUTERS, actions=("DeleteItem",))
        settle = permissions.records(records.table, STEERED, actions=("UpdateItem",))
        lives = permissions.lifetimes(records.table, "GetItem", "PutItem")
        dies = permissions.lifetimes(records.table, "DeleteItem")
        stages = self._stages()
        machine = WorkshopMachine(
            self,
            "Workshop",
            begin=self._function("Begin", "workshop_begin", read, lives),
            stages=stages,
            end=self._function("End", "workshop_end", read, forget, dies),
            fail=self._function("Fail", "workshop_fail", self._record(), abandon, unlock, settle),
            rollouts=rollouts,
            patience=Patience(
                heartbeat_hours=settings.guided_heartbeat_hours, timeout_hours=settings.guided_timeout_hours
            ),
        )
        self.machine = machine.machine
        WorkshopStarts(self, "Starts", settings=settings, machine=self.machine)
        Expiry(self, "Expiry", defaults=self._defaults, records=records, machine=self.machine)
        CfnOutput(self, "WorkshopMachineArn", value=self.machine.state_machine_arn)
        functions = {stage.id: stage.function.function_name for stage in stages if stage.function}
        CfnOutput(self, "StageFunctions", value=self.to_json_string(functions))

    def _function(self, id: str, module: str, *statements: iam.PolicyStatement) -> lambda_.IFunction:
        return PythonFunction(
            self,
            id,
            handler=f"lambdas.{module}.handler",
            description=f"Canario: {module.replace('_', ' ')}",
            defaults=self._defaults,
            timeout_seconds=60,
            statements=(permissions.put_events(self._records.bus), *statements),
        ).function

    def _renew(self) -> None:
        """Certificates are renewed ten days before they end; twice a day is to be sure."""
        function = PythonFunction(
            self,
            "Renew",
            handler="lambdas.renew.handler",
            description="Canario: renew the workshops' certificates",
            defaults=self._with_certificates,
            timeout_seconds=FUNCTION_SECONDS,
        ).function
        schedule = events.Schedule.rate(Duration.hours(12))
        events.Rule(self, "RenewSchedule", schedule=schedule, targets=[targets.LambdaFunction(function)])

    def _record(self) -> iam.PolicyStatement:
        return permissions.records(self._records.table, WORKSHOPS, actions=("PutItem", "Query"))

    def _wait(self) -> iam.PolicyStatement:
        actions = ("PutItem", "GetItem", "UpdateItem", "DeleteItem")
        return permissions.records(self._records.table, WAITING, actions=actions)

    def _stages(self) -> list[StageFunction]:
        """Every stage of the document in its order."""
        return [
            StageFunction(
                id=stage.id,
                section=stage.section,
                deadline_seconds=stage.deadline_seconds,
                function=self._stage(stage.id),
            )
            for stage in all_stages()
        ]

    def _stage(self, id: str) -> lambda_.IFunction:
        defaults = self._with_certificates if id == "mtls" else self._defaults
        return PythonFunction(
            self,
            f"Stage{id.capitalize()}",
            handler="lambdas.stage.handler",
            description=f"Canario: the stage {id}",
            defaults=defaults,
            timeout_seconds=FUNCTION_SECONDS,
            environment={"CANARIO_STAGE": id},
            statements=(
                self._record(),
                self._wait(),
                permissions.put_events(self._records.bus),
                *self._statements().get(id, ()),
            ),
        ).function

    def _statements(self) -> Mapping[str, tuple[iam.PolicyStatement, ...]]:
        """What a stage does in AWS beyond records and events; in the cluster it may do what its access entry says."""
        look, counters = permissions.read_cloud_map(), permissions.read_metrics(METRICS_NAMESPACE)
        read, change = permissions.read_zone(self._zone), permissions.change_names(self._zone)
        return {
            "preflight": (
                read,
                permissions.read_cloud_map(*permissions.LISTS),
                permissions.see_services(self),
                permissions.look_at_images(self._repositories),
            ),
            "baseline": (read, change),
            "tracing": (permissions.read_traces(),),
            "discovery": (read, change, look, counters, *permissions.change_instances(self._namespace)),
            "canary": (
                permissions.read_cloud_map("DiscoverInstances"),
                permissions.records(self._records.table, ROLLOUTS, actions=("Query",)),
            ),
            "clean": (
                read,
                change,
                permissions.read_cloud_map(*permissions.LISTS),
                *permissions.change_instances(self._namespace),
                permissions.records(self._records.table, ROLLOUTS, actions=("PutItem", "Query")),
                permissions.records(self._records.table, ROUTERS, actions=("GetItem", "DeleteItem")),
                permissions.records(self._records.table, STEERED, actions=("UpdateItem",)),
            ),
        }
