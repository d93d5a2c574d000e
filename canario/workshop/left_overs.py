"""What is left of a workshop in the cluster, found by its label and by its names; and taking it away.

Nothing here trusts that a deletion worked: an object is gone when a listing does not have it any more.
"""

from collections.abc import Mapping

from canario.errors import Conflict
from canario.workshop.dialects import APP_MESH as APP_MESH_DIALECT
from canario.workshop.dialects import dialect_of
from canario.workshop.kinds import APP_MESH, DEPLOYMENT, MESH, NAMESPACE, POD, SERVICE
from canario.workshop.ports import Kind, Manifest, Ports
from canario.workshop.request import Request

# In the order in which they are deleted: what runs, wherever somebody has put it. What only lies there (Secrets,
# ConfigMaps) is in the workshop's own namespace and goes with that; to look for it elsewhere, `clean` would need the
# right to read every Secret of the cluster.
LABELLED: tuple[Kind, ...] = (SERVICE, DEPLOYMENT, POD, NAMESPACE)
# Those of them that an attendee makes without the label, and that keep a namespace from going, or traffic alive.
INSIDE: tuple[Kind, ...] = (SERVICE, DEPLOYMENT, POD)

Place = tuple[str, str, str]  # kind, namespace, name
Found = dict[Place, tuple[Kind, Manifest]]

# A finalizer's beginning → the Deployment that answers it. Only these are ever stripped, and only when that Deployment
# does not run: what others hold (a load balancer in the cloud, for one) would be lost sight of.
ANSWERED_BY: Mapping[str, tuple[str, str]] = {
    f"finalizers.{APP_MESH.partition('/')[0]}/": ("appmesh-system", "appmesh-controller"),
}


def find(request: Request, ports: Ports) -> Found:
    """What runs with the workshop's label, wherever it is; what is in its namespace; its mesh and namespace."""
    names, kubernetes = request.names, ports.kubernetes
    found: Found = {}
    kinds, whole = _of_the_mesh(request)
    for kind in (*kinds, *whole, *LABELLED):
        found |= _placed(kind, kubernetes.list(kind, labels=names.labels))
    for kind, name in (*((kind, names.mesh) for kind in whole), (NAMESPACE, names.namespace)):
        there = kubernetes.get(kind, name)
        found |= _placed(kind, [there] if there else [])
    if ("Namespace", "", names.namespace) in found:
        for kind in (*kinds, *INSIDE):
            found |= _placed(kind, kubernetes.list(kind, names.namespace))
    return found


def sweep(found: Found, ports: Ports) -> None:
    """Ask for everything to go that has not been asked, and strip finalizers that nothing will answer.

    What belongs to another object goes with that. Harmless when repeated, or cut off anywhere.
    """
    for (_, namespace, name), (kind, manifest) in found.items():
        metadata = manifest["metadata"]
        if "deletionTimestamp" in metadata:
            _strip(kind, manifest, ports)
        elif not metadata.get("ownerReferences"):
            ports.kubernetes.delete(kind, name, namespace or None)


def said(found: Found) -> list[str]:
    """What was found, in words for people: kind, place, and what holds it."""
    return [
        " ".join(filter(None, (kind, f"{namespace}/{name}" if namespace else name, _held(manifest))))
        for (kind, namespace, name), (_, manifest) in sorted(found.items(), key=lambda item: item[0])
    ]


def _of_the_mesh(request: Request) -> tuple[tuple[Kind, ...], tuple[Kind, ...]]:
    """The kinds of the mesh's objects in a namespace, and of the mesh itself where the dialect has one."""
    return dialect_of(request).kinds, (MESH,) if request.mesh == APP_MESH_DIALECT.id else ()


def _placed(kind: Kind, manifests: list[Manifest]) -> Found:
    return {
        (kind.name, str(each["metadata"].get("namespace", "")), str(each["metadata"]["name"])): (kind, each)
        for each in manifests
    }


def _held(manifest: Manifest) -> str:
    finalizers = manifest["metadata"].get("finalizers") or []
    if not finalizers or "deletionTimestamp" not in manifest["metadata"]:
        return ""
    return f"(held by the finalizer {', '.join(finalizers)})"


def _strip(kind: Kind, manifest: Manifest, ports: Ports) -> None:
    metadata = manifest["metadata"]
    finalizers = list(metadata.get("finalizers") or [])
    kept = [each for each in finalizers if _is_answered(each, ports)]
    if kept == finalizers:
        return
    patch = {"metadata": {"finalizers": kept or None, "resourceVersion": metadata["resourceVersion"]}}
    try:
        ports.kubernetes.patch(kind, metadata["name"], metadata.get("namespace"), patch)
    except Conflict:
        return  # somebody is at work on it after all; the next listing shows what came of it


def _is_answered(finalizer: str, ports: Ports) -> bool:
    """Whether somebody will take the finalizer away; of those that nobody here knows, that is assumed."""
    for beginning, (namespace, name) in ANSWERED_BY.items():
        if finalizer.startswith(beginning):
            controller = ports.kubernetes.get(DEPLOYMENT, name, namespace) or {}
            return bool(controller.get("status", {}).get("availableReplicas"))
    return True
