"""Which pods get a sidecar, and the JSONPatch that gives it to them. Pure.

As the App Mesh controller has it: the namespace's label decides, the pod's annotation of the same key overrides
it, and where injection is enabled a pod that no node selects is refused rather than left outside the mesh.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canario.errors import CanarioError
from canario.mesh.model import Mesh, Node
from lab.mesh.assembly import mesh_of, node_of
from lab.mesh.mounts import MountError, volumes
from lab.mesh.world import Obj, World, annotations_of

INJECT = "appmesh.k8s.aws/sidecarInjectorWebhook"
PROXIED = "canario/proxied"  # tells the kubelet that the application has an address of its own
CONTAINER = "envoy"
ADMIN_PORT = 9901
IMAGE = "840364872350.dkr.ecr.us-west-1.amazonaws.com/aws-appmesh-envoy:v1.29.12.1-prod"

_ADVICE = f"apply a VirtualNode whose podSelector matches it, or annotate it {INJECT}: disabled"

JsonPatch = list[dict[str, Any]]


class RefusedError(CanarioError):
    """A pod asks for a sidecar but cannot have one."""


def inject(pod: Obj, namespace: str, world: World, meshes: Mapping[str, Mesh]) -> JsonPatch:
    """The patch for a pod that is being created in `namespace`; empty when it gets no sidecar.

    Raises RefusedError, with what to do, when injection is enabled for the pod but impossible.
    """
    if not _enabled(pod, namespace, world) or _has_sidecar(pod):
        return []
    name, trouble = mesh_of(namespace, world, meshes)
    if name is None:
        raise RefusedError(f"{_what(pod)}: {trouble}")
    mesh = meshes[name]
    placed = {**pod, "metadata": {**pod["metadata"], "namespace": namespace}}
    nodes = node_of(placed, mesh)
    if not nodes:
        raise RefusedError(f"{_what(pod)}: no VirtualNode selects it; {_ADVICE}")
    if len(nodes) > 1:
        names = ", ".join(str(node.ref) for node in nodes)
        raise RefusedError(f"{_what(pod)}: several VirtualNodes select it ({names}); exactly one must")
    try:
        return _patch(pod, mesh, nodes[0])
    except MountError as error:
        raise RefusedError(f"{_what(pod)}: {error}") from error


def _enabled(pod: Obj, namespace: str, world: World) -> bool:
    mode = annotations_of(pod).get(INJECT) or world.namespace_labels(namespace).get(INJECT, "")
    return mode.lower() == "enabled"


def _has_sidecar(pod: Obj) -> bool:
    return any(container["name"] == CONTAINER for container in pod["spec"]["containers"])


def _what(pod: Obj) -> str:
    metadata = pod["metadata"]
    return f"a sidecar for pod {metadata.get('name') or metadata.get('generateName', '')}"


def _patch(pod: Obj, mesh: Mesh, node: Node) -> JsonPatch:
    if annotations_of(pod):
        mark = {"op": "add", "path": f"/metadata/annotations/{_pointer(PROXIED)}", "value": "true"}
    else:
        mark = {"op": "add", "path": "/metadata/annotations", "value": {PROXIED: "true"}}
    added, mounts = volumes(pod)
    container = {**sidecar(mesh, node), **({"volumeMounts": mounts} if mounts else {})}
    return [mark, *_add_volumes(pod, added), {"op": "add", "path": "/spec/containers/-", "value": container}]


def _add_volumes(pod: Obj, added: list[dict[str, object]]) -> JsonPatch:
    if not pod["spec"].get("volumes"):
        return [{"op": "add", "path": "/spec/volumes", "value": added}] if added else []
    return [{"op": "add", "path": "/spec/volumes/-", "value": volume} for volume in added]


def sidecar(mesh: Mesh, node: Node) -> dict[str, Any]:
    """The container. Tracing (issue 3) adds its own beside it, and its environment here."""
    resource = f"mesh/{mesh.known_as}/virtualNode/{node.known_as}"
    return {
        "name": CONTAINER,
        "image": IMAGE,
        "env": [
            {"name": "APPMESH_VIRTUAL_NODE_NAME", "value": resource},
            {"name": "ENVOY_ADMIN_ACCESS_PORT", "value": str(ADMIN_PORT)},
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        ],
        "ports": [{"name": "stats", "containerPort": ADMIN_PORT, "protocol": "TCP"}],
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": ADMIN_PORT},
            "periodSeconds": 1,
            "failureThreshold": 3,
        },
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    }


def _pointer(key: str) -> str:
    """A key as JSON Pointer writes it (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
