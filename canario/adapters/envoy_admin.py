"""The data plane: what the callers' Envoys really do, as their admin interfaces say.

Source: https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--config_dump
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from canario.canary.ports import DataPlane, ProxyShare, Target
from canario.errors import InvalidInput, RemoteError
from canario.mesh.proxies import APP_MESH, ISTIO, ROUTES
from canario.workshop.kinds import POD
from canario.workshop.ports import Kubernetes, Manifest
from canario.workshop.proxies import in_force

OUTBOUND = "outbound"  # the route configuration of calls that leave the pod

Weights = Mapping[str, int]


class AppMeshDataPlane:
    """The weighted clusters `egress/<namespace>/<service>/<node>` of every sidecar that calls the service."""

    proxy = APP_MESH

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    def shares(self, target: Target) -> Sequence[ProxyShare]:
        """The share in force at every running sidecar of the namespace whose outbound routes have the service.

        A pod that is going away is left out; one that does not answer, or has no outbound routes yet, has the
        share None and the reason.
        """
        pods = self._kubernetes.list(POD, target.namespace)
        found = [
            self._share(target, pod["metadata"]["name"]) for pod in pods if _has_running(self.proxy.container, pod)
        ]
        return [share for share in found if share is not None]

    def _share(self, target: Target, pod: str) -> ProxyShare | None:
        """None when the pod's proxy knows its routes and none of them is the service's: it is no caller."""
        try:
            routes = self._routes(target.namespace, pod)
        except RemoteError as error:
            return ProxyShare(pod, None, str(error))
        if routes is None:
            return ProxyShare(pod, None, "has no outbound routes yet")
        splits = self._splits(target, routes)
        return _judge(pod, target, splits) if splits else None

    def _splits(self, target: Target, configurations: Sequence[Mapping[str, Any]]) -> list[Weights]:
        """Node → weight, of each route to the service's nodes."""
        prefix = f"egress/{target.namespace}/{target.service}/"
        weights = (each for configuration in configurations for each in _weights(_hosts(configuration)))
        return [split for split in (_by_node(each, prefix) for each in weights) if split]

    def _outbound(self, configurations: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [each for each in configurations if each.get("name") == OUTBOUND]

    def _routes(self, namespace: str, pod: str) -> list[Mapping[str, Any]] | None:
        """The configurations of outbound routes; None when there is none yet."""
        dump = in_force(self._kubernetes, self.proxy, namespace, pod, ROUTES)
        try:
            configurations = [each["route_config"] for each in dump]
        except (KeyError, TypeError) as error:
            raise RemoteError(f"reading the routes of {namespace}/{pod}: no configuration dump ({error!r})") from error
        return self._outbound(configurations) or None


class GatewayDataPlane(AppMeshDataPlane):
    """Istio's sidecars and gateways, and the lab's Envoys in their place.

    Istio's clusters are `outbound|<port>|<subset>|<Service>.<namespace>.svc.<domain>`, its route configurations one a
    port (`3000`, `http.8088`). Each node has a virtual host of its own beside its service's, since it is a Service:
    that one splits nothing. The lab's are as in App Mesh.
    Source: https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/
    """

    proxy = ISTIO

    def _outbound(self, configurations: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return list(configurations)

    def _splits(self, target: Target, configurations: Sequence[Mapping[str, Any]]) -> list[Weights]:
        ours = super()._splits(target, configurations)
        own = tuple(f"{node}.{target.namespace}.svc." for node in (target.baseline, target.canary))
        hosts = [host for each in configurations for host in _hosts(each) if not str(host.get("name")).startswith(own)]
        splits = [_by_service(weights, target.namespace) for weights in _weights(hosts)]
        return ours + [split for split in splits if {target.baseline, target.canary} & set(split)]


DATA_PLANES: Mapping[str, Callable[[Kubernetes], DataPlane]] = {
    "appmesh": AppMeshDataPlane,
    "gateway": GatewayDataPlane,
}


class MeshDataPlane:
    """Every dialect's data plane: each target names its own."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    def shares(self, target: Target) -> Sequence[ProxyShare]:
        """Raises InvalidInput for a dialect whose proxies cannot be read yet."""
        if target.mesh not in DATA_PLANES:
            raise InvalidInput("mesh", target.mesh, f"{', '.join(DATA_PLANES)}: the dialects whose proxies can be read")
        return DATA_PLANES[target.mesh](self._kubernetes).shares(target)


def _has_running(sidecar: str, pod: Manifest) -> bool:
    spec = pod.get("spec", {})
    containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
    running = pod.get("status", {}).get("phase") == "Running"
    leaving = "deletionTimestamp" in pod["metadata"]
    return running and not leaving and any(container["name"] == sidecar for container in containers)


def _hosts(configuration: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    hosts: Sequence[Mapping[str, Any]] = configuration.get("virtual_hosts", [])
    return hosts


def _weights(hosts: Sequence[Mapping[str, Any]]) -> Iterator[Weights]:
    for host in hosts:
        for route in host.get("routes", []):
            action = route.get("route", {})
            if "cluster" in action:
                yield {action["cluster"]: 1}
            elif "weighted_clusters" in action:
                clusters = action["weighted_clusters"]["clusters"]
                yield {cluster["name"]: cluster.get("weight", 0) for cluster in clusters}


def _by_node(weights: Weights, prefix: str) -> Weights:
    """Node → weight, of the clusters whose names begin with `prefix`."""
    return {name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)}


def _by_service(weights: Weights, namespace: str) -> Weights:
    """Service → weight, of Istio's clusters of the namespace's Services."""
    found = ((_CLUSTER.match(name), weight) for name, weight in weights.items())
    return {match["service"]: weight for match, weight in found if match and match["namespace"] == namespace}


_CLUSTER = re.compile(r"outbound\|\d+\|[^|]*\|(?P<service>[^.]+)\.(?P<namespace>[^.]+)\.svc\.")


def _judge(pod: str, target: Target, splits: Sequence[Weights]) -> ProxyShare:
    said = "; ".join(", ".join(f"{node} {weight}" for node, weight in split.items()) for split in splits)
    strangers = sorted({node for split in splits for node in split} - {target.baseline, target.canary})
    if strangers:
        return ProxyShare(pod, None, f"sends to {', '.join(strangers)} too: {said}")
    shares = {split.get(target.canary, 0) / (sum(split.values()) or 1) for split in splits}
    if len(shares) > 1:
        return ProxyShare(pod, None, f"its routes disagree: {said}")
    return ProxyShare(pod, shares.pop(), said)
