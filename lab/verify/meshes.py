"""The two meshes as they are asked: as App Mesh had it, and as Istio reads what it became. Pure.

Only routing is compared: policies, TLS and logs are taken off, and every target that gets something gets as much as
the others, so that few requests meet them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from canario.mesh import gateway
from canario.mesh.gateway_names import NOTES, ROLE, annotation
from canario.mesh.gateway_reading import read
from canario.mesh.gateway_renaming import kubernetes_names
from canario.mesh.gateway_routes import precedence
from canario.mesh.gateway_rules import Rules, read_gateway_route, read_router
from canario.mesh.gateways import GatewayRoute
from canario.mesh.listeners import Port
from canario.mesh.model import Mesh, Node, Ref, Route, Router, Service, ToRouter

NAMESPACE = "gateway-routes"  # of the services that stand for the rules of gateways
DOMAIN = "verify.canario"


def before(mesh: Mesh) -> Mesh:
    routers = tuple(replace(router, routes=tuple(map(_even, router.routes))) for router in mesh.routers)
    return replace(mesh, nodes=tuple(map(_bare, mesh.nodes)), routers=routers, gateways=(), groups=())


def after(mesh: Mesh) -> Mesh:
    """What Istio does with the native fields that `mesh` became: notes are not read."""
    manifests = [each.manifest for each in gateway.written(mesh)]
    for manifest in manifests:
        manifest["metadata"].get("annotations", {}).pop(NOTES, None)
    names, found = kubernetes_names(mesh), read(manifests)
    hosts = {names.service(service.ref): service.host for service in mesh.services}
    routers, services, routes = _at_gateways(found, manifests)
    return replace(
        found,
        nodes=tuple(replace(_bare(node), calls=()) for node in found.nodes),
        routers=(*(replace(router, routes=_as_istio(router.routes)) for router in found.routers), *routers),
        services=(*(replace(each, host=hosts.get(each.ref, each.host)) for each in found.services), *services),
        gateways=(),
        gateway_routes=routes,
    )


def _at_gateways(
    mesh: Mesh, manifests: Sequence[Mapping[str, Any]]
) -> tuple[tuple[Router, ...], tuple[Service, ...], tuple[GatewayRoute, ...]]:
    """Each rule of a gateway's routes: a route to a service of its own, whose router sends where the rule says."""
    nodes = Rules({node.ref: node for node in mesh.nodes})
    routers, services, routes = [], [], []
    for manifest in manifests:
        if annotation(manifest, ROLE) != "gateway-route" or manifest["kind"] not in ("HTTPRoute", "GRPCRoute"):
            continue
        for rule in manifest["spec"].get("rules", ()) if manifest["spec"].get("parentRefs") else ():
            ref = Ref(NAMESPACE, f"rule-{len(routers)}")
            one = {**manifest, "spec": {**manifest["spec"], "rules": [rule]}}
            unfiltered = {key: value for key, value in rule.items() if key not in ("filters", "matches")}
            behind = read_router({**manifest, "spec": {"rules": [unfiltered]}}, nodes)
            routers.append(Router(ref, ref.name, (Port(80),), tuple(map(_even, behind))))
            services.append(Service(ref, f"{ref.name}.{DOMAIN}", ToRouter(ref)))
            routes.append(replace(read_gateway_route(one, mesh), ref=ref, service=ref))
    ranked = sorted(routes, key=precedence)
    said = [replace(each, priority=at) for at, each in enumerate(ranked)]
    return tuple(routers), tuple(services), tuple(said)


def _as_istio(routes: Sequence[Route]) -> tuple[Route, ...]:
    """In Gateway API's order. That its prefixes are whole parts of a path is told, not asked."""
    ranked = sorted(routes, key=precedence)
    return tuple(replace(_even(each), priority=at) for at, each in enumerate(ranked))


def _even(route: Route) -> Route:
    targets = tuple(replace(target, weight=min(target.weight, 1), port=None) for target in route.targets)
    return replace(route, targets=targets, retry=None)


def _bare(node: Node) -> Node:
    return replace(node, ports=(Port(80),), calls=(), call_tls=(), default_tls=None, groups=(), log=None)
