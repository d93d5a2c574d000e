"""Endpoints and EndpointSlices: the addresses behind a Service. A pod that is being deleted leaves at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.cluster.client import Client
from lab.cluster.controllers.conditions import is_active, is_ready
from lab.cluster.controllers.loop import Key
from lab.cluster.controllers.ownership import labels_of, owner_reference
from lab.cluster.errors import ApiError
from lab.cluster.objects import Obj, dig, name_of, namespace_of

SLICES = "endpointslices.discovery.k8s.io"
SERVICE_LABEL = "kubernetes.io/service-name"
_MANAGED = {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}

Port = tuple[str, int, str]  # name, number, protocol


@dataclass(frozen=True)
class Backend:
    """A pod behind a Service: where it listens, and whether it may be called."""

    ip: str
    ports: tuple[Port, ...]
    ready: bool
    pod: Obj


def backends(service: Obj, pods: Iterable[Obj]) -> list[Backend]:
    """The service's pods that have an address and are not leaving, by address."""
    selector = dig(service, "spec", "selector", default={})
    always = bool(dig(service, "spec", "publishNotReadyAddresses"))
    found = [
        Backend(ip, ports(service, pod), always or is_ready(pod), pod)
        for pod in pods
        if selector.items() <= labels_of(pod).items() and is_active(pod) and (ip := dig(pod, "status", "podIP"))
    ]
    return sorted(found, key=lambda b: b.ip)


def ports(service: Obj, pod: Obj) -> tuple[Port, ...]:
    """The pod's ports for the service's; a named target port that the pod does not have is left out."""
    found = []
    for port in dig(service, "spec", "ports", default=[]):
        protocol = port.get("protocol", "TCP")
        number = _target(port, pod, protocol)
        if number:
            found.append((port.get("name", ""), number, protocol))
    return tuple(found)


def _target(port: Obj, pod: Obj, protocol: str) -> int | None:
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int) or target.isdigit():
        return int(target)
    for container in dig(pod, "spec", "containers", default=[]):
        for declared in container.get("ports") or []:
            if declared.get("name") == target and declared.get("protocol", "TCP") == protocol:
                return int(declared["containerPort"])
    return None


def endpoints(service: Obj, found: Sequence[Backend]) -> Obj:
    """The Endpoints object: one subset for each set of ports."""
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": _metadata(service, name_of(service), {}),
        "subsets": [_subset(group, members) for group, members in _by_ports(found).items()],
    }


def slices(service: Obj, found: Sequence[Backend]) -> list[Obj]:
    """The EndpointSlices: one for each set of ports; an empty one where nobody is behind the service."""
    groups = _by_ports(found) or {(): []}
    return [_slice(service, group, members) for group, members in groups.items()]


def _by_ports(found: Sequence[Backend]) -> dict[tuple[Port, ...], list[Backend]]:
    groups: dict[tuple[Port, ...], list[Backend]] = {}
    for backend in found:
        groups.setdefault(backend.ports, []).append(backend)
    return groups


def _metadata(service: Obj, name: str, labels: dict[str, str]) -> Obj:
    return {
        "name": name,
        "namespace": namespace_of(service),
        "labels": {**labels_of(service), **labels},
        "ownerReferences": [owner_reference(service)],
    }


def _ports(group: tuple[Port, ...]) -> list[Obj]:
    return [{"name": n, "port": p, "protocol": t} if n else {"port": p, "protocol": t} for n, p, t in group]


def _subset(group: tuple[Port, ...], members: Sequence[Backend]) -> Obj:
    subset: Obj = {}
    for field, ready in (("addresses", True), ("notReadyAddresses", False)):
        addresses = [_address(b) for b in members if b.ready is ready]
        if addresses:
            subset[field] = addresses
    return subset | ({"ports": _ports(group)} if group else {})


def _address(backend: Backend) -> Obj:
    return {
        "ip": backend.ip,
        "nodeName": dig(backend.pod, "spec", "nodeName"),
        "targetRef": _reference(backend.pod),
    }


def _reference(pod: Obj) -> Obj:
    return {
        "kind": "Pod",
        "namespace": namespace_of(pod),
        "name": name_of(pod),
        "uid": pod["metadata"]["uid"],
    }


def _slice(service: Obj, group: tuple[Port, ...], members: Sequence[Backend]) -> Obj:
    digest = hashlib.sha256(json.dumps(group).encode()).hexdigest()[:5]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": _metadata(service, f"{name_of(service)}-{digest}", {SERVICE_LABEL: name_of(service), **_MANAGED}),
        "addressType": "IPv4",
        "ports": _ports(group),
        "endpoints": [_endpoint(b) for b in members],
    }


def _endpoint(backend: Backend) -> Obj:
    return {
        "addresses": [backend.ip],
        "conditions": {"ready": backend.ready, "serving": is_ready(backend.pod), "terminating": False},
        "nodeName": dig(backend.pod, "spec", "nodeName"),
        "targetRef": _reference(backend.pod),
    }


def differs(stored: Obj | None, wanted: Obj) -> bool:
    """Whether `wanted` has to be written; what the API added to `stored` does not count."""
    if stored is None or labels_of(stored) != wanted["metadata"]["labels"]:
        return True
    return any(stored.get(k, []) != v for k, v in wanted.items() if k not in ("metadata", "apiVersion", "kind"))


class EndpointsController:
    """Keeps both objects of every Service that has a selector."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def reconcile(self, key: Key) -> None:
        namespace, name = key
        try:
            service = await self._client.get("services", name, namespace)
        except ApiError as error:
            if error.code == 404:
                return  # its Endpoints and slices are collected: it owns them
            raise
        if not dig(service, "spec", "selector") or dig(service, "spec", "type") == "ExternalName":
            return
        pods, _ = await self._client.list("pods", namespace)
        found = backends(service, pods)
        await self._write("endpoints", endpoints(service, found))
        await self._write_slices(service, slices(service, found))

    async def _write_slices(self, service: Obj, wanted: Sequence[Obj]) -> None:
        for item in wanted:
            await self._write(SLICES, item)
        selector = f"{SERVICE_LABEL}={name_of(service)}"
        stored, _ = await self._client.list(SLICES, namespace_of(service), labels=selector)
        for stale in {name_of(s) for s in stored} - {name_of(s) for s in wanted}:
            await self._client.delete(SLICES, stale, namespace_of(service))

    async def _write(self, resource: str, wanted: Obj) -> None:
        try:
            stored = await self._client.get(resource, name_of(wanted), namespace_of(wanted))
        except ApiError as error:
            if error.code != 404:
                raise
            await self._client.create(resource, wanted)
            return
        if differs(stored, wanted):
            await self._client.replace(resource, wanted)
