"""The data plane: what the callers' Envoys really do, as their admin interfaces say.

Source: https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--config_dump
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from canario.canary.ports import DataPlane, ProxyShare, Target
from canario.errors import InvalidInput, RemoteError
from canario.workshop.kinds import POD
from canario.workshop.ports import Kubernetes, Manifest

CONTAINER = "envoy"
PORT = 9901
ROUTES = "/config_dump?resource=dynamic_route_configs"
OUTBOUND = "outbound"  # the route configuration of calls that leave the pod

Weights = Mapping[str, int]


class AppMeshDataPlane:
    """The weighted clusters `egress/<namespace>/<service>/<node>` of every sidecar that calls the service."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    def shares(self, target: Target) -> Sequence[ProxyShare]:
        """The share in force at every running sidecar of the namespace whose outbound routes have the service.

        A pod that is going away is left out; one that does not answer, or has no outbound routes yet, has the
        share None and the reason.
        """
        pods = self._kubernetes.list(POD, target.namespace)
        found = [self._share(target, pod["metadata"]["name"]) for pod in pods if _has_running_sidecar(pod)]
        return [share for share in found if share is not None]

    def _share(self, target: Target, pod: str) -> ProxyShare | None:
        """None when the pod's proxy knows its routes and none of them is the service's: it is no caller."""
        try:
            routes = self._routes(target.namespace, pod)
        except RemoteError as error:
            return ProxyShare(pod, None, str(error))
        if routes is None:
            return ProxyShare(pod, None, "has no outbound routes yet")
        prefix = f"egress/{target.namespace}/{target.service}/"
        splits = [split for split in (_by_node(weights, prefix) for weights in routes) if split]
        return _judge(pod, target, splits) if splits else None

    def _routes(self, namespace: str, pod: str) -> list[Weights] | None:
        """Cluster → weight, for each outbound route; None when there is no such route configuration."""
        answer = self._kubernetes.proxy(namespace, pod, PORT, ROUTES)
        if answer.status != 200:
            raise RemoteError(f"reading the routes of {namespace}/{pod}: Envoy said {answer.status}")
        try:
            configurations = [each["route_config"] for each in json.loads(answer.body).get("configs", [])]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RemoteError(f"reading the routes of {namespace}/{pod}: no configuration dump ({error!r})") from error
        outbound = [each for each in configurations if each.get("name") == OUTBOUND]
        return [weights for each in outbound for weights in _weights(each)] if outbound else None


# The dialect `gateway` (Istio's sidecars) is another issue's; its place is here.
DATA_PLANES: Mapping[str, Callable[[Kubernetes], DataPlane]] = {"appmesh": AppMeshDataPlane}


class MeshDataPlane:
    """Every dialect's data plane: each target names its own."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    def shares(self, target: Target) -> Sequence[ProxyShare]:
        """Raises InvalidInput for a dialect whose proxies cannot be read yet."""
        if target.mesh not in DATA_PLANES:
            raise InvalidInput("mesh", target.mesh, f"{', '.join(DATA_PLANES)}: the dialects whose proxies can be read")
        return DATA_PLANES[target.mesh](self._kubernetes).shares(target)


def _has_running_sidecar(pod: Manifest) -> bool:
    spec = pod.get("spec", {})
    containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
    running = pod.get("status", {}).get("phase") == "Running"
    leaving = "deletionTimestamp" in pod["metadata"]
    return running and not leaving and any(container["name"] == CONTAINER for container in containers)


def _weights(configuration: Mapping[str, Any]) -> Iterator[Weights]:
    for host in configuration.get("virtual_hosts", []):
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


def _judge(pod: str, target: Target, splits: Sequence[Weights]) -> ProxyShare:
    said = "; ".join(", ".join(f"{node} {weight}" for node, weight in split.items()) for split in splits)
    strangers = sorted({node for split in splits for node in split} - {target.baseline, target.canary})
    if strangers:
        return ProxyShare(pod, None, f"sends to {', '.join(strangers)} too: {said}")
    shares = {split.get(target.canary, 0) / (sum(split.values()) or 1) for split in splits}
    if len(shares) > 1:
        return ProxyShare(pod, None, f"its routes disagree: {said}")
    return ProxyShare(pod, shares.pop(), said)
