"""Where a node's requests go: its discovery, resolved in what the controller sees of the cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from canario.mesh.model import CloudMap, Hostname, Node, Ref
from canario.workshop.cloud_map import ADDRESS, PORT, Instance, ServiceName
from lab.envoy.resources import Address
from lab.mesh.world import Obj, World, is_ready, labels_of, pod_ip, ref_of

_CLUSTER_SUFFIXES = (".svc.cluster.local", ".svc")


@dataclass(frozen=True)
class Endpoints:
    """A node's addresses. `host` is what the request's Host must be rewritten to, where its name decides.

    `known`: whether anybody has said yet where the node is; until then its earlier endpoints stay.
    """

    addresses: tuple[Address, ...] = ()
    host: str | None = None
    known: bool = True


def resolve(node: Node, world: World, vpc: Address) -> Endpoints:
    """A DNS name: a load balancer's or a Service's addresses, else whatever the VPC makes of the name.

    Cloud Map: the healthy instances that it names; for a controller without Cloud Map, the ready pods that the node
    selects, which is what would be registered. A node without discovery has no endpoints.
    """
    port = node.ports[0].number if node.ports else 80
    match node.discovery:
        case Hostname(name):
            for resolver in _RESOLVERS:
                addresses = resolver(name.lower().rstrip("."), port, world)
                if addresses is not None:
                    return Endpoints(addresses)
            return Endpoints((vpc,), host=f"{name}:{port}")
        case CloudMap() as cloud_map:
            if world.cloud_map is None:
                return Endpoints(tuple(_selected(node, port, dict(cloud_map.attributes), world)))
            return _discovered(cloud_map, port, world.cloud_map)
    return Endpoints()


def _discovered(wanted: CloudMap, port: int, known: Mapping[ServiceName, tuple[Instance, ...]]) -> Endpoints:
    instances = known.get(ServiceName(wanted.namespace, wanted.service))
    if instances is None:
        return Endpoints(known=False)
    matching = (each.attributes for each in instances if set(wanted.attributes) <= set(each.attributes.items()))
    return Endpoints(tuple((each[ADDRESS], int(each.get(PORT, port))) for each in matching if ADDRESS in each))


def _selected(node: Node, port: int, attributes: Mapping[str, str], world: World) -> Iterator[Address]:
    for pod in world.pods:
        address = pod_ip(pod)
        here = ref_of(pod).namespace == node.ref.namespace
        labels = labels_of(pod)
        selected = node.selector and node.selector.matches(labels) and attributes.items() <= labels.items()
        if here and address and selected and is_ready(pod):
            yield address, port


def _load_balancer(name: str, port: int, world: World) -> tuple[Address, ...] | None:
    for service in world.services:
        ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
        for each in ingress:
            if each.get("hostname", "").lower() == name and each.get("ip"):
                return ((each["ip"], _service_port(service, port)["port"]),)
    return None


def _kubernetes_service(name: str, port: int, world: World) -> tuple[Address, ...] | None:
    ref = _cluster_name(name)
    service = world.service(ref) if ref else None
    if ref is None or service is None:
        return None
    subsets = (world.endpoints_of(ref) or {}).get("subsets") or ()
    wanted = _service_port(service, port).get("name")
    return tuple(address for subset in subsets for address in _subset_addresses(subset, wanted))


def _subset_addresses(subset: Obj, port_name: str | None) -> Iterator[Address]:
    ports = subset.get("ports") or ()
    port = next((each for each in ports if each.get("name") == port_name), ports[0] if ports else None)
    if port is not None:
        yield from ((address["ip"], port["port"]) for address in subset.get("addresses") or ())


def _cluster_name(name: str) -> Ref | None:
    """The Service that a name in the cluster's own zone means."""
    for suffix in _CLUSTER_SUFFIXES:
        if name.endswith(suffix):
            parts = name.removesuffix(suffix).split(".")
            return Ref(parts[1], parts[0]) if len(parts) == 2 else None
    return None


def _service_port(service: Obj, listener_port: int) -> Mapping[str, Any]:
    """The Service's port for a node's listener: the same number, or the one that leads to it."""
    ports = service.get("spec", {}).get("ports") or ()
    by_number = (each for each in ports if each["port"] == listener_port)
    by_target = (each for each in ports if each.get("targetPort") == listener_port)
    return next(by_number, next(by_target, {"port": listener_port}))


_RESOLVERS: tuple[Callable[[str, int, World], tuple[Address, ...] | None], ...] = (
    _load_balancer,
    _kubernetes_service,
)
