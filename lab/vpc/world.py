"""The Services of the cluster as the VPC needs them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Address = tuple[str, int]
Obj = Mapping[str, Any]  # a Kubernetes object, as JSON has it


@dataclass(frozen=True)
class Port:
    """One port of a Service and the ready endpoints behind it (pod IP, target port), in a stable order."""

    number: int
    endpoints: tuple[Address, ...]


@dataclass(frozen=True)
class Service:
    """A Service. `hostname` and `ip` are its load balancer's; empty when it has none (yet)."""

    namespace: str
    name: str
    cluster_ip: str
    hostname: str
    ip: str
    ports: tuple[Port, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that names it in a URL without Route 53, in lower case."""
        short = f"{self.name}.{self.namespace}"  # by a pod's search domains, whichever its namespace
        named = (f"{short}.svc.cluster.local", f"{short}.svc", short, self.hostname.lower(), self.ip, self.cluster_ip)
        return tuple(name for name in named if name)


def services(objects: Iterable[Obj], endpoints: Iterable[Obj]) -> tuple[Service, ...]:
    """Services with their endpoints, from the cluster's Service and Endpoints objects."""
    behind = {_key(obj): obj for obj in endpoints}
    return tuple(_service(obj, behind.get(_key(obj), {})) for obj in sorted(objects, key=_key))


def _key(obj: Obj) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _service(obj: Obj, endpoints: Obj) -> Service:
    namespace, name = _key(obj)
    spec = obj.get("spec", {})
    ingress = (obj.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}])[0]
    cluster_ip = spec.get("clusterIP") or ""
    return Service(
        namespace,
        name,
        cluster_ip="" if cluster_ip == "None" else cluster_ip,
        hostname=ingress.get("hostname", ""),
        ip=ingress.get("ip", ""),
        ports=tuple(
            Port(port["port"], tuple(sorted(_behind(endpoints, port.get("name", "")))))
            for port in spec.get("ports") or []
            if port.get("protocol", "TCP") == "TCP"
        ),
    )


def _behind(endpoints: Obj, port_name: str) -> Iterator[Address]:
    """Only `addresses`: those in `notReadyAddresses` get no traffic."""
    for subset in endpoints.get("subsets") or []:
        for port in subset.get("ports") or []:
            if port.get("name", "") == port_name:
                yield from ((address["ip"], port["port"]) for address in subset.get("addresses") or [])
