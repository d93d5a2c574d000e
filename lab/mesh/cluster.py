"""The controller's eyes and hands: what it watches of the Kubernetes API, and what it writes there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from typing import Any

import httpx2
from lightkube import ApiError, AsyncClient, KubeConfig
from lightkube.core.resource import api_info
from lightkube.generic_resource import create_global_resource, create_namespaced_resource
from lightkube.types import PatchType

from lab.mesh.world import Obj, World, ref_of

MANAGER = "appmesh-controller"

_RETRY_SECONDS = 0.5  # until a kind is served (its CRD applied), or the API is back
_GROUP, _VERSION = "appmesh.k8s.aws", "v1beta2"

_MESH = create_global_resource(_GROUP, _VERSION, "Mesh", "meshes")
_VIRTUAL_NODE = create_namespaced_resource(_GROUP, _VERSION, "VirtualNode", "virtualnodes")
_VIRTUAL_ROUTER = create_namespaced_resource(_GROUP, _VERSION, "VirtualRouter", "virtualrouters")
_VIRTUAL_SERVICE = create_namespaced_resource(_GROUP, _VERSION, "VirtualService", "virtualservices")
_VIRTUAL_GATEWAY = create_namespaced_resource(_GROUP, _VERSION, "VirtualGateway", "virtualgateways")
_GATEWAY_ROUTE = create_namespaced_resource(_GROUP, _VERSION, "GatewayRoute", "gatewayroutes")
_BACKEND_GROUP = create_namespaced_resource(_GROUP, _VERSION, "BackendGroup", "backendgroups")
_EVENT = create_namespaced_resource("", "v1", "Event", "events")
_WEBHOOK = create_global_resource(
    "admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"
)

MESH_KINDS: dict[str, Any] = {
    "Mesh": _MESH,
    "VirtualNode": _VIRTUAL_NODE,
    "VirtualRouter": _VIRTUAL_ROUTER,
    "VirtualService": _VIRTUAL_SERVICE,
    "VirtualGateway": _VIRTUAL_GATEWAY,
    "GatewayRoute": _GATEWAY_ROUTE,
    "BackendGroup": _BACKEND_GROUP,
}
_WATCHED: dict[str, Any] = {  # by field of World
    "meshes": _MESH,
    "virtual_nodes": _VIRTUAL_NODE,
    "virtual_routers": _VIRTUAL_ROUTER,
    "virtual_services": _VIRTUAL_SERVICE,
    "virtual_gateways": _VIRTUAL_GATEWAY,
    "gateway_routes": _GATEWAY_ROUTE,
    "backend_groups": _BACKEND_GROUP,
    "namespaces": create_global_resource("", "v1", "Namespace", "namespaces"),
    "pods": create_namespaced_resource("", "v1", "Pod", "pods"),
    "services": create_namespaced_resource("", "v1", "Service", "services"),
    "endpoints": create_namespaced_resource("", "v1", "Endpoints", "endpoints"),
}

_log = logging.getLogger(__name__)


def connect() -> AsyncClient:
    """A client by the kubeconfig in `KUBECONFIG`; never through a proxy."""
    config = KubeConfig.from_file(os.environ["KUBECONFIG"])
    return AsyncClient(config=config, field_manager=MANAGER, trust_env=False)


class Cluster:
    """Keeps the World current (`run`), and writes."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._objects: dict[str, dict[Any, Obj]] = {field: {} for field in _WATCHED}
        self._listed: set[str] = set()
        self._changed = asyncio.Condition()
        self._changes = 0

    def world(self) -> World:
        return World(**{field: tuple(objects.values()) for field, objects in self._objects.items()})

    async def run(self) -> None:
        """Follow every kind, for ever; one that is not served yet counts as having no objects."""
        async with asyncio.TaskGroup() as group:
            for field, resource in _WATCHED.items():
                group.create_task(self._follow(field, resource), name=f"watch {field}")

    async def change(self, seen: int, timeout_seconds: float | None = None) -> int:
        """Wait until there were more than `seen` changes, every kind having been listed once, or for so long.

        Returns how many changes there were.
        """
        await self._wait(lambda: self._changes > seen and len(self._listed) == len(_WATCHED), timeout_seconds)
        return self._changes

    async def until(self, condition: Callable[[World], bool], timeout_seconds: float) -> None:
        """Wait until the world is so, at most that long."""
        await self._wait(lambda: condition(self.world()), timeout_seconds)

    async def poke(self) -> None:
        """Count a change that is not Kubernetes' own."""
        await self._count()

    async def patch(self, kind: str, obj: Obj, patch: Obj, *, status: bool = False) -> None:
        """JSON merge patch of a mesh object, or of its status."""
        resource = MESH_KINDS[kind].Status if status else MESH_KINDS[kind]
        ref = ref_of(obj)
        place = {"namespace": ref.namespace} if ref.namespace else {}
        await self._client.patch(resource, ref.name, dict(patch), patch_type=PatchType.MERGE, **place)

    async def record(self, event: Obj) -> None:
        await self._client.create(_EVENT(event))

    async def register(self, webhook: Obj) -> None:
        """Apply a MutatingWebhookConfiguration, taking it over from whoever had it."""
        await self._client.apply(_WEBHOOK(webhook), field_manager=MANAGER, force=True)

    async def _wait(self, condition: Callable[[], bool], timeout_seconds: float | None) -> None:
        async with self._changed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await self._changed.wait_for(condition)

    async def _follow(self, field: str, resource: Any) -> None:
        place = {} if field in ("meshes", "namespaces") else {"namespace": "*"}
        while True:
            try:
                version = await self._list(field, resource, place)
                async for kind, obj in self._client.watch(resource, resource_version=version, **place):
                    await self._take(field, kind, _typed(resource, obj))
            except ApiError as error:
                if error.status.code == 404:
                    await self._replace(field, {})
                else:
                    _log.warning("watching %s: %s", field, error)
            except httpx2.HTTPError as error:
                _log.warning("watching %s: %s", field, error)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _list(self, field: str, resource: Any, place: dict[str, str]) -> str:
        found = self._client.list(resource, **place)
        await self._replace(field, {ref_of(obj): _typed(resource, obj) async for obj in found})
        return str(found.resourceVersion)

    async def _replace(self, field: str, objects: dict[Any, Obj]) -> None:
        changed = objects != self._objects[field] or field not in self._listed
        self._objects[field] = objects
        self._listed.add(field)
        if changed:
            await self._count()

    async def _take(self, field: str, kind: str, obj: Obj) -> None:
        if kind == "DELETED":
            self._objects[field].pop(ref_of(obj), None)
        else:
            self._objects[field][ref_of(obj)] = obj
        await self._count()

    async def _count(self) -> None:
        async with self._changed:
            self._changes += 1
            self._changed.notify_all()


def _typed(resource: Any, obj: Obj) -> Obj:
    """The object with its kind, which the items of a list do not carry."""
    kind = api_info(resource).resource
    return {**obj, "apiVersion": kind.api_version, "kind": kind.kind}
