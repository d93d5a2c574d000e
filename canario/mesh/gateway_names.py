"""What reading and writing Gateway API and Istio manifests share: kinds, annotations, and how things are named."""

from collections.abc import Mapping
from typing import Any

from canario.mesh.listeners import Protocol
from canario.mesh.model import Hostname, Node
from canario.mesh.refs import Ref

Manifest = dict[str, Any]

GATEWAY_GROUP = "gateway.networking.k8s.io"
ISTIO_GROUP = "networking.istio.io"
GATEWAY_API = f"{GATEWAY_GROUP}/v1"
ISTIO_NETWORKING = f"{ISTIO_GROUP}/v1"
ISTIO_SECURITY = "security.istio.io/v1"
ISTIO_TELEMETRY = "telemetry.istio.io/v1"
GATEWAY_CLASS = "istio"

MEMBER = "canario/mesh"  # annotation: the mesh that an object belongs to
NOTES = "canario/notes"  # annotation: what the object's native fields cannot say of the model
PART = "canario/part-of"  # annotation: the route of the same kind whose rules go on in this one
ROLE = "canario/role"  # annotation: which things of the model the object stands for

ROUTE_KINDS = {
    Protocol.HTTP: "HTTPRoute",
    Protocol.HTTP2: "HTTPRoute",
    Protocol.GRPC: "GRPCRoute",
    Protocol.TCP: "TCPRoute",
}
APP_PROTOCOLS = {
    Protocol.HTTP: "http",
    Protocol.HTTP2: "kubernetes.io/h2c",
    Protocol.GRPC: "grpc",
    Protocol.TCP: "tcp",
}


def manifest(api_version: str, kind: str, ref: Ref, spec: Manifest) -> Manifest:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": ref.name, "namespace": ref.namespace},
        "spec": spec,
    }


def ref_of(found: Mapping[str, Any]) -> Ref:
    return Ref(found["metadata"].get("namespace", "default"), found["metadata"]["name"])


def annotation(found: Mapping[str, Any], name: str) -> str | None:
    value = (found["metadata"].get("annotations") or {}).get(name)
    return None if value is None else str(value)


def annotate(found: Manifest, name: str, value: str) -> None:
    found["metadata"].setdefault("annotations", {})[name] = value


def default_known_as(ref: Ref) -> str:
    """What a node, router or gateway is called in traces, unless a note says otherwise."""
    return f"{ref.name}_{ref.namespace}"


def default_host(ref: Ref) -> str:
    return f"{ref.name}.{ref.namespace}"


def hosts_of_cluster(ref: Ref) -> tuple[str, ...]:
    """The names by which clients of a cluster reach a Service."""
    return (ref.name, default_host(ref), f"{default_host(ref)}.svc", full_host(ref))


def full_host(ref: Ref) -> str:
    return f"{default_host(ref)}.svc.cluster.local"


def outside_host(node: Node) -> str | None:
    """The name of a node that is outside the cluster: it has no pods, and a name that is none of the cluster's."""
    found = node.discovery
    outside = isinstance(found, Hostname) and node.selector is None and not found.name.endswith(".svc.cluster.local")
    return found.name if isinstance(found, Hostname) and outside else None
