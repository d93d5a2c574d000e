"""The routes of the dialect `gateway`: what a router, a service without one, and a gateway's route become."""

import re
from collections.abc import Mapping, Sequence

from canario.mesh.appmesh_writing import unless, without_none
from canario.mesh.gateway_matches import grpc_match_spec, hostnames, http_match_spec, is_plain_path, unwritable
from canario.mesh.gateway_names import (
    GATEWAY_API,
    GATEWAY_GROUP,
    ISTIO_GROUP,
    ROUTE_KINDS,
    Manifest,
    hosts_of_cluster,
    manifest,
    outside_host,
)
from canario.mesh.gateway_policies import duration
from canario.mesh.gateway_through import Seen, takes_all_of, through_gateway
from canario.mesh.gateways import GatewayRoute
from canario.mesh.listeners import Port, Protocol
from canario.mesh.matches import GrpcMatch, How, Match, Text
from canario.mesh.model import Mesh, Node, Route, Router, Service, Target, ToNode, ToRouter
from canario.mesh.refs import Ref

MOST_PARENTS = 32  # of a route
DEFAULT_PORT = 80  # of a backend whose node has no listener: the dialect wants one
_RULE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def router_routes(mesh: Mesh, router: Router) -> list[Manifest]:
    """One object for each kind of route that the router has; at least one."""
    services = [service for service in mesh.services if service.provider == ToRouter(router.ref)]
    parents = [parent for service in services for parent in service_parents(service, router.ref)]
    found = []
    for kind in dict.fromkeys(ROUTE_KINDS.values()):
        rules = [
            rule
            for route in written_routes(router)
            if ROUTE_KINDS[route.protocol] == kind
            for rule in [_rule(mesh, router, route)]
        ]
        rules = rules[:1] if kind == "TCPRoute" else rules
        if rules:
            found.append(_route(kind, router.ref, parents, rules))
    return found or [_route("HTTPRoute", router.ref, parents, [])]


def written_routes(router: Router) -> tuple[Route, ...]:
    """The routes that have a native form, in the router's own order unless only their place tells them apart."""
    ordered = router.ordered
    natural = sorted(router.routes, key=precedence)
    routes = router.routes if natural == sorted(ordered, key=precedence) else ordered
    return tuple(route for route in routes if not any(unwritable(route.match)))


def service_route(mesh: Mesh, service: Service, ref: Ref) -> Manifest | None:
    """What sends the calls of a service to the one node that provides it; None when they are one object already."""
    if not isinstance(service.provider, ToNode) or service.provider.node == service.ref:
        return None
    node = mesh.node(service.provider.node)
    protocol = node.ports[0].protocol if node and node.ports else Protocol.HTTP
    backend = _backend(mesh, Target(service.provider.node, 1), ref)
    del backend["weight"]
    return _route(ROUTE_KINDS[protocol], ref, service_parents(service, ref), [{"backendRefs": [backend]}])


def gateway_route(mesh: Mesh, route: GatewayRoute, ref: Ref) -> Manifest:
    """Istio's gateways do not ask a service's own routes, so these stand here, with what they become behind it.

    A match that cannot be said would take others' requests: such a route has no parent and takes nothing.
    """
    if any(unwritable(route.match)):
        return _route(ROUTE_KINDS[route.protocol], ref, [], [])
    parents = [
        without_none(
            group=GATEWAY_GROUP,
            kind="Gateway",
            name=gateway.ref.name,
            namespace=unless(gateway.ref.namespace, ref.namespace),
        )
        for gateway in mesh.gateways
    ]
    ways = through_gateway(mesh, route)
    rules = [_gateway_rule(mesh, seen, ref) for seen in ways]
    if ways and not any(takes_all_of(route, seen) for seen in ways):
        rules.append(_rule_to_nobody(mesh, route))
    found = _route(ROUTE_KINDS[route.protocol], ref, parents, rules or [_rule_to_service(mesh, route, ref)])
    if hosts := hostnames(route.match.host):
        found["spec"]["hostnames"] = hosts
    return found


def _gateway_rule(mesh: Mesh, seen: Seen, owner: Ref) -> Manifest:
    request = seen.timeout_ms if ROUTE_KINDS[seen.route.protocol] == "HTTPRoute" else None
    return without_none(
        matches=_gateway_matches(seen.route) or None,
        filters=_filters(mesh, seen.route) or None,
        timeouts={"request": duration(request)} if request is not None else None,
        backendRefs=[_backend(mesh, target, owner) for target in seen.targets],
    )


def _rule_to_nobody(mesh: Mesh, route: GatewayRoute) -> Manifest:
    """What none of the service's routes takes is refused, and must not fall through to another gateway route."""
    return without_none(matches=_gateway_matches(route) or None, filters=_filters(mesh, route) or None)


def _rule_to_service(mesh: Mesh, route: GatewayRoute, owner: Ref) -> Manifest:
    return without_none(
        matches=_gateway_matches(route) or None,
        filters=_filters(mesh, route) or None,
        backendRefs=[_to_service(route, owner)],
    )


def service_parents(service: Service, owner: Ref) -> list[Manifest]:
    """The objects by whose names clients call the service."""
    namespace = unless(service.ref.namespace, owner.namespace)
    parents = [without_none(group="", kind="Service", name=service.ref.name, namespace=namespace)]
    if service.host not in hosts_of_cluster(service.ref):
        parents.append(without_none(group=ISTIO_GROUP, kind="ServiceEntry", name=service.ref.name, namespace=namespace))
    return parents


def _route(kind: str, ref: Ref, parents: list[Manifest], rules: list[Manifest]) -> Manifest:
    spec = without_none(parentRefs=parents[:MOST_PARENTS] or None, rules=rules or None)
    return manifest(GATEWAY_API, kind, ref, spec)


def _rule(mesh: Mesh, router: Router, route: Route) -> Manifest:
    names = [each.name for each in router.routes]
    named = _RULE_NAME.fullmatch(route.name) and names.count(route.name) == 1
    matches: list[Manifest] = []
    if isinstance(route.match, Match):
        matches = [http_match_spec(route.match)]
    elif isinstance(route.match, GrpcMatch):
        matches = [spec] if (spec := grpc_match_spec(route.match)) else []
    request = route.timeout.request_ms if ROUTE_KINDS[route.protocol] == "HTTPRoute" else None
    return without_none(
        name=route.name if named else None,
        matches=matches or None,
        timeouts={"request": duration(request)} if request is not None else None,
        backendRefs=[_backend(mesh, target, router.ref, router.ports) for target in route.targets] or None,
    )


def _backend(mesh: Mesh, target: Target, owner: Ref, ports: Sequence[Port] = ()) -> Manifest:
    """`ports`: the router's, by which a node that is not in the mesh is called."""
    node = mesh.node(target.node)
    port = target.port or (ports[0].number if ports and node is None else default_port(node))
    if node and (host := outside_host(node)):
        return {"group": ISTIO_GROUP, "kind": "Hostname", "name": host, "port": port, "weight": target.weight}
    return without_none(
        group="",
        kind="Service",
        name=target.node.name,
        namespace=unless(target.node.namespace, owner.namespace),
        port=port,
        weight=target.weight,
    )


def default_port(node: Node | None) -> int:
    return node.ports[0].number if node and node.ports else DEFAULT_PORT


def _to_service(route: GatewayRoute, owner: Ref) -> Manifest:
    return without_none(
        group="",
        kind="Service",
        name=route.service.name,
        namespace=unless(route.service.namespace, owner.namespace),
        port=route.port or DEFAULT_PORT,
    )


def _gateway_matches(route: GatewayRoute) -> list[Manifest]:
    if isinstance(route.match, GrpcMatch):
        spec = grpc_match_spec(route.match)
        return [spec] if spec else []
    return [http_match_spec(route.match)]


def _filters(mesh: Mesh, route: GatewayRoute) -> list[Manifest]:
    service, rewrite = mesh.service(route.service), route.rewrite
    host = rewritten_host(service.host) if service and not rewrite.keep_host else None
    path = _path_rewrite(route.match, route) if isinstance(route.match, Match) else None
    written = without_none(hostname=host, path=path)
    return [{"type": "URLRewrite", "urlRewrite": written}] if written and route.protocol is not Protocol.GRPC else []


def rewritten_host(host: str) -> str | None:
    """What a rewrite can make a request's host; None when it is no name of a host."""
    return next(iter(hostnames(Text(How.EXACT, host))), None)


def _path_rewrite(match: Match, route: GatewayRoute) -> Manifest | None:
    if match.path is not None:
        return {"type": "ReplaceFullPath", "replaceFullPath": route.rewrite.path} if route.rewrite.path else None
    new = route.rewrite.prefix
    if new is None or new == match.prefix or not is_plain_path(match.prefix or "/"):
        return None
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": new}


def precedence(route: Route | GatewayRoute) -> tuple[bool, int, bool, int, int]:
    """Smaller for what Gateway API tries earlier: an exact path, the longest prefix, a method, headers, queries."""
    match = route.match
    if isinstance(match, Match):
        exact, length, _ = match.specificity
        return not exact, -length, match.method is None, -len(match.headers), -len(match.query)
    if isinstance(match, GrpcMatch):
        return False, -len(match.service or ""), match.method is None, -len(match.metadata), 0
    return False, 0, False, 0, 0


def free(kind: str, ref: Ref, suffix: str, taken: Mapping[tuple[str, Ref], object]) -> Ref:
    """A name that no object of the kind has."""
    while (kind, ref) in taken:
        ref = Ref(ref.namespace, f"{ref.name}-{suffix}")
    return ref
