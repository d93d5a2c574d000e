"""The names of a workshop's things: the document's own for the default workshop, derived ones for any other."""

import re
from dataclasses import dataclass

from canario.errors import InvalidInput
from canario.workshop.cloud_map import ServiceName

DEFAULT_WORKSHOP = "default"
DEFAULT_NAMESPACE = "appmesh-workshop-ns"  # the document's
ZONE = "appmeshworkshop.hosted.local"
CLOUD_MAP_NAMESPACE = "appmesh.pvt.local"  # shared by all workshops, as the zone is
LABEL = "canario/workshop"  # on every Kubernetes object that a workshop makes
AWS_TAG = "canario:workshop"  # on everything in AWS that a workshop makes
LONGEST_ID = 30

SERVICES = ("frontend", "nodejs", "crystal")
SERVICE_PORT = 3000
GATEWAY = "ingress-gw"  # the way in: its Deployment, load balancer and gateway

_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True)
class Names:
    """Where one workshop lives."""

    workshop: str
    namespace: str
    mesh: str
    domain: str  # what the services' Route 53 names end with

    @property
    def labels(self) -> dict[str, str]:
        return {LABEL: self.workshop}

    def host(self, service: str) -> str:
        """The service's Route 53 name."""
        return f"{service}.{self.domain}"

    def cloud_map(self, service: str) -> ServiceName:
        """The service in Cloud Map: `nodejs`, or `nodejs-<id>`. No service's name has a dash, so none meets another."""
        name = service if self.workshop == DEFAULT_WORKSHOP else f"{service}-{self.workshop}"
        return ServiceName(CLOUD_MAP_NAMESPACE, name)


def names(workshop: str) -> Names:
    """The names of `workshop`. Raises InvalidInput when the id is no DNS label or too long."""
    if not isinstance(workshop, str) or len(workshop) > LONGEST_ID or not _DNS_LABEL.fullmatch(workshop):
        raise InvalidInput(
            "workshop",
            workshop,
            f"a DNS label (a-z, 0-9, '-') of at most {LONGEST_ID} characters, such as 'turma-01'",
        )
    if workshop == DEFAULT_WORKSHOP:
        return Names(workshop, DEFAULT_NAMESPACE, "app-mesh", ZONE)
    if f"appmesh-workshop-{workshop}" == DEFAULT_NAMESPACE:
        raise InvalidInput("workshop", workshop, "any other id: this one's namespace is the default workshop's")
    return Names(workshop, f"appmesh-workshop-{workshop}", f"app-mesh-{workshop}", f"{workshop}.{ZONE}")


def deployment(service: str) -> str:
    """The Deployment, container and node of a service: `nodejs` → `nodejs-app`. The gateway's is its own name."""
    return service if service == GATEWAY else f"{service}-app"


def load_balancer(service: str) -> str:
    """The Service of type LoadBalancer in front of a service: `nodejs` → `nodejs-app-service`."""
    return f"{service}-app-service"
