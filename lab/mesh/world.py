"""What the controller knows of the cluster at one moment, and who belongs to what in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from canario.mesh.model import Ref
from canario.workshop.cloud_map import Instance, ServiceName

Obj = Mapping[str, Any]  # a Kubernetes object, as JSON has it


@dataclass(frozen=True)
class World:
    """The objects that a mesh is made of; each tuple in no particular order."""

    meshes: tuple[Obj, ...] = ()
    virtual_nodes: tuple[Obj, ...] = ()
    virtual_routers: tuple[Obj, ...] = ()
    virtual_services: tuple[Obj, ...] = ()
    virtual_gateways: tuple[Obj, ...] = ()
    gateway_routes: tuple[Obj, ...] = ()
    backend_groups: tuple[Obj, ...] = ()
    istio: tuple[Obj, ...] = ()  # those of Gateway API and Istio
    namespaces: tuple[Obj, ...] = ()
    pods: tuple[Obj, ...] = ()
    services: tuple[Obj, ...] = ()
    endpoints: tuple[Obj, ...] = ()
    # What Cloud Map says of its services: their healthy instances. None: this controller has no Cloud Map.
    cloud_map: Mapping[ServiceName, tuple[Instance, ...]] | None = None

    @property
    def mesh_objects(self) -> tuple[Obj, ...]:
        """All objects of App Mesh, the meshes first."""
        routing = (*self.virtual_nodes, *self.virtual_routers, *self.virtual_services)
        return (*self.meshes, *routing, *self.virtual_gateways, *self.gateway_routes, *self.backend_groups)

    def namespace_labels(self, name: str) -> Mapping[str, str]:
        return next((labels_of(each) for each in self.namespaces if name_of(each) == name), {})

    def service(self, ref: Ref) -> Obj | None:
        return next((each for each in self.services if ref_of(each) == ref), None)

    def endpoints_of(self, ref: Ref) -> Obj | None:
        return next((each for each in self.endpoints if ref_of(each) == ref), None)


def name_of(obj: Obj) -> str:
    return str(obj["metadata"]["name"])


def ref_of(obj: Obj) -> Ref:
    return Ref(str(obj["metadata"].get("namespace", "")), name_of(obj))


def labels_of(obj: Obj) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Obj) -> Mapping[str, str]:
    return obj["metadata"].get("annotations") or {}


def is_ready(pod: Obj) -> bool:
    """Whether the pod should get traffic: ready, and not on its way out."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def pod_ip(pod: Obj) -> str | None:
    return pod.get("status", {}).get("podIP") or None
