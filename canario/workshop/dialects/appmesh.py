"""The workshop in App Mesh's own objects, `appmesh.k8s.aws/v1beta2`."""

from canario.errors import NotReady
from canario.mesh import appmesh, proxies
from canario.mesh.model import Discovery, Hostname, Mesh
from canario.mesh.weights import APP_MESH_LARGEST
from canario.workshop.application import hostname
from canario.workshop.conditions import conditions
from canario.workshop.kinds import (
    APP_MESH_KINDS,
    GATEWAY_ROUTE,
    MESH,
    SERVICE,
    VIRTUAL_GATEWAY,
    VIRTUAL_NODE,
    VIRTUAL_ROUTER,
)
from canario.workshop.mesh import MESH_LABEL
from canario.workshop.names import Names, deployment, load_balancer
from canario.workshop.ports import Manifest, Ports

INJECTOR_LABEL = "appmesh.k8s.aws/sidecarInjectorWebhook"


class AppMesh:
    """Nodes are VirtualNodes, found by a load balancer's name or by Cloud Map."""

    id = "appmesh"
    proxy = proxies.APP_MESH
    servers = ("envoy",)
    kinds = APP_MESH_KINDS
    node = VIRTUAL_NODE
    router = VIRTUAL_ROUTER
    way_in = (VIRTUAL_GATEWAY, GATEWAY_ROUTE)
    balanced = True
    largest = APP_MESH_LARGEST

    def labels(self, names: Names) -> dict[str, str]:
        return {MESH_LABEL: names.mesh, INJECTOR_LABEL: "enabled"}

    def render(self, mesh: Mesh, names: Names) -> list[Manifest]:
        return [{**each, "metadata": {**each["metadata"], "labels": names.labels}} for each in appmesh.render(mesh)]

    def inactive(self, manifest: Manifest) -> str | None:
        """By the condition `<kind>Active` that the controller writes."""
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        for condition in conditions(manifest):
            if condition["type"] == f"{kind}Active":
                if condition["status"] == "True":
                    return None
                return f"{kind} {name} ({condition.get('message') or condition.get('reason') or 'not active'})"
        return f"{kind} {name} (no condition {kind}Active yet)"

    def objects(self, names: Names, ports: Ports) -> list[Manifest]:
        its_mesh = ports.kubernetes.get(MESH, names.mesh)
        if its_mesh is None:
            raise NotReady(f"mesh {names.mesh} is not there")
        return [its_mesh, *(each for kind in self.kinds for each in ports.kubernetes.list(kind, names.namespace))]

    def remove(self, names: Names, ports: Ports) -> None:
        for kind in self.kinds:
            for each in ports.kubernetes.list(kind, names.namespace):
                ports.kubernetes.delete(kind, each["metadata"]["name"], names.namespace)
        ports.kubernetes.delete(MESH, names.mesh)

    def discovery(self, names: Names, ports: Ports, service: str) -> Discovery:
        """The name of the service's load balancer."""
        name = hostname(ports.kubernetes.get(SERVICE, load_balancer(service), names.namespace))
        if name is None:
            raise NotReady(f"load balancer {load_balancer(service)} has no address yet")
        return Hostname(name)

    def prepare(self, node: Manifest, ports: Ports) -> None:
        """Replace the node's discovery in one write: the other kind may be a person's, who applied it by hand."""
        name, namespace = node["metadata"]["name"], node["metadata"]["namespace"]
        live = (ports.kubernetes.get(VIRTUAL_NODE, name, namespace) or {}).get("spec", {}).get("serviceDiscovery") or {}
        wanted = node["spec"]["serviceDiscovery"]
        if set(live) - set(wanted):
            spec = {"serviceDiscovery": {**dict.fromkeys(live), **wanted}}
            ports.kubernetes.patch(VIRTUAL_NODE, name, namespace, {"spec": spec})

    def segment(self, names: Names, service: str) -> str:
        """The mesh, then the virtual node as App Mesh knows it."""
        return f"{names.mesh}/{deployment(service)}_{names.namespace}"
