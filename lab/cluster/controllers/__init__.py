"""The lab cluster's controllers: Deployments, ReplicaSets, Endpoints and EndpointSlices, load balancers.

Each is one small file: decisions as pure functions, and a class that performs them. Garbage collection and the
deletion of namespaces are the store's own (`lab/cluster/collector.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from lab.cluster.client import Client
from lab.cluster.controllers.deployment import DEPLOYMENTS, SETS, DeploymentController
from lab.cluster.controllers.endpoints import EndpointsController
from lab.cluster.controllers.events import Recorder
from lab.cluster.controllers.load_balancer import LoadBalancerController
from lab.cluster.controllers.loop import Informer, Queue, key_of, until_synced, work
from lab.cluster.controllers.ownership import controller_key, controller_of, labels_of
from lab.cluster.controllers.replicaset import ReplicaSetController
from lab.cluster.objects import Obj, dig, namespace_of
from lab.cluster.selectors import selects
from lab.net import Block

__all__ = ["run_controllers"]


def _now() -> datetime:
    return datetime.now(UTC)


async def run_controllers(client: Client, *, block: Block, now: Callable[[], datetime] = _now) -> None:
    """Run every controller until cancelled."""
    informers = {resource: Informer(client, resource) for resource in (DEPLOYMENTS, SETS, "pods", "services")}
    queues = _Queues(informers)
    deployments = DeploymentController(client, Recorder(client, "deployment-controller"), now)
    sets = ReplicaSetController(client, Recorder(client, "replicaset-controller"), now)
    endpoints = EndpointsController(client)
    balancers = LoadBalancerController(client, Recorder(client, "service-controller"), block)
    async with asyncio.TaskGroup() as group:
        for informer in informers.values():
            group.create_task(informer.run())
        await until_synced(informers.values())
        group.create_task(work("deployment", queues.deployments, deployments.reconcile))
        group.create_task(work("replicaset", queues.sets, sets.reconcile))
        group.create_task(work("endpoints", queues.services, endpoints.reconcile))
        group.create_task(work("load balancer", queues.balancers, balancers.reconcile, workers=1))


class _Queues:
    """Who has to look again when something changes."""

    def __init__(self, informers: dict[str, Informer]) -> None:
        self.deployments, self.sets, self.services, self.balancers = Queue(), Queue(), Queue(), Queue()
        self._informers = informers
        informers[DEPLOYMENTS].on_change(lambda old, new: self._deployment(old or new))
        informers[SETS].on_change(self._set)
        informers["pods"].on_change(self._pod)
        informers["services"].on_change(lambda old, new: self._service(old or new))

    def _deployment(self, obj: Obj | None) -> None:
        if obj:
            self.deployments.add(key_of(obj))

    def _service(self, obj: Obj | None) -> None:
        if obj:
            self.services.add(key_of(obj))
            self.balancers.add(key_of(obj))

    def _set(self, old: Obj | None, new: Obj | None) -> None:
        for obj in filter(None, (old, new)):
            self.sets.add(key_of(obj))
            if key := controller_key(obj, "Deployment"):
                self.deployments.add(key)
        if new and not controller_of(new):
            self._adopters(DEPLOYMENTS, self.deployments, new)

    def _pod(self, old: Obj | None, new: Obj | None) -> None:
        for obj in filter(None, (old, new)):
            if key := controller_key(obj, "ReplicaSet"):
                self.sets.add(key)
            for service in self._informers["services"].in_namespace(namespace_of(obj)):
                if (dig(service, "spec", "selector") or {"": ""}).items() <= labels_of(obj).items():
                    self.services.add(key_of(service))
        if new and not controller_of(new):
            self._adopters(SETS, self.sets, new)
        if new is None and old and (key := controller_key(old, "ReplicaSet")):
            self._of_set(key)

    def _of_set(self, key: tuple[str, str]) -> None:
        """A pod is gone for good: a Deployment that is recreated may wait for just that."""
        replica_set = self._informers[SETS].items.get(key)
        if owner := controller_key(replica_set, "Deployment"):
            self.deployments.add(owner)

    def _adopters(self, resource: str, queue: Queue, orphan: Obj) -> None:
        for owner in self._informers[resource].in_namespace(namespace_of(orphan)):
            if selects(dig(owner, "spec", "selector"), labels_of(orphan)):
                queue.add(key_of(owner))
