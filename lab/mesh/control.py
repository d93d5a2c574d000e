"""What the mesh controller asks of a dialect; and App Mesh's answers."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import httpx2

from canario.mesh.gateways import GatewayRoute
from canario.mesh.model import Mesh, Ref
from canario.workshop.kinds import VIRTUAL_NODE
from canario.workshop.ports import Kind
from lab.mesh import assembly, gateways, injection, statuses, tracing, webhook
from lab.mesh.assembly import Assembly, Finding, Key, Part
from lab.mesh.cluster import APP_MESH, MANAGER, Cluster, Watched
from lab.mesh.injection import JsonPatch
from lab.mesh.tls import mounts_of
from lab.mesh.world import Obj, World, name_of, ref_of

_log = logging.getLogger(__name__)


class Control(Protocol):
    """One dialect's control plane, but for what is the same in all: resolving endpoints, rendering, delivering."""

    @property
    def manager(self) -> str:
        """Who its writings are by."""

    @property
    def label(self) -> str:
        """The namespace's label that asks for sidecars."""

    @property
    def watched(self) -> Watched:
        """The kinds of its objects."""

    @property
    def mapped(self) -> Sequence[Kind]:
        """The kinds of its nodes that are found by Cloud Map."""

    def registration(self, url: str, authority: bytes) -> dict[str, Any]:
        """Its MutatingWebhookConfiguration."""

    async def start(self, cluster: Cluster) -> None:
        """What it needs before it serves."""

    def assemble(self, world: World, before: Mapping[Key, Mesh | Part]) -> Assembly: ...

    def mesh_of(self, namespace: str, world: World, meshes: Mapping[str, Mesh]) -> tuple[str | None, str]:
        """The name of the namespace's mesh; else None and what is wrong."""

    def running(self, mesh: Mesh, world: World) -> Mesh:
        """The mesh as its proxies run it."""

    def routes_of(self, mesh: Mesh, world: World) -> Mapping[Ref, tuple[GatewayRoute, ...]]:
        """Gateway → its routes."""

    def inject(self, pod: Obj, namespace: str, world: World, meshes: Mapping[str, Mesh]) -> JsonPatch:
        """The patch of a pod that is being created. Raises RefusedError."""

    def tracing(self, pod: Obj, world: World) -> tracing.Tracing | None:
        """How the pod's proxy traces."""

    def mounts(self, pod: Obj) -> tuple[str, ...]:
        """Where something is mounted into the pod's proxy, the longest path first."""

    def prepare(self, pod: Obj, directory: Path) -> None:
        """What has to be in the pod's directory before its proxy's files."""

    async def write(self, world: World, found: Assembly, cluster: Cluster) -> None:
        """Say of every object what was made of it. Raises httpx2.HTTPError."""


class AppMeshControl:
    """`appmesh.k8s.aws/v1beta2`, as the App Mesh controller had it. `trace`: how new pods are traced."""

    manager = MANAGER
    label = injection.INJECT
    watched = APP_MESH
    mapped = (VIRTUAL_NODE,)
    assemble = staticmethod(assembly.assemble)
    mesh_of = staticmethod(assembly.mesh_of)
    routes_of = staticmethod(gateways.routes_of)
    registration = staticmethod(webhook.registration)

    def __init__(self, trace: tracing.Tracing | None = None) -> None:
        self._trace = trace
        self._told: dict[Key, str] = {}

    async def start(self, cluster: Cluster) -> None:
        """Nothing."""

    def running(self, mesh: Mesh, world: World) -> Mesh:
        return mesh

    def inject(self, pod: Obj, namespace: str, world: World, meshes: Mapping[str, Mesh]) -> JsonPatch:
        return injection.inject(pod, namespace, world, meshes, self._trace)

    def tracing(self, pod: Obj, world: World) -> tracing.Tracing | None:
        return tracing.of_pod(pod, injection.CONTAINER)

    def mounts(self, pod: Obj) -> tuple[str, ...]:
        return mounts_of(pod, injection.CONTAINER)

    def prepare(self, pod: Obj, directory: Path) -> None:
        """Nothing: what is mounted is the kubelet's."""

    async def write(self, world: World, found: Assembly, cluster: Cluster) -> None:
        meshes = {name_of(mesh): mesh for mesh in world.meshes}
        self._told = {key: text for key, text in self._told.items() if key in found.findings}
        for obj in world.mesh_objects:
            key = Key(str(obj["kind"]), ref_of(obj))
            finding = found.findings[key]
            try:
                await self._write_object(obj, finding, meshes.get(finding.mesh or ""), world, found, cluster)
                await self._tell(key, obj, finding, cluster)
            except httpx2.HTTPStatusError as error:
                if error.response.status_code not in (404, 409):
                    raise
                _log.info("%s %s changed meanwhile", key.kind, key.ref)

    async def _write_object(
        self, obj: Obj, finding: Finding, mesh: Obj | None, world: World, found: Assembly, cluster: Cluster
    ) -> None:
        kind = str(obj["kind"])
        if kind == "Mesh":
            mesh = None
        if defaults := statuses.defaults(kind, obj, mesh, _gateway_of(kind, obj, finding, world, found)):
            await cluster.patch(kind, obj, defaults)
            return  # the object comes back, with a new generation for its status
        if status := statuses.status(kind, obj, finding, found.meshes, datetime.now(UTC)):
            await cluster.patch(kind, obj, status, status=True)

    async def _tell(self, key: Key, obj: Obj, finding: Finding, cluster: Cluster) -> None:
        """An event when the object goes wrong, or goes wrong in another way."""
        if self._told.get(key, "") == finding.message:
            return
        self._told[key] = finding.message
        if not finding.active:
            _log.warning("%s", finding.message)
            await cluster.record(statuses.event(obj, finding, MANAGER, datetime.now(UTC)))


def _gateway_of(kind: str, obj: Obj, finding: Finding, world: World, found: Assembly) -> Obj | None:
    """The VirtualGateway that a GatewayRoute belongs to."""
    if kind != "GatewayRoute" or finding.mesh is None:
        return None
    selecting = gateways.selecting(obj, found.meshes[finding.mesh], world)
    owners = {gateway.ref for gateway in selecting} if len(selecting) == 1 else set()
    return next((each for each in world.virtual_gateways if ref_of(each) in owners), None)
