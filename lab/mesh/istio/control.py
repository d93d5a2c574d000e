"""What stands in for istiod: the mesh controller's dialect `gateway`."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from lightkube.generic_resource import create_global_resource, create_namespaced_resource

from canario.mesh.gateway_rules import parents_of
from canario.mesh.gateways import GatewayRoute
from canario.mesh.model import Mesh, Ref
from canario.workshop.kinds import GATEWAY_CLASS, GATEWAY_KINDS, SERVICE
from canario.workshop.ports import KeyPair, Kind
from lab.mesh import tracing
from lab.mesh.assembly import Assembly, Key
from lab.mesh.cluster import Cluster, Watched
from lab.mesh.injection import JsonPatch
from lab.mesh.istio import assembly, identity, injection, statuses
from lab.mesh.statuses import event
from lab.mesh.tls import mounts_of
from lab.mesh.world import Obj, World, ref_of

SYSTEM = "istio-system"
AUTHORITY = "istio-ca-secret"  # the Secret with the authority's key, as istiod keeps its own
ROOT = "istio-ca-root-cert"  # the ConfigMap with its certificate, in every namespace with sidecars
ROOT_KEY = "root-cert.pem"

_RETRY_SECONDS = 0.5

_log = logging.getLogger(__name__)


def _resource(kind: Kind) -> Any:
    group, _, version = kind.api_version.rpartition("/")
    create = create_namespaced_resource if kind.namespaced else create_global_resource
    return create(group, version, kind.name, kind.plural)


WATCHED: Watched = {"istio": tuple(_resource(kind) for kind in (GATEWAY_CLASS, *GATEWAY_KINDS))}


class IstioControl:
    """Gateway API's and Istio's objects. `pod_ip`: where this controller's X-Ray daemon listens."""

    manager = "istiod"
    label = injection.LABEL
    watched = WATCHED
    mapped = (SERVICE,)
    assemble = staticmethod(assembly.assemble)
    mesh_of = staticmethod(assembly.mesh_of)
    running = staticmethod(identity.secured)
    registration = staticmethod(injection.registration)

    def __init__(self, pod_ip: str) -> None:
        self._pod_ip = pod_ip
        self._issuer: KeyPair | None = None
        self._rooted: set[str] = set()
        self._told: dict[Key, str] = {}

    async def start(self, cluster: Cluster) -> None:
        """Have an authority: the one in the Secret, or a new one. Waits until the namespace is there."""
        while self._issuer is None:
            try:
                self._issuer = await _authority(cluster)
            except httpx2.HTTPError as error:
                _log.warning("the Secret %s/%s: %s", SYSTEM, AUTHORITY, error)
                await asyncio.sleep(_RETRY_SECONDS)

    def routes_of(self, mesh: Mesh, world: World) -> Mapping[Ref, tuple[GatewayRoute, ...]]:
        """By the routes' parents, where the gateway allows routes of its own namespace: others' are not looked at."""
        found: dict[Ref, tuple[GatewayRoute, ...]] = {gateway.ref: () for gateway in mesh.gateways}
        parents = {ref_of(obj): _gateways_of(obj) for obj in world.istio if obj["kind"] in assembly.ROUTES}
        for gateway in mesh.gateways:
            labels = world.namespace_labels(gateway.ref.namespace)
            if gateway.namespaces and gateway.namespaces.matches(labels):
                theirs = (each for each in mesh.gateway_routes if gateway.ref in parents.get(each.ref, ()))
                found[gateway.ref] = tuple(theirs)
        return found

    def inject(self, pod: Obj, namespace: str, world: World, meshes: Mapping[str, Mesh]) -> JsonPatch:
        return injection.inject(pod, namespace, world)

    def tracing(self, pod: Obj, world: World) -> tracing.Tracing | None:
        percent = assembly.traced_percent(ref_of(pod).namespace, world)
        if percent is None:
            return None
        app = pod["metadata"].get("labels", {}).get("app", ref_of(pod).name)
        return tracing.Tracing(
            rate=percent / 100,
            untraced=tracing.untraced(pod, injection.CONTAINER),
            host=self._pod_ip,
            segment=f"{app}.{ref_of(pod).namespace}",
        )

    def mounts(self, pod: Obj) -> tuple[str, ...]:
        """The pod's own, and where its certificate is."""
        found = (*mounts_of(pod, injection.CONTAINER), identity.MOUNT)
        return tuple(sorted(found, key=lambda path: (-len(path), path)))

    def prepare(self, pod: Obj, directory: Path) -> None:
        if self._issuer is None:
            raise RuntimeError("the authority has not been started")
        identity.ensure(directory, identity.of_pod(pod), self._issuer, datetime.now(UTC))

    async def write(self, world: World, found: Assembly, cluster: Cluster) -> None:
        now = datetime.now(UTC)
        for obj in world.istio:
            key = Key(str(obj["kind"]), ref_of(obj))
            finding = found.findings.get(key)
            try:
                if patch := statuses.status(obj, finding, world, now):
                    await cluster.patch(key.kind, obj, patch, status=True)
                if finding and self._told.get(key, "") != finding.message:
                    self._told[key] = finding.message
                    if not finding.active:
                        _log.warning("%s", finding.message)
                        await cluster.record(event(obj, finding, self.manager, now))
            except httpx2.HTTPStatusError as error:
                if error.response.status_code not in (404, 409):
                    raise
                _log.info("%s %s changed meanwhile", key.kind, key.ref)
        await self._publish_root(world, cluster)

    async def _publish_root(self, world: World, cluster: Cluster) -> None:
        """The authority's certificate, into every namespace with sidecars that has not got it."""
        live = {ref_of(each).name for each in world.namespaces if "deletionTimestamp" not in each["metadata"]}
        self._rooted &= live
        for name in sorted(live - self._rooted):
            if world.namespace_labels(name).get(injection.LABEL) == "enabled" and self._issuer:
                await cluster.apply(_root(name, self._issuer.certificate))
                self._rooted.add(name)


async def _authority(cluster: Cluster) -> KeyPair:
    found = await cluster.secret(SYSTEM, AUTHORITY)
    if found is None:
        made = identity.authority(datetime.now(UTC))
        await cluster.apply(_secret({"ca-cert.pem": made.certificate, "ca-key.pem": made.key}))
        return made
    text = {key: base64.b64decode(value).decode() for key, value in found["data"].items()}
    return KeyPair(text["ca-cert.pem"], text["ca-key.pem"])


def _gateways_of(route: Obj) -> set[Ref]:
    return {ref for kind, ref in parents_of(route) if kind == "Gateway"}


def _secret(data: Mapping[str, str]) -> Obj:
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": AUTHORITY, "namespace": SYSTEM},
        "type": "istio.io/ca-root",
        "data": encoded,
    }


def _root(namespace: str, certificate: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": ROOT, "namespace": namespace, "labels": {"istio.io/config": "true"}},
        "data": {ROOT_KEY: certificate},
    }
