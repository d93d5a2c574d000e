"""How the workshop's nodes are found at this moment: as the dialect finds them, or by Cloud Map."""

from collections.abc import Sequence

from canario.mesh.model import CloudMap, Discovery
from canario.workshop.cloud_map import ServiceName
from canario.workshop.dialects import dialect_of
from canario.workshop.names import Names, deployment
from canario.workshop.ports import Ports
from canario.workshop.registrar import service_of
from canario.workshop.request import Request

BALANCED = ("nodejs", "crystal")  # behind internal load balancers, until Cloud Map replaces these
REGISTRATION = "RegistrationWanted"  # the event that wakes the registrar's function


def discoveries(request: Request, ports: Ports, services: Sequence[str]) -> dict[str, Discovery]:
    """service → how it is found. A node that is found by Cloud Map stays so: its load balancer may have gone.

    Raises NotReady while a load balancer that is needed has no name.
    """
    return {service: _discovery(request, ports, service) for service in services}


def by_cloud_map(request: Request, ports: Ports, service: str) -> ServiceName | None:
    """The Cloud Map service by which the service's node is found; None when it is found in another way."""
    node = ports.kubernetes.get(dialect_of(request).node, deployment(service), request.names.namespace)
    return service_of(node) if node else None


def in_cloud_map(names: Names, service: str) -> CloudMap:
    """The service's discovery by Cloud Map."""
    found = names.cloud_map(service)
    return CloudMap(found.namespace, found.name)


def _discovery(request: Request, ports: Ports, service: str) -> Discovery:
    found = by_cloud_map(request, ports, service)
    if found is not None:
        return CloudMap(found.namespace, found.name)
    return dialect_of(request).discovery(request.names, ports, service)
