"""The mesh controller: whenever the cluster changes, work out what should be, and write what differs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from canario.mesh.gateways import Gateway, GatewayRoute
from canario.mesh.model import Mesh, Node, Ref
from lab.envoy.files import CDS, LDS, Resource, with_earlier, write_files
from lab.envoy.resources import Address
from lab.mesh import statuses, tracing
from lab.mesh.assembly import Assembly, Finding, Key, assemble, mesh_of, node_of
from lab.mesh.cluster import MANAGER, Cluster
from lab.mesh.endpoints import Endpoints, resolve
from lab.mesh.gateways import gateways_of, routes_of, selecting
from lab.mesh.ingress import gateway_files
from lab.mesh.injection import CONTAINER, INJECT, PROXIED, JsonPatch, inject
from lab.mesh.logs import make_log_directories
from lab.mesh.registry import Registry
from lab.mesh.render import Place, pod_files
from lab.mesh.tls import mounts_of
from lab.mesh.world import Obj, World, annotations_of, name_of, pod_ip, ref_of
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
        trace: tracing.Tracing | None = None,
    ) -> None:
        self._cluster = cluster
        self._registry = registry
        self._resolved: dict[Ref, Endpoints] = {}
        self._directory = directory
        self._vpc = vpc
        self._trace = trace  # how new pods are traced
        self._assembly = Assembly()
        self._rendered: dict[Ref, Rendering] = {}
        self._told: dict[Key, str] = {}

    async def run(self) -> None:
        seen, again = 0, None
        while True:
            seen = await self._cluster.change(seen, again)
            await asyncio.sleep(_SETTLE_SECONDS)
            world = self._cluster.world()
            world = self._registry.see(world) if self._registry else world
            self._assembly = assemble(world, self._assembly.good)
            self._write_pods(world)
            self._remove_pods(world)
            try:
                await self._write_objects(world)
                again = None
            except httpx2.HTTPError as error:
                _log.warning("writing statuses: %s", error)
                again = _RETRY_SECONDS

    async def inject(self, pod: Obj, namespace: str) -> JsonPatch:
        """The webhook's answer. The API asks because of the namespace's label, so wait until that is seen here."""
        await self._cluster.until(lambda world: INJECT in world.namespace_labels(namespace), _LABEL_SECONDS)
        world = self._cluster.world()
        return inject(pod, namespace, world, assemble(world, self._assembly.good).meshes, self._trace)

    def _write_pods(self, world: World) -> None:
        endpoints = {name: self._endpoints(mesh, world) for name, mesh in self._assembly.meshes.items()}
        for pod in world.pods:
            rendering = self._rendering(pod, world, endpoints)
            if rendering is None or self._rendered.get(ref_of(pod)) == rendering:
                continue
            self._rendered[ref_of(pod)] = rendering
            files = rendering.files(self._vpc)
            make_log_directories(rendering.proxied.log, rendering.place.directory)
            files[CDS] = with_earlier(rendering.place.directory / CDS, files[CDS])
            changed = write_files(rendering.place.directory, files)
            _log.info("configured %s: %s", ref_of(pod), ", ".join(changed) or "nothing new")

    def _endpoints(self, mesh: Mesh, world: World) -> dict[Ref, Endpoints]:
        found = {node.ref: resolve(node, world, self._vpc) for node in mesh.nodes}
        self._resolved |= {ref: each for ref, each in found.items() if each.known}
        return {ref: each if each.known else self._resolved.get(ref, each) for ref, each in found.items()}

    def _rendering(self, pod: Obj, world: World, endpoints: Mapping[str, Mapping[Ref, Endpoints]]) -> Rendering | None:
        """None for a pod without a sidecar or an address, or that no node or gateway selects (any more)."""
        address = pod_ip(pod)
        if address is None or annotations_of(pod).get(PROXIED) != "true":
            return None
        name, _ = mesh_of(ref_of(pod).namespace, world, self._assembly.meshes)
        if name is None:
            return None
        mesh = self._assembly.meshes[name]
        found: list[Node | Gateway] = [*node_of(pod, mesh), *gateways_of(pod, mesh)]
        if len(found) != 1:
            return None
        if not all(each.known for each in endpoints[name].values()):
            return None  # a controller that has just started: what the pod's Envoy was told before stays in force
        block = Block(int(address.split(".")[1]))
        mounts = mounts_of(pod, CONTAINER)
        place = Place(self._pod_directory(ref_of(pod)), address, block.app_address(address), mounts)
        routes = routes_of(mesh, world)
        trace = tracing.of_pod(pod, CONTAINER)
        return Rendering(mesh, found[0], routes.get(found[0].ref, ()), place, endpoints[name], trace)

    def _pod_directory(self, ref: Ref) -> Path:
        return self._directory / ref.namespace / ref.name

    def _remove_pods(self, world: World) -> None:
        present = {ref_of(pod) for pod in world.pods}
        for configured in self._directory.glob(f"*/*/{LDS}"):
            ref = Ref(configured.parent.parent.name, configured.parent.name)
            if ref not in present:
                self._rendered.pop(ref, None)
                shutil.rmtree(configured.parent, ignore_errors=True)
                with contextlib.suppress(OSError):  # the namespace's last one takes its directory along
                    configured.parent.parent.rmdir()

    async def _write_objects(self, world: World) -> None:
        meshes = {name_of(mesh): mesh for mesh in world.meshes}
        self._told = {key: text for key, text in self._told.items() if key in self._assembly.findings}
        for obj in world.mesh_objects:
            key = Key(str(obj["kind"]), ref_of(obj))
            finding = self._assembly.findings[key]
            try:
                await self._write_object(key.kind, obj, finding, meshes.get(finding.mesh or ""), world)
                await self._tell(key, obj, finding)
            except httpx2.HTTPStatusError as error:
                if error.response.status_code not in (404, 409):
                    raise
                _log.info("%s %s changed meanwhile", key.kind, key.ref)

    async def _write_object(self, kind: str, obj: Obj, finding: Finding, mesh: Obj | None, world: World) -> None:
        if kind == "Mesh":
            mesh = None
        if defaults := statuses.defaults(kind, obj, mesh, self._gateway_of(kind, obj, finding, world)):
            await self._cluster.patch(kind, obj, defaults)
            return  # the object comes back, with a new generation for its status
        if status := statuses.status(kind, obj, finding, self._assembly.meshes, datetime.now(UTC)):
            await self._cluster.patch(kind, obj, status, status=True)

    def _gateway_of(self, kind: str, obj: Obj, finding: Finding, world: World) -> Obj | None:
        """The VirtualGateway that a GatewayRoute belongs to."""
        if kind != "GatewayRoute" or finding.mesh is None:
            return None
        found = selecting(obj, self._assembly.meshes[finding.mesh], world)
        owners = {gateway.ref for gateway in found} if len(found) == 1 else set()
        return next((each for each in world.virtual_gateways if ref_of(each) in owners), None)

    async def _tell(self, key: Key, obj: Obj, finding: Finding) -> None:
        """An event when the object goes wrong, or goes wrong in another way."""
        if self._told.get(key, "") == finding.message:
            return
        self._told[key] = finding.message
        if not finding.active:
            _log.warning("%s", finding.message)
            await self._cluster.record(statuses.event(obj, finding, MANAGER, datetime.now(UTC)))
