"""Which pods get a sidecar, and the JSONPatch that gives it to them. Pure.

As the App Mesh controller has it: the namespace's label decides, the pod's annotation of the same key overrides
it, and where injection is enabled a pod that no node selects is refused rather than left outside the mesh.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canario.errors import CanarioError
from canario.mesh.gateways import Gateway
from canario.mesh.model import Mesh, Node
from canario.mesh.proxies import APP_MESH
from lab.mesh import tracing
from lab.mesh.assembly import mesh_of, node_of
from lab.mesh.gateways import gateways_of
from lab.mesh.mounts import MountError, volumes
from lab.mesh.world import Obj, World, annotations_of

INJECT = "appmesh.k8s.aws/sidecarInjectorWebhook"
PROXIED = "canario/proxied"  # tells the kubelet that the application has an address of its own
CONTAINER, ADMIN_PORT = APP_MESH.container, APP_MESH.port
IMAGE = "840364872350.dkr.ecr.us-west-1.amazonaws.com/aws-appmesh-envoy:v1.29.12.1-prod"

_READINESS = {
    "httpGet": {"path": "/ready", "port": ADMIN_PORT},
    "periodSeconds": 1,
    "failureThreshold": 3,
}
_GATEWAY_ADVICE = f"apply one whose podSelector matches it, or annotate it {INJECT}: disabled"
_ADVICE = f"apply a VirtualNode whose podSelector matches it, or annotate it {INJECT}: disabled"

JsonPatch = list[dict[str, Any]]


class RefusedError(CanarioError):
    """A pod asks for a sidecar but cannot have one."""


def inject(
    pod: Obj, namespace: str, world: World, meshes: Mapping[str, Mesh], trace: tracing.Tracing | None = None
) -> JsonPatch:
    """The patch for a pod that is being created in `namespace`; empty when it gets nothing.

    A gateway's pod has its Envoy already, which is told whose it is; any other gets one, and with `trace` an X-Ray
    daemon too.
    Raises RefusedError, with what to do, when injection is enabled for the pod but impossible.
    """
    if not _enabled(pod, namespace, world):
        return []
    name, trouble = mesh_of(namespace, world, meshes)
    if name is None:
        if _has_sidecar(pod):
            return []
        raise RefusedError(f"{_what(pod)}: {trouble}")
    placed = {**pod, "metadata": {**pod["metadata"], "namespace": namespace}}
    selecting = _selecting(pod, placed, meshes[name])
    try:
        return _patch_of(pod, meshes[name], selecting, trace)
    except MountError as error:
        raise RefusedError(f"{_what(pod)}: {error}") from error


def _patch_of(pod: Obj, mesh: Mesh, selecting: Node | Gateway, trace: tracing.Tracing | None) -> JsonPatch:
    if isinstance(selecting, Gateway):
        return _gateway_patch(pod, mesh, selecting)
    return [] if _has_sidecar(pod) else _patch(pod, mesh, selecting, trace)


def _selecting(pod: Obj, placed: Obj, mesh: Mesh) -> Node | Gateway:
    """The one node or gateway that selects the pod."""
    found: list[Node | Gateway] = [*node_of(placed, mesh), *gateways_of(placed, mesh)]
    if not found:
        if _has_sidecar(pod):
            raise RefusedError(f"{_what(pod)}: no VirtualGateway selects it; {_GATEWAY_ADVICE}")
        raise RefusedError(f"{_what(pod)}: no VirtualNode selects it; {_ADVICE}")
    if len(found) > 1:
        kinds = sorted({"VirtualNodes" if isinstance(each, Node) else "VirtualGateways" for each in found})
        names = ", ".join(str(each.ref) for each in found)
        raise RefusedError(f"{_what(pod)}: several {' and '.join(kinds)} select it ({names}); exactly one must")
    return found[0]


def _enabled(pod: Obj, namespace: str, world: World) -> bool:
    mode = annotations_of(pod).get(INJECT) or world.namespace_labels(namespace).get(INJECT, "")
    return mode.lower() == "enabled"


def _has_sidecar(pod: Obj) -> bool:
    return _has(pod, CONTAINER)


def _has(pod: Obj, name: str) -> bool:
    return any(container["name"] == name for container in pod["spec"]["containers"])


def _what(pod: Obj) -> str:
    metadata = pod["metadata"]
    return f"a sidecar for pod {metadata.get('name') or metadata.get('generateName', '')}"


def _mark(pod: Obj) -> dict[str, Any]:
    """Says that the pod's proxy is the controller's to configure."""
    if annotations_of(pod):
        return {"op": "add", "path": f"/metadata/annotations/{_pointer(PROXIED)}", "value": "true"}
    return {"op": "add", "path": "/metadata/annotations", "value": {PROXIED: "true"}}


def _patch(pod: Obj, mesh: Mesh, node: Node, trace: tracing.Tracing | None) -> JsonPatch:
    added, mounts = volumes(pod)
    envoy = {**sidecar(mesh, node), **({"volumeMounts": mounts} if mounts else {})}
    containers = [envoy]
    if trace:
        envoy["env"] += tracing.environment(trace)
        containers += [] if _has(pod, tracing.CONTAINER) else [tracing.daemon()]
    adding = ({"op": "add", "path": "/spec/containers/-", "value": each} for each in containers)
    return [_mark(pod), *_add_volumes(pod, added), *adding]


def _add_volumes(pod: Obj, added: list[dict[str, object]]) -> JsonPatch:
    if not pod["spec"].get("volumes"):
        return [{"op": "add", "path": "/spec/volumes", "value": added}] if added else []
    return [{"op": "add", "path": "/spec/volumes/-", "value": volume} for volume in added]


def _gateway_patch(pod: Obj, mesh: Mesh, gateway: Gateway) -> JsonPatch:
    """As the App Mesh controller does it: its own image and settings, a readiness probe unless there is one.

    A gateway's pod without a container `envoy` is left as it is, and is no gateway.
    """
    for index, container in enumerate(pod["spec"]["containers"]):
        if container["name"] == CONTAINER:
            change = {"op": "replace", "path": f"/spec/containers/{index}", "value": _told(container, mesh, gateway)}
            added, mounts = volumes(pod)
            if mounts:
                change["value"]["volumeMounts"] = [*(container.get("volumeMounts") or ()), *mounts]
            return [_mark(pod), *_add_volumes(pod, added), change]
    return []


def _told(container: Obj, mesh: Mesh, gateway: Gateway) -> dict[str, Any]:
    ours = _environment(f"mesh/{mesh.known_as}/virtualGateway/{gateway.known_as}")
    names = {each["name"] for each in ours}
    theirs = [each for each in container.get("env") or () if each["name"] not in names]
    return {"readinessProbe": _READINESS, **container, "image": IMAGE, "env": [*theirs, *ours]}


def sidecar(mesh: Mesh, node: Node) -> dict[str, Any]:
    """The container; `lab/mesh/tracing.py` adds its own beside it, and its environment here."""
    resource = f"mesh/{mesh.known_as}/virtualNode/{node.known_as}"
    return {
        "name": CONTAINER,
        "image": IMAGE,
        "env": _environment(resource),
        "ports": [{"name": "stats", "containerPort": ADMIN_PORT, "protocol": "TCP"}],
        "readinessProbe": _READINESS,
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    }


def _environment(resource: str) -> list[dict[str, Any]]:
    """`resource`: the node or gateway, as App Mesh calls it."""
    return [
        {"name": "APPMESH_VIRTUAL_NODE_NAME", "value": resource},
        {"name": "ENVOY_ADMIN_ACCESS_PORT", "value": str(ADMIN_PORT)},
        {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
    ]


def _pointer(key: str) -> str:
    """A key as JSON Pointer writes it (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
