"""The registrar: a function that keeps Cloud Map as the pods are, every minute and when a stage asks for it."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as events_targets
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from canario.workshop.discovery import REGISTRATION
from stacks.constructs import permissions
from stacks.constructs.acknowledgements import acknowledge_versions
from stacks.constructs.cluster_reach import Cluster
from stacks.constructs.functions import function_defaults
from stacks.constructs.permissions import SOURCE
from stacks.constructs.python_function import PythonFunction
from stacks.records import RecordsStack
from stacks.settings import Settings

EVERY = Duration.minutes(1)  # the shortest that EventBridge has


class RegistrarStack(Stack):
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
        **kwargs: object,
    ) -> None:
        super().__init__(scope, id, description="Canario: pods in Cloud Map", **kwargs)
        made = PythonFunction(
            self,
            "Registrar",
            handler="lambdas.registrar.handler",
            description="Canario: registrar",
            defaults=function_defaults(self, settings=settings, cluster=cluster, records=records, zone=zone),
            timeout_seconds=50,
            statements=(
                permissions.read_cloud_map(*permissions.LISTS),
                permissions.set_health(),
                *permissions.change_instances(namespace, "RegisterInstance", "CreateService", "TagResource"),
            ),
        )
        self.function = made.function
        scheduler.Schedule(
            self,
            "EveryMinute",
            description="Canario: pods in Cloud Map",
            schedule=scheduler.ScheduleExpression.rate(EVERY),
            target=scheduler_targets.LambdaInvoke(made.function, retry_attempts=0),  # the next one comes soon
        )
        acknowledge_versions(self, [made.function])
        events.Rule(
            self,
            "WhenAsked",
            description="Canario: a stage waits for the registrar",
            event_bus=records.bus,
            event_pattern=events.EventPattern(source=[SOURCE], detail_type=[REGISTRATION]),
            targets=[events_targets.LambdaFunction(made.function)],
        )
