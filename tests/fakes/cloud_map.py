"""Cloud Map in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from canario.errors import Conflict, RemoteError
from canario.workshop.cloud_map import Instance, ServiceName
from canario.workshop.names import CLOUD_MAP_NAMESPACE


@dataclass
class FakeCloudMap:
    """Instances by service and id; `workshops`: the services that Canario made, and for whom."""

    spaces: set[str] = field(default_factory=lambda: {CLOUD_MAP_NAMESPACE})
    registered: dict[ServiceName, dict[str, Instance]] = field(default_factory=dict)
    workshops: dict[ServiceName, str] = field(default_factory=dict)
    calls: list[tuple[str, ServiceName, str]] = field(default_factory=list)

    def namespaces(self) -> Mapping[str, str]:
        return {name: f"ns-{name}" for name in self.spaces}

    def services(self, namespace: str) -> Mapping[ServiceName, str | None]:
        return {name: self.workshops.get(name) for name in self.registered if name.namespace == namespace}

    def create(self, service: ServiceName, workshop: str) -> None:
        if service.namespace not in self.spaces:
            raise RemoteError(f"making the Cloud Map service {service}: there is no namespace {service.namespace}")
        if service not in self.registered:
            self.registered[service], self.workshops[service] = {}, workshop

    def delete(self, service: ServiceName) -> None:
        if self.registered.get(service):
            raise Conflict(f"deleting the Cloud Map service {service}: it has instances")
        self.registered.pop(service, None)
        self.workshops.pop(service, None)

    def instances(self, service: ServiceName) -> Mapping[str, Instance]:
        return dict(self.registered.get(service, {}))

    def register(self, service: ServiceName, instance_id: str, attributes: Mapping[str, str]) -> None:
        if service not in self.registered:
            raise RemoteError(f"there is no Cloud Map service {service}")
        self.calls.append(("register", service, instance_id))
        self.registered[service][instance_id] = Instance(dict(attributes))

    def set_health(self, service: ServiceName, instance_id: str, healthy: bool) -> None:
        there = self.registered.get(service, {})
        if instance_id in there:
            there[instance_id] = Instance(there[instance_id].attributes, healthy)

    def deregister(self, service: ServiceName, instance_id: str) -> None:
        self.calls.append(("deregister", service, instance_id))
        self.registered.get(service, {}).pop(instance_id, None)

    def discover(self, service: ServiceName) -> Mapping[str, Instance]:
        return self.instances(service)
