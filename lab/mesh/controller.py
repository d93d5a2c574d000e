"""The mesh controller: whenever the cluster changes, work out what should be, and write what differs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2

from canario.mesh.gateways import Gateway, GatewayRoute
from canario.mesh.model import Mesh, Node, Ref
from lab.envoy.files import CDS, LDS, Resource, with_earlier, write_files
from lab.envoy.resources import Address
from lab.mesh import tracing
from lab.mesh.assembly import Assembly, node_of
from lab.mesh.cluster import Cluster
from lab.mesh.control import AppMeshControl, Control
from lab.mesh.endpoints import Endpoints, resolve
from lab.mesh.gateways import gateways_of
from lab.mesh.ingress import gateway_files
from lab.mesh.injection import PROXIED, JsonPatch
from lab.mesh.logs import make_log_directories
from lab.mesh.registry import Registry
from lab.mesh.render import Place, pod_files
from lab.mesh.world import Obj, World, annotations_of, pod_ip, ref_of
from lab.net import Block

_SETTLE_SECONDS = 0.02  # changes that come together are worked out together
_RETRY_SECONDS = 1.0
_LABEL_SECONDS = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rendering:
    """What a pod's files were made of; while it is the same, so are they."""

    mesh: Mesh
    proxied: Node | Gateway
    routes: tuple[GatewayRoute, ...]  # a gateway's
    place: Place
    endpoints: Mapping[Ref, Endpoints]
    tracing: tracing.Tracing | None = None

    def files(self, vpc: Address) -> dict[str, list[Resource]]:
        """The pod's Envoy files."""
        match self.proxied:
            case Node() as node:
                files = pod_files(self.mesh, node, self.place, self.endpoints, vpc)
                files[LDS] = tracing.traced(files[LDS], self.mesh, node, self.place.pod_ip, self.tracing)
                return files
            case Gateway() as gateway:
                return gateway_files(self.mesh, gateway, self.routes, self.place, self.endpoints, vpc)


class Controller:
    """Holds what it last saw and wrote; `run` never returns."""

    def __init__(
        self,
        cluster: Cluster,
        directory: Path,
        vpc: Address,
        registry: Registry | None = None,
        control: Control | None = None,
    ) -> None:
        self._cluster = cluster
        self._registry = registry
        self._resolved: dict[Ref, Endpoints] = {}
        self._directory = directory
        self._vpc = vpc
        self._control = control or AppMeshControl()
        self._assembly = Assembly()
        self._rendered: dict[Ref, Rendering] = {}
        self._seen: set[Ref] = set()

    async def run(self) -> None:
        seen, again = 0, None
        while True:
            seen = await self._cluster.change(seen, again)
            await asyncio.sleep(_SETTLE_SECONDS)
            world = self._cluster.world()
            world = self._registry.see(world) if self._registry else world
            self._assembly = self._control.assemble(world, self._assembly.good)
            self._write_pods(world)
            self._remove_pods(world)
            try:
                await self._control.write(world, self._assembly, self._cluster)
                again = None
            except httpx2.HTTPError as error:
                _log.warning("writing statuses: %s", error)
                again = _RETRY_SECONDS

    async def inject(self, pod: Obj, namespace: str) -> JsonPatch:
        """The webhook's answer. The API asks because of the namespace's label, so wait until that is seen here."""
        label = self._control.label
        await self._cluster.until(lambda world: label in world.namespace_labels(namespace), _LABEL_SECONDS)
        world = self._cluster.world()
        meshes = self._control.assemble(world, self._assembly.good).meshes
        return self._control.inject(pod, namespace, world, meshes)

    def _write_pods(self, world: World) -> None:
        meshes = {name: self._control.running(mesh, world) for name, mesh in self._assembly.meshes.items()}
        endpoints = {name: self._endpoints(mesh, world) for name, mesh in meshes.items()}
        for pod in world.pods:
            rendering = self._rendering(pod, world, meshes, endpoints)
            if rendering is None or self._rendered.get(ref_of(pod)) == rendering:
                continue
            self._rendered[ref_of(pod)] = rendering
            self._control.prepare(pod, rendering.place.directory)
            files = rendering.files(self._vpc)
            make_log_directories(rendering.proxied.log, rendering.place.directory)
            files[CDS] = with_earlier(rendering.place.directory / CDS, files[CDS])
            changed = write_files(rendering.place.directory, files)
            _log.info("configured %s: %s", ref_of(pod), ", ".join(changed) or "nothing new")

    def _endpoints(self, mesh: Mesh, world: World) -> dict[Ref, Endpoints]:
        found = {node.ref: resolve(node, world, self._vpc) for node in mesh.nodes}
        self._resolved |= {ref: each for ref, each in found.items() if each.known}
        return {ref: each if each.known else self._resolved.get(ref, each) for ref, each in found.items()}

    def _rendering(
        self,
        pod: Obj,
        world: World,
        meshes: Mapping[str, Mesh],
        endpoints: Mapping[str, Mapping[Ref, Endpoints]],
    ) -> Rendering | None:
        """None for a pod without a sidecar or an address, or that no node or gateway selects (any more)."""
        address = pod_ip(pod)
        if address is None or annotations_of(pod).get(PROXIED) != "true":
            return None
        name, _ = self._control.mesh_of(ref_of(pod).namespace, world, meshes)
        if name is None:
            return None
        mesh = meshes[name]
        found: list[Node | Gateway] = [*node_of(pod, mesh), *gateways_of(pod, mesh)]
        if len(found) != 1:
            return None
        if not all(each.known for each in endpoints[name].values()):
            return None  # a controller that has just started: what the pod's Envoy was told before stays in force
        block = Block(int(address.split(".")[1]))
        mounts = self._control.mounts(pod)
        place = Place(self._pod_directory(ref_of(pod)), address, block.app_address(address), mounts)
        routes = self._control.routes_of(mesh, world)
        trace = self._control.tracing(pod, world)
        return Rendering(mesh, found[0], routes.get(found[0].ref, ()), place, endpoints[name], trace)

    def _pod_directory(self, ref: Ref) -> Path:
        return self._directory / ref.namespace / ref.name

    def _remove_pods(self, world: World) -> None:
        """Of pods that were here: another dialect's controller may have configured one that is not seen here yet."""
        present = {ref_of(pod) for pod in world.pods}
        for ref in self._seen - present:
            self._rendered.pop(ref, None)
            directory = self._pod_directory(ref)
            shutil.rmtree(directory, ignore_errors=True)
            with contextlib.suppress(OSError):  # the namespace's last one takes its directory along
                directory.parent.rmdir()
        self._seen = present
