"""Cloud Map as the stages and the registrar see it: services in a namespace, and the instances registered there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

# The attributes that the App Mesh controller wrote for a pod, beside the pod's own labels.
ADDRESS = "AWS_INSTANCE_IPV4"
PORT = "AWS_INSTANCE_PORT"  # written by others; the port to use where an instance names one
INIT_HEALTH = "AWS_INIT_HEALTH_STATUS"
POD = "k8s.io/pod"
POD_NAMESPACE = "k8s.io/namespace"
MESH = "appmesh.k8s.aws/mesh"
NODE = "appmesh.k8s.aws/virtualNode"


@dataclass(frozen=True, order=True)
class ServiceName:
    """A Cloud Map service: `ServiceName("appmesh.pvt.local", "nodejs")`."""

    namespace: str
    name: str

    @property
    def host(self) -> str:
        """Its name in a namespace with DNS."""
        return f"{self.name}.{self.namespace}"

    def __str__(self) -> str:
        return self.host


@dataclass(frozen=True)
class Instance:
    """What is registered under one id."""

    attributes: Mapping[str, str]
    healthy: bool = True

    @property
    def address(self) -> str | None:
        return self.attributes.get(ADDRESS)


class CloudMap(Protocol):
    """Every method raises RemoteError when Cloud Map refuses, or when the namespace is not there."""

    def namespaces(self) -> Mapping[str, str]:
        """name → id of every namespace."""

    def services(self, namespace: str) -> Mapping[ServiceName, str | None]:
        """The namespace's services → the workshop that Canario made it for, `""` for none; None: somebody else's.

        Empty when the namespace is not there.
        """

    def create(self, service: ServiceName, workshop: str) -> None:
        """Make the service, with custom health, and with A records where its namespace has DNS.

        Harmless when it is there.
        """

    def delete(self, service: ServiceName) -> None:
        """Harmless when it is not there. Raises Conflict while it has instances."""

    def instances(self, service: ServiceName) -> Mapping[str, Instance]:
        """id → instance, every page; empty when the service is not there."""

    def register(self, service: ServiceName, instance_id: str, attributes: Mapping[str, str]) -> None:
        """Register the instance, or write its attributes anew."""

    def set_health(self, service: ServiceName, instance_id: str, healthy: bool) -> None:
        """Harmless when the instance is not there any more."""

    def deregister(self, service: ServiceName, instance_id: str) -> None:
        """Harmless when it is not there."""

    def discover(self, service: ServiceName) -> Mapping[str, Instance]:
        """What a client is told of the service, healthy or not; empty when it is not there."""
