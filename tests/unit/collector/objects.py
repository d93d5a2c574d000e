"""The cluster's objects that the collector lists, and a cluster that has them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from canario.mesh import gateway
from canario.workshop.kinds import HTTP_ROUTE, NAMESPACE, POD
from canario.workshop.mesh import mesh
from canario.workshop.names import Names
from canario.workshop.ports import Kind

WORKSHOP = Names("turma-01", "ns", "app-mesh-turma-01", "turma-01.example.local")
SERVICES = ("frontend", "nodejs", "crystal", "nodejsv2")


def routes(weights: tuple[int, int] | None = (9, 1)) -> list[dict[str, Any]]:
    """The workshop's own HTTPRoutes, with the canary's split."""
    found_by = {service: f"{service}-app.ns.svc.cluster.local" for service in SERVICES}
    rendered = gateway.render(mesh(WORKSHOP, found_by, weights), WORKSHOP.labels)
    return [each for each in rendered if each["kind"] == "HTTPRoute"]


def namespace(name: str = "ns", workshop: str | None = "turma-01") -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"canario/workshop": workshop} if workshop else {}}}


def pod(
    name: str = "frontend-1", *, created: float = 1000.0, native: bool = False, ip: str = "10.0.0.1", **metadata: str
) -> dict[str, Any]:
    """A pod that runs; its sidecar is a container, or a native one."""
    sidecar, application = {"name": "istio-proxy"}, {"name": "frontend-app"}
    spec = (
        {"containers": [application], "initContainers": [sidecar]} if native else {"containers": [application, sidecar]}
    )
    made = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "metadata": {"uid": name, "name": name, "namespace": "ns", "creationTimestamp": made, **metadata},
        "spec": spec,
        "status": {"phase": "Running", "podIP": ip},
    }


@dataclass
class FakeCluster:
    """Lists what it has."""

    pods: list[dict[str, Any]] = field(default_factory=lambda: [pod()])
    routes: list[dict[str, Any]] = field(default_factory=routes)
    namespaces: list[dict[str, Any]] = field(default_factory=lambda: [namespace()])

    def list(self, kind: Kind) -> list[dict[str, Any]]:
        return {POD: self.pods, HTTP_ROUTE: self.routes, NAMESPACE: self.namespaces}[kind]
