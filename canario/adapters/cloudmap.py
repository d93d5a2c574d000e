"""The port `CloudMap`, on AWS Cloud Map.

A service that Canario makes says so in its description, which a list of services has, unlike its tags. Registering
and deregistering are operations that Cloud Map finishes later; whoever needs the end looks again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from canario.adapters import aws
from canario.errors import Conflict, RemoteError
from canario.workshop.cloud_map import Instance, ServiceName
from canario.workshop.names import AWS_TAG

TTL_SECONDS = 5  # a workshop scales while people watch
HEALTHY = "HEALTHY"
_MARK = "Canario, workshop "
_NOBODY = "Canario"
_MOST = 1000  # instances in one answer of DiscoverInstances, which has no pages


class CloudMapServices:
    """Keeps the ids of services it has seen; those of services made anew elsewhere are read again."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._ids: dict[ServiceName, str] = {}
        self._homes: dict[str, str] = {}

    def namespaces(self) -> Mapping[str, str]:
        with aws.doing("listing Cloud Map's namespaces"):
            return {name: str(each["Id"]) for name, each in self._namespaces().items()}

    def services(self, namespace: str) -> Mapping[ServiceName, str | None]:
        with aws.doing(f"listing the services of the Cloud Map namespace {namespace}"):
            found = {ServiceName(namespace, each["Name"]): each for each in self._services(namespace)}
        self._ids = {name: id for name, id in self._ids.items() if name.namespace != namespace}
        self._ids |= {name: str(each["Id"]) for name, each in found.items()}
        return {name: _workshop(each.get("Description") or "") for name, each in found.items()}

    def create(self, service: ServiceName, workshop: str) -> None:
        if self._id(service) is not None:
            return
        with aws.doing(f"making the Cloud Map service {service}"):
            namespace = self._namespaces().get(service.namespace)
            if namespace is None:
                raise RemoteError(
                    f"making the Cloud Map service {service}: there is no namespace {service.namespace}. "
                    "What to do: create it, or name another one in the VirtualNode"
                )
            self._ids[service] = self._create(service, workshop, namespace)

    def _create(self, service: ServiceName, workshop: str, namespace: Mapping[str, Any]) -> str:
        dns = {
            "RoutingPolicy": "MULTIVALUE",
            "DnsRecords": [{"Type": "A", "TTL": TTL_SECONDS}],
        }
        try:
            made = self._client.create_service(
                Name=service.name,
                NamespaceId=namespace["Id"],
                Description=f"{_MARK}{workshop}" if workshop else _NOBODY,
                HealthCheckCustomConfig={"FailureThreshold": 1},
                Tags=[{"Key": AWS_TAG, "Value": workshop}] if workshop else [],
                **({} if namespace.get("Type") == "HTTP" else {"DnsConfig": dns}),
            )
        except ClientError as error:
            if aws.code(error) != "ServiceAlreadyExists":  # somebody else was faster
                raise
            self.services(service.namespace)
            return self._ids[service]
        return str(made["Service"]["Id"])

    def delete(self, service: ServiceName) -> None:
        service_id = self._id(service)
        if service_id is None:
            return
        if self.instances(service):
            raise Conflict(f"deleting the Cloud Map service {service}: it has instances")
        with aws.doing(f"deleting the Cloud Map service {service}"):
            try:
                self._client.delete_service(Id=service_id)
            except ClientError as error:
                if aws.code(error) == "ResourceInUse":
                    raise Conflict(f"deleting the Cloud Map service {service}: it has instances") from error
                if aws.code(error) != "ServiceNotFound":
                    raise
        self._ids.pop(service, None)

    def instances(self, service: ServiceName) -> Mapping[str, Instance]:
        with aws.doing(f"listing the instances of the Cloud Map service {service}"):
            try:
                return self._instances(service)
            except ClientError as error:
                if aws.code(error) != "ServiceNotFound":
                    raise
        self._ids.pop(service, None)
        return {}

    def _instances(self, service: ServiceName) -> dict[str, Instance]:
        service_id = self._id(service)
        if service_id is None:
            return {}
        pages = self._client.get_paginator("list_instances").paginate(ServiceId=service_id)
        listed = {each["Id"]: dict(each.get("Attributes", {})) for page in pages for each in page["Instances"]}
        health = self._health(service_id) if listed else {}
        # One whose health Cloud Map does not know yet was registered as healthy a moment ago.
        return {id: Instance(attributes, health.get(id, HEALTHY) == HEALTHY) for id, attributes in listed.items()}

    def _health(self, service_id: str) -> dict[str, str]:
        health: dict[str, str] = {}
        token: dict[str, str] = {}
        while True:
            page = self._client.get_instances_health_status(ServiceId=service_id, **token)
            health |= {id: status for id, status in page.get("Status", {}).items() if status != "UNKNOWN"}
            if not page.get("NextToken"):
                return health
            token = {"NextToken": page["NextToken"]}

    def register(self, service: ServiceName, instance_id: str, attributes: Mapping[str, str]) -> None:
        with aws.doing(f"registering {instance_id} with the Cloud Map service {service}"):
            self._client.register_instance(
                ServiceId=self._known_id(service), InstanceId=instance_id, Attributes=dict(attributes)
            )

    def set_health(self, service: ServiceName, instance_id: str, healthy: bool) -> None:
        status = HEALTHY if healthy else "UNHEALTHY"
        with aws.doing(f"calling {instance_id} of the Cloud Map service {service} {status}"), _gone_is_fine():
            self._client.update_instance_custom_health_status(
                ServiceId=self._known_id(service), InstanceId=instance_id, Status=status
            )

    def deregister(self, service: ServiceName, instance_id: str) -> None:
        service_id = self._id(service)
        if service_id is None:
            return
        with aws.doing(f"deregistering {instance_id} from the Cloud Map service {service}"), _gone_is_fine():
            self._client.deregister_instance(ServiceId=service_id, InstanceId=instance_id)

    def discover(self, service: ServiceName) -> Mapping[str, Instance]:
        found: list[dict[str, Any]] = []
        with aws.doing(f"discovering the instances of the Cloud Map service {service}"), _gone_is_fine():
            found = self._client.discover_instances(
                NamespaceName=service.namespace, ServiceName=service.name, HealthStatus="ALL", MaxResults=_MOST
            )["Instances"]
        return {
            each["InstanceId"]: Instance(dict(each.get("Attributes", {})), each.get("HealthStatus") == HEALTHY)
            for each in found
        }

    def _id(self, service: ServiceName) -> str | None:
        if service not in self._ids:
            self.services(service.namespace)
        return self._ids.get(service)

    def _known_id(self, service: ServiceName) -> str:
        found = self._id(service)
        if found is None:
            raise RemoteError(f"there is no Cloud Map service {service}")
        return found

    def _namespaces(self) -> dict[str, dict[str, Any]]:
        pages = self._client.get_paginator("list_namespaces").paginate()
        return {each["Name"]: each for page in pages for each in page["Namespaces"]}

    def _services(self, namespace: str) -> Iterator[dict[str, Any]]:
        found = self._namespaces().get(namespace)
        if found is None:
            return
        mine = [{"Name": "NAMESPACE_ID", "Values": [found["Id"]], "Condition": "EQ"}]
        for page in self._client.get_paginator("list_services").paginate(Filters=mine):
            for each in page["Services"]:
                # MiniStack and moto do not filter, and a summary does not name its namespace.
                if self._home(each["Id"]) == found["Id"]:
                    yield each

    def _home(self, service_id: str) -> str:
        """The id of the service's namespace, which never changes."""
        if service_id not in self._homes:
            service = self._client.get_service(Id=service_id)["Service"]
            self._homes[service_id] = str(service["NamespaceId"])
        return self._homes[service_id]


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Nothing to do where Cloud Map says that the instance, its service or its namespace is not there."""
    try:
        yield
    except ClientError as error:
        if aws.code(error) not in ("InstanceNotFound", "ServiceNotFound", "NamespaceNotFound"):
            raise


def _workshop(description: str) -> str | None:
    if description == _NOBODY:
        return ""
    return description.removeprefix(_MARK) if description.startswith(_MARK) else None
