"""How much room an installation has for more workshops: what its cluster and its zones say."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from canario.workshop.capacity import Room, Thing
from canario.workshop.conditions import is_true
from canario.workshop.kinds import NODE, POD, SERVICE
from canario.workshop.names import CLOUD_MAP_NAMESPACE
from canario.workshop.ports import Manifest, Ports

# A cluster whose load balancers are its own says so as an extended resource of a node; one on AWS has none.
BALANCERS = "canario/load-balancers"
FINISHED = ("Succeeded", "Failed")

_SUFFIXES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "m": 1e-3}
_MIB = 2**20


def rooms(ports: Ports, ours: Collection[str] = ()) -> list[Room]:
    """`ours`: namespaces whose content does not count as used, for it is of the workshops that ask."""
    nodes = [node for node in ports.kubernetes.list(NODE) if is_ready(node)]
    pods = [pod for pod in _others(ports.kubernetes.list(POD), ours) if _runs(pod)]
    services = [each for each in _others(ports.kubernetes.list(SERVICE), ours) if _is_balancer(each)]
    said = f"{len(nodes)} ready nodes"
    found = [
        Room(Thing.PODS, _allocatable(nodes, "pods"), len(pods), said),
        Room(Thing.CPU, _allocatable(nodes, "cpu") * 1000, _requested(pods, "cpu") * 1000, said),
        Room(Thing.MEMORY, _allocatable(nodes, "memory") / _MIB, _requested(pods, "memory") / _MIB, said),
    ]
    if any(BALANCERS in node["status"].get("allocatable", {}) for node in nodes):
        found.append(Room(Thing.BALANCERS, _allocatable(nodes, BALANCERS), len(services), said))
    return [*found, *_used(ports)]


def quantity(text: str | float) -> float:
    """Kubernetes' quantity: `250m` is 0.25, `64Mi` 67108864. Raises ValueError."""
    words = str(text)
    for suffix, factor in _SUFFIXES.items():
        if words.endswith(suffix):
            return float(words.removesuffix(suffix)) * factor
    return float(words)


def is_ready(node: Manifest) -> bool:
    return is_true(node, "Ready")


def to_dict(room: Room) -> dict[str, Any]:
    return {"thing": str(room.thing), "limit": room.limit, "used": room.used, "source": room.source}


def from_dict(given: Mapping[str, Any]) -> Room:
    """Of what `to_dict` made."""
    return Room(Thing(given["thing"]), given["limit"], given["used"], given["source"])


def _used(ports: Ports) -> Iterator[Room]:
    """What the account's quotas limit (`canario/adapters/quotas.py`), as far as it is in use here."""
    yield Room(Thing.RECORDS, None, len(ports.zone.records()), "the private zone")
    services = ports.cloud_map.services(CLOUD_MAP_NAMESPACE)
    yield Room(Thing.CLOUD_MAP_SERVICES, None, len(services), "Cloud Map")
    instances = sum(len(ports.cloud_map.instances(service)) for service in services)
    yield Room(Thing.CLOUD_MAP_INSTANCES, None, instances, "Cloud Map")


def _others(objects: Iterable[Manifest], ours: Collection[str]) -> list[Manifest]:
    return [each for each in objects if each["metadata"].get("namespace") not in ours]


def _runs(pod: Manifest) -> bool:
    return pod.get("status", {}).get("phase") not in FINISHED


def _is_balancer(service: Manifest) -> bool:
    return bool(service.get("spec", {}).get("type") == "LoadBalancer")


def _allocatable(nodes: Iterable[Manifest], resource: str) -> float:
    return sum(quantity(node["status"].get("allocatable", {}).get(resource, 0)) for node in nodes)


def _requested(pods: Iterable[Manifest], resource: str) -> float:
    containers = (each for pod in pods for each in pod["spec"].get("containers") or ())
    return sum(quantity(((each.get("resources") or {}).get("requests") or {}).get(resource, 0)) for each in containers)
