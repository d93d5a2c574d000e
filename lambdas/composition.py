"""The composition root: adapters put together from the environment. Nothing else in `lambdas` makes a client.

Clients are made once a process and kept between invocations; only `now` is of this invocation.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache

import boto3

from canario.adapters import aws
from canario.adapters.alarms import CloudWatchAlarms
from canario.adapters.calendars import ChangeCalendars
from canario.adapters.certificates import X509Certificates
from canario.adapters.cloudmap import CloudMapServices
from canario.adapters.cloudwatch import NodeMetrics
from canario.adapters.controller import ControllerMetrics
from canario.adapters.ecr import Repositories
from canario.adapters.eks import EksToken
from canario.adapters.envoy_admin import MeshDataPlane
from canario.adapters.events import Bus
from canario.adapters.executions import Executions
from canario.adapters.faults import SampledFaults
from canario.adapters.group_access import GroupAccess
from canario.adapters.http import HttpClient
from canario.adapters.kubernetes import Cluster
from canario.adapters.lifetimes import LifetimeRecords
from canario.adapters.node_pods import NodePods
from canario.adapters.notices import Topic
from canario.adapters.permissions import Access, needs
from canario.adapters.records import RolloutRecords, WorkshopRecords
from canario.adapters.rollout_executions import Running, Starting
from canario.adapters.rollout_waits import RolloutTokens
from canario.adapters.route53 import PrivateZone
from canario.adapters.routers import MeshRouters
from canario.adapters.shared_observer import ObserverDesk, SharedObserver
from canario.adapters.tasks import TaskTokens
from canario.adapters.templates import TemplateRecords
from canario.adapters.tls import TlsClient
from canario.adapters.waits import WaitRecords
from canario.adapters.workloads import Deployments
from canario.adapters.xray import XRay
from canario.canary.starting import Office
from canario.canary.world import World
from canario.workshop.guided import Guide
from canario.workshop.ports import Ports
from lambdas.environment import BadEnvironment, Environment, environment_from

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Composition:
    """One process's adapters, each made when it is first asked for."""

    environment: Environment
    session: boto3.Session
    clock: Clock = utc_now

    @cached_property
    def cluster(self) -> Cluster:
        token = EksToken(self.session, self.environment.cluster_name)
        return Cluster(self.environment.cluster_endpoint, self.environment.cluster_ca, token)

    @cached_property
    def events(self) -> Bus:
        return Bus(aws.client(self.session, "events"), self.environment.bus)

    @cached_property
    def rollouts(self) -> RolloutRecords:
        return RolloutRecords(aws.table(self.session, self.environment.table))

    @cached_property
    def world(self) -> World:
        """What a rollout reaches."""
        return World(
            routers=MeshRouters(self.cluster),
            data_plane=MeshDataPlane(self.cluster),
            metrics=NodeMetrics(aws.client(self.session, "cloudwatch"), self.environment.metrics_namespace),
            records=self.rollouts,
            events=self.events,
            tokens=RolloutTokens(aws.table(self.session, self.environment.table), self.tasks),
            controller=ControllerMetrics(aws.client(self.session, "cloudwatch")),
            workloads=Deployments(self.cluster),
            faults=SampledFaults(aws.client(self.session, "xray")),
            pods=NodePods(self.cluster),
            alarms=CloudWatchAlarms(aws.client(self.session, "cloudwatch")),
            observer=self._observer(),
        )

    def _observer(self) -> SharedObserver:
        """Only functions that know its machine can call it; where nobody ever does, nobody asks for it."""
        environment = self.environment
        machine = environment.observer_machine
        starter = Starting(aws.client(self.session, "stepfunctions"), machine) if machine else None
        return SharedObserver(aws.table(self.session, environment.table), starter, environment.observe_from)

    @cached_property
    def desk(self) -> ObserverDesk:
        return ObserverDesk(aws.table(self.session, self.environment.table))

    @cached_property
    def office(self) -> Office:
        """What starts rollouts reaches; only the function that starts them knows the machines."""
        client = aws.client(self.session, "stepfunctions")
        return Office(
            templates=TemplateRecords(aws.table(self.session, self.environment.table)),
            calendars=ChangeCalendars(aws.client(self.session, "ssm")),
            machine=Starting(client, str(self.environment.canary_machine)),
            in_order=Starting(client, str(self.environment.order_machine)),
            routers=self.world.routers,
            events=self.events,
        )

    @cached_property
    def executions(self) -> Running:
        return Running(aws.client(self.session, "stepfunctions"))

    @cached_property
    def topic(self) -> Topic:
        return Topic(aws.client(self.session, "sns"), str(self.environment.topic))

    @cached_property
    def tasks(self) -> TaskTokens:
        return TaskTokens(aws.client(self.session, "stepfunctions"))

    @cached_property
    def guide(self) -> Guide:
        """What a stage's function reaches when its stage waits for an attendee."""
        table = aws.table(self.session, self.environment.table)
        return Guide(WaitRecords(table), self.tasks)

    @cached_property
    def machine(self) -> Executions:
        """The workshop machine; the function must have been told of it."""
        if self.environment.machine is None:
            raise BadEnvironment("CANARIO_MACHINE is not set; deploy the stacks again")
        return Executions(aws.client(self.session, "stepfunctions"), self.environment.machine)

    @cached_property
    def http(self) -> HttpClient:
        return HttpClient()

    @cached_property
    def zone(self) -> PrivateZone:
        return PrivateZone(aws.client(self.session, "route53"), self.environment.zone_id)

    @cached_property
    def cloud_map(self) -> CloudMapServices:
        return CloudMapServices(aws.client(self.session, "servicediscovery"))

    def _permissions(self) -> Access:
        """Where each function has a Role of its own, all of them are asked about; else the one that runs."""
        calls = {
            "list the zone's records": self.zone.records,
            "list Cloud Map's namespaces": self.cloud_map.namespaces,
        }
        if self.environment.groups:
            return GroupAccess(self.cluster, calls, self.environment.dialects)
        return Access(self.cluster, calls, needs(self.environment.dialects))

    def ports(self) -> Ports:
        """What a stage reaches, at this moment."""
        return Ports(
            kubernetes=self.cluster,
            http=self.http,
            zone=self.zone,
            cloud_map=self.cloud_map,
            images=Repositories(aws.client(self.session, "ecr"), self.environment.registry, self.environment.image_tag),
            records=WorkshopRecords(aws.table(self.session, self.environment.table)),
            lifetimes=LifetimeRecords(aws.table(self.session, self.environment.table)),
            events=self.events,
            permissions=self._permissions(),
            traces=XRay(aws.client(self.session, "xray")),
            rollouts=self.rollouts,
            routers=self.world.routers,
            data_plane=self.world.data_plane,
            metrics=self.world.metrics,
            certificates=X509Certificates(),
            tls=TlsClient(),
            now=self.clock(),
            dialects=self.environment.dialects,
        )


@lru_cache(maxsize=1)
def composition() -> Composition:
    """This process's own. Raises BadEnvironment."""
    return Composition(environment_from(os.environ), boto3.Session())
