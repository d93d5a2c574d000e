"""The workshop in Gateway API's and Istio's objects.

A service is a Service that clients call, a node a versioned Service, a router an HTTPRoute whose parent is the
service. The mesh finds a node's pods by its Service; Cloud Map is for clients outside the mesh, so it is an annotation
of the node that only the registrar reads.
"""

from dataclasses import replace

from canario.mesh import gateway, proxies
from canario.mesh.model import CloudMap, Discovery, Hostname, Mesh, Node
from canario.mesh.weights import GATEWAY_LARGEST
from canario.workshop.dialects.parents import refusal
from canario.workshop.kinds import GATEWAY, GATEWAY_KINDS, HTTP_ROUTE, SERVICE
from canario.workshop.names import Names, deployment
from canario.workshop.ports import Manifest, Ports
from canario.workshop.registrar import CLOUD_MAP_ANNOTATION

INJECTION = "istio-injection"
CLUSTER_DOMAIN = "svc.cluster.local"


class GatewayApi:
    """Nodes are Services, found by Kubernetes."""

    id = "gateway"
    proxy = proxies.ISTIO
    servers = ("istio-envoy", "envoy")  # Istio's; the lab's, which are the same Envoys without Istio's name
    kinds = GATEWAY_KINDS
    node = SERVICE
    router = HTTP_ROUTE
    way_in = (GATEWAY, HTTP_ROUTE)
    balanced = False
    largest = GATEWAY_LARGEST

    def labels(self, names: Names) -> dict[str, str]:
        return {INJECTION: "enabled"}

    def render(self, mesh: Mesh, names: Names) -> list[Manifest]:
        """As the dialect renders it; nodes that are in Cloud Map say so to the registrar."""
        mapped = {node.ref: node.discovery for node in mesh.nodes if isinstance(node.discovery, CloudMap)}
        found = replace(mesh, nodes=tuple(_by_kubernetes(node) for node in mesh.nodes))
        manifests = gateway.render(found, names.labels)
        for ref, discovery in mapped.items():
            for each in manifests:
                if each["kind"] == SERVICE.name and each["metadata"]["name"] == ref.name:
                    place = f"{discovery.service}.{discovery.namespace}"
                    each["metadata"].setdefault("annotations", {})[CLOUD_MAP_ANNOTATION] = place
        return [_deployed_by_the_workshop(each) for each in manifests]

    def inactive(self, manifest: Manifest) -> str | None:
        return refusal(manifest)

    def objects(self, names: Names, ports: Ports) -> list[Manifest]:
        found = [each for kind in self.kinds for each in ports.kubernetes.list(kind, names.namespace)]
        return [*found, *self._services(names, ports)]

    def remove(self, names: Names, ports: Ports) -> None:
        for each in self.objects(names, ports):
            kind = next(kind for kind in (SERVICE, *self.kinds) if kind.name == each["kind"])
            ports.kubernetes.delete(kind, each["metadata"]["name"], names.namespace)

    def _services(self, names: Names, ports: Ports) -> list[Manifest]:
        """Those of the mesh; the load balancers are the application's."""
        found = ports.kubernetes.list(SERVICE, names.namespace, names.labels)
        return [each for each in found if each["spec"].get("type") != "LoadBalancer"]

    def discovery(self, names: Names, ports: Ports, service: str) -> Discovery:
        return cluster_name(names.namespace, deployment(service))

    def prepare(self, node: Manifest, ports: Ports) -> None:
        """Nothing: an annotation meets no other."""

    def segment(self, names: Names, service: str) -> str:
        """The workload's app and its namespace, as Istio's proxies call themselves."""
        return f"{deployment(service)}.{names.namespace}"


def cluster_name(namespace: str, service: str) -> Hostname:
    """A Service by its name in the cluster."""
    return Hostname(f"{service}.{namespace}.{CLUSTER_DOMAIN}")


def _deployed_by_the_workshop(manifest: Manifest) -> Manifest:
    """A Gateway with an address: Istio looks for its pods behind that Service and makes none of its own.

    Source: https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/#manual-deployment
    """
    if manifest["kind"] != GATEWAY.name:
        return manifest
    metadata = manifest["metadata"]
    address = {"type": "Hostname", "value": cluster_name(metadata["namespace"], metadata["name"]).name}
    return {**manifest, "spec": {**manifest["spec"], "addresses": [address]}}


def _by_kubernetes(node: Node) -> Node:
    return replace(node, discovery=cluster_name(node.ref.namespace, node.ref.name))
