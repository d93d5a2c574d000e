"""Which gateway routes belong to which gateway: by selectors on the gateway. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from canario.mesh.gateways import Gateway, GatewayRoute
from canario.mesh.model import Mesh, Ref
from lab.mesh.world import Obj, World, labels_of, ref_of


def selecting(obj: Obj, mesh: Mesh, world: World) -> list[Gateway]:
    """The gateways of the mesh that select this GatewayRoute: by its namespace's labels, then by its own."""
    labels = world.namespace_labels(ref_of(obj).namespace)
    return [gateway for gateway in mesh.gateways if _selects(gateway, labels, labels_of(obj))]


def trouble(obj: Obj, mesh: Mesh, world: World) -> str | None:
    """Why the GatewayRoute belongs to no gateway; None when exactly one selects it."""
    found = selecting(obj, mesh, world)
    if len(found) == 1:
        return None
    if found:
        names = ", ".join(str(gateway.ref) for gateway in found)
        return f"several VirtualGateways select it ({names}): exactly one must"
    namespace = ref_of(obj).namespace
    return f"no VirtualGateway selects it: label namespace {namespace} as a VirtualGateway's namespaceSelector asks"


def routes_of(mesh: Mesh, world: World) -> Mapping[Ref, tuple[GatewayRoute, ...]]:
    """Gateway → its routes."""
    objects = {ref_of(obj): obj for obj in world.gateway_routes}
    found: dict[Ref, tuple[GatewayRoute, ...]] = {gateway.ref: () for gateway in mesh.gateways}
    for route in mesh.gateway_routes:
        owners = selecting(objects[route.ref], mesh, world) if route.ref in objects else []
        if len(owners) == 1:
            found[owners[0].ref] += (route,)
    return found


def gateways_of(pod: Obj, mesh: Mesh) -> list[Gateway]:
    """The gateways of the mesh, in the pod's namespace, that select the pod."""
    namespace, labels = pod["metadata"].get("namespace", ""), labels_of(pod)
    here = [gateway for gateway in mesh.gateways if gateway.ref.namespace == namespace]
    return [gateway for gateway in here if gateway.selector and gateway.selector.matches(labels)]


def _selects(gateway: Gateway, namespace: Mapping[str, str], route: Mapping[str, str]) -> bool:
    if gateway.namespaces is None or not gateway.namespaces.matches(namespace):
        return False
    return gateway.routes is None or gateway.routes.matches(route)
