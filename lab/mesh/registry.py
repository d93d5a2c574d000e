"""Cloud Map beside the controller: the registrar at work after every change of pods, and what Cloud Map answers.

The endpoints of a node with `awsCloudMap` discovery are Cloud Map's answer, not the controller's own opinion: what
somebody registers or deregisters there by other ways is in force within a second. The work is the registrar's
(canario/workshop/registrar.py), which on AWS runs as a function on a schedule.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from canario.errors import CanarioError
from canario.workshop import registrar
from canario.workshop.cloud_map import CloudMap, Instance, ServiceName
from canario.workshop.kinds import POD, SERVICE, VIRTUAL_NODE
from canario.workshop.ports import Kind, Manifest
from canario.workshop.registrar import Wanted
from lab.mesh.cluster import Cluster
from lab.mesh.world import World

POLL_SECONDS = 0.5  # how old Cloud Map's answer may be
RESYNC_SECONDS = 5.0  # after which the registrar looks though no pod has changed

Known = Mapping[ServiceName, tuple[Instance, ...]]

_log = logging.getLogger(__name__)


def cloud_map(endpoint: str) -> CloudMap:
    """The lab's Cloud Map. Not in an event loop: reading boto3 takes longer than all else that the controller does."""
    from canario.adapters.cloudmap import CloudMapServices
    from lab import boto

    return CloudMapServices(boto.client(endpoint, "servicediscovery"))


class Registry:
    """Registers pods, and sees what Cloud Map says of the services that nodes name: `see(world)`."""

    def __init__(self, cluster: Cluster, connect: Callable[[], CloudMap], kinds: Sequence[Kind]) -> None:
        """`kinds`: of the nodes that this controller's dialect has; another's controller may run beside it."""
        self._cluster, self._connect, self._kinds = cluster, connect, kinds
        self._known: Known = {}
        self._problems: tuple[str, ...] = ()

    def see(self, world: World) -> World:
        """The world with what Cloud Map said last; a service of which it has said nothing yet is not in it."""
        return replace(world, cloud_map=self._known)

    async def run(self) -> None:
        """Never returns. While Cloud Map does not answer, what it said last stays."""
        cloud = await asyncio.to_thread(self._connect)
        clock = asyncio.get_running_loop().time
        done: object = None
        resync = poll = 0.0
        seen = await self._cluster.change(0)  # every kind has been listed: pods not seen yet would be taken out
        while True:
            wanted = _wanted(self._cluster.world())
            try:
                if wanted != done or clock() >= resync:
                    await asyncio.to_thread(self._register, cloud)
                    done, resync, poll = wanted, clock() + RESYNC_SECONDS, 0.0
                if clock() >= poll:
                    await self._look(cloud, wanted)
                    poll = clock() + POLL_SECONDS
            except CanarioError as error:
                self._tell((str(error),))
                done, poll = None, clock() + POLL_SECONDS
            seen = await self._cluster.change(seen, max(0.0, poll - clock()))

    def _register(self, cloud: CloudMap) -> None:
        outcome = registrar.reconcile(_Objects(self._cluster.world), cloud, kinds=self._kinds, alone=False)
        for action in outcome.done:
            _log.info("%s %s %s", type(action).__name__, action.service, getattr(action, "instance_id", ""))
        self._tell(outcome.problems)

    async def _look(self, cloud: CloudMap, wanted: Mapping[ServiceName, Wanted]) -> None:
        found = await asyncio.to_thread(_discover, cloud, wanted)
        if found != self._known:
            self._known = found
            await self._cluster.poke()

    def _tell(self, problems: tuple[str, ...]) -> None:
        for problem in set(problems) - set(self._problems):
            _log.warning("%s", problem)
        self._problems = problems


class _Objects:
    """The world as the registrar reads Kubernetes; each list is of the newest world."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    def list(self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        world = self._world()
        objects: Any = {
            VIRTUAL_NODE: world.virtual_nodes,
            SERVICE: world.services,
            POD: world.pods,
        }[kind]
        return [each for each in objects if namespace in (None, each["metadata"].get("namespace"))]


def _wanted(world: World) -> dict[ServiceName, Wanted]:
    return registrar.wanted((*world.virtual_nodes, *world.services), world.pods)  # type: ignore[arg-type]


def _discover(cloud: CloudMap, wanted: Mapping[ServiceName, Wanted]) -> Known:
    found = {service: cloud.discover(service) for service in wanted}
    return {
        service: tuple(instance for _, instance in sorted(instances.items()) if instance.healthy)
        for service, instances in found.items()
    }
