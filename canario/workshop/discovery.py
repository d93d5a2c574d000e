"""How the workshop's nodes are found at this moment: by a load balancer's name, or by Cloud Map."""

from collections.abc import Sequence

from canario.errors import NotReady
from canario.mesh.model import CloudMap, Discovery, Hostname
from canario.workshop.application import hostname
from canario.workshop.cloud_map import ServiceName
from canario.workshop.kinds import SERVICE, VIRTUAL_NODE
from canario.workshop.names import Names, deployment, load_balancer
from canario.workshop.ports import Ports
from canario.workshop.registrar import service_of

BALANCED = ("nodejs", "crystal")  # behind internal load balancers, until Cloud Map replaces these
REGISTRATION = "RegistrationWanted"  # the event that wakes the registrar's function


def discoveries(names: Names, ports: Ports, services: Sequence[str]) -> dict[str, Discovery]:
    """service → how it is found. A node that is found by Cloud Map stays so: its load balancer may have gone.

    Raises NotReady while a load balancer that is needed has no name.
    """
    return {service: _discovery(names, ports, service) for service in services}


def by_cloud_map(names: Names, ports: Ports, service: str) -> ServiceName | None:
    """The Cloud Map service by which the service's node is found; None when it is found in another way."""
    node = ports.kubernetes.get(VIRTUAL_NODE, deployment(service), names.namespace)
    return service_of(node) if node else None


def in_cloud_map(names: Names, service: str) -> CloudMap:
    """The service's discovery by Cloud Map."""
    found = names.cloud_map(service)
    return CloudMap(found.namespace, found.name)


def _discovery(names: Names, ports: Ports, service: str) -> Discovery:
    found = by_cloud_map(names, ports, service)
    if found is not None:
        return CloudMap(found.namespace, found.name)
    name = hostname(ports.kubernetes.get(SERVICE, load_balancer(service), names.namespace))
    if name is None:
        raise NotReady(f"load balancer {load_balancer(service)} has no address yet")
    return Hostname(name)
