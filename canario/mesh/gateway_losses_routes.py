"""What is lost of routers, services and gateway routes: matches, order, retries, splits."""

from collections.abc import Iterable, Iterator

from canario.mesh.appmesh_names import GATEWAY_ROUTE_KINDS, ROUTE_KINDS
from canario.mesh.gateway_loss import Loss, Said, Say
from canario.mesh.gateway_matches import is_plain_path, unwritable
from canario.mesh.gateway_parts import MOST_RULES
from canario.mesh.gateway_routes import MOST_PARENTS, precedence, rewritten_host, service_parents
from canario.mesh.gateway_through import is_whole, takes_all_of, through_gateway
from canario.mesh.gateways import GatewayRoute, in_order
from canario.mesh.listeners import Protocol
from canario.mesh.matches import AnyMatch, GrpcMatch, How, Match
from canario.mesh.model import Mesh, Route, Router, Service, ToNode, ToRouter


def of_router(mesh: Mesh, router: Router) -> Iterator[Loss]:
    def loss(field: str, says: str, todo: str, lost: bool = True) -> Loss:
        return Loss("VirtualRouter", router.ref, f"spec.{field}", says, todo, lost)

    for index, route in enumerate(router.routes):
        field = f"routes[{index}].{ROUTE_KINDS[route.protocol]}"
        for key, why in unwritable(route.match):
            says = f"{why}; the whole route is left out"
            yield loss(
                f"{field}.match.{_key(route.match, key)}", says, "route by something else, such as another header"
            )
        yield from (
            Loss("VirtualRouter", router.ref, f"spec.{field}.{at}", says, todo, lost)
            for at, says, todo, lost in _of_route(route)
        )
    for index, earlier in _overtaken(router.ordered, router.routes):
        says = f"Gateway API tries the more specific route first, so {earlier} comes before it whatever the priority"
        lost = router.routes[index].priority is not None
        yield loss(f"routes[{index}].priority", says, "make the one that has to win match more", lost)
    if len(router.routes) > MOST_RULES:
        says = f"an object has at most {MOST_RULES} rules, so these are several; of equal rules the older object's wins"
        yield loss(f"routes[{MOST_RULES}]", says, "apply them together", False)
    tcp = [index for index, route in enumerate(router.routes) if route.protocol is Protocol.TCP]
    for index in tcp[1:]:
        yield loss(f"routes[{index}].tcpRoute", "a TCPRoute has one rule", "keep one TCP route")
    if not any(service.provider == ToRouter(router.ref) for service in mesh.services):
        says = "no service among the documents goes by this router, so its routes hang on nothing"
        todo = "add the VirtualService, or name its Service in parentRefs"
        yield Loss("VirtualRouter", router.ref, "metadata.name", says, todo, False)
    provided = [service for service in mesh.services if service.provider == ToRouter(router.ref)]
    if sum(len(service_parents(service, router.ref)) for service in provided) > MOST_PARENTS:
        says = f"a route has at most {MOST_PARENTS} parents: some of its {len(provided)} services have no routes"
        yield Loss("VirtualRouter", router.ref, "metadata.name", says, "give some services a router of their own")
    for service in mesh.services:
        if service.provider == ToRouter(router.ref) and service.ref.namespace != router.ref.namespace:
            says = f"service {service.ref} is in another namespace, so only callers of "
            says += f"{router.ref.namespace} take these routes"
            yield Loss(
                "VirtualRouter", router.ref, "metadata.namespace", says, "move the router to the service's namespace"
            )


def _key(match: AnyMatch, key: str) -> str:
    return "metadata" if key == "headers" and isinstance(match, GrpcMatch) else key


def _of_route(route: Route) -> Iterator[Said]:
    if route.retry:
        says = "the standard channel of Gateway API has no retries; Istio tries again twice by its own rules"
        yield "retryPolicy", says, "use the experimental channel's retry, or let the callers try again", True
    if route.timeout.idle_ms is not None:
        yield "timeout.idle", "routes have no idle timeout", "set it in the listener of the nodes", True
    if route.timeout.request_ms is not None and route.protocol is Protocol.GRPC:
        yield "timeout.perRequest", "a GRPCRoute has no timeouts", "let the callers send grpc-timeout", True
    yield from _of_prefix(route.match)


def _of_prefix(match: AnyMatch) -> Iterator[Said]:
    if not isinstance(match, Match) or match.prefix in (None, "/") or not is_plain_path(match.prefix or "/"):
        return
    prefix = str(match.prefix)
    if prefix.endswith("/"):
        says = f"also takes {prefix[:-1]} itself: Gateway API's prefixes are whole parts of a path"
    else:
        says = f"takes {prefix} and what is below it, no longer {prefix}-other: Gateway API's prefixes are whole parts"
    yield "match.prefix", says, "nothing, unless somebody calls such a path", False


def _overtaken(ordered: Iterable[Route], routes: tuple[Route, ...]) -> Iterator[tuple[int, str]]:
    """Routes that App Mesh tries before another which Gateway API tries first: (place, the other's name)."""
    found = list(ordered)
    for at, route in enumerate(found):
        for later in found[at + 1 :]:
            same_kind = ROUTE_KINDS[route.protocol][:4] == ROUTE_KINDS[later.protocol][:4]
            if same_kind and precedence(later) < precedence(route) and not _are_apart(route.match, later.match):
                yield routes.index(route), later.name
                break


def _are_apart(one: AnyMatch, two: AnyMatch) -> bool:
    """Whether no request can match both, as far as paths and methods tell."""
    if not (isinstance(one, Match) and isinstance(two, Match)):
        return False
    if one.method and two.method and one.method != two.method:
        return True
    if one.prefix is not None and two.prefix is not None:
        return not (one.prefix.startswith(two.prefix) or two.prefix.startswith(one.prefix))
    exact = [m.path.value for m in (one, two) if m.path and m.path.how is How.EXACT]
    prefixes = [m.prefix for m in (one, two) if m.prefix is not None]
    if len(exact) == 2:
        return exact[0] != exact[1]
    return bool(exact and prefixes and not exact[0].startswith(prefixes[0]))


def of_service(mesh: Mesh, service: Service) -> Iterator[Loss]:
    if service.provider is None:
        says = "nothing answers to it: calls get 503 where App Mesh said 404"
        yield Loss("VirtualService", service.ref, "spec.provider", says, "delete it, or give it a provider", False)
    if isinstance(service.provider, ToNode) and service.provider.node.namespace != service.ref.namespace:
        says = f"its node is in namespace {service.provider.node.namespace}; the ReferenceGrant there allows it"
        yield Loss("VirtualService", service.ref, "spec.provider", says, "apply the ReferenceGrant too", False)


def of_gateway_route(mesh: Mesh, route: GatewayRoute) -> Iterator[Loss]:
    key = GATEWAY_ROUTE_KINDS[route.protocol]

    def loss(field: str, says: str, todo: str, lost: bool = True) -> Loss:
        return Loss("GatewayRoute", route.ref, f"spec.{field}", says, todo, lost)

    for at, why in unwritable(route.match):
        says = f"{why}; the route hangs on no Gateway"
        yield loss(f"{key}.match.{_key(route.match, at)}", says, "match by something else")
    for field, says, todo, lost in _of_prefix(route.match):
        yield loss(f"{key}.{field}", says, todo, lost)
    host = route.match.host
    if host and host.how is How.SUFFIX and not host.value.startswith("."):
        says = f"takes {host.value} and what is below it, no longer any-{host.value}"
        yield loss(f"{key}.match.hostname.suffix", says, "nothing, unless such a host is called", False)
    service = mesh.service(route.service)
    if service and not route.rewrite.keep_host and rewritten_host(service.host) is None:
        says = f"{service.host} is no name of a host, so the request keeps the one that it came with"
        yield loss(f"{key}.action.rewrite.hostname", says, "nothing, unless the application looks at it")
    if route.protocol is Protocol.GRPC and not route.rewrite.keep_host:
        says = "a GRPCRoute keeps the :authority that the client sent"
        yield loss(f"{key}.action.rewrite.hostname", says, "nothing, unless the application looks at it", False)
    prefix = route.match.prefix if isinstance(route.match, Match) else None
    if prefix and not is_plain_path(prefix) and route.rewrite.prefix not in (None, prefix):
        says = "a path with such characters is matched by a regular expression, whose match cannot be replaced"
        yield loss(f"{key}.action.rewrite.prefix", says, "let the application take the whole path")
    if route.port is not None and not isinstance(_provider(mesh, route), ToNode):
        yield loss(
            f"{key}.action.target.port", "the nodes' own ports are called", "check that they are the same", False
        )
    if _is_overtaken(mesh, route):
        says = "Gateway API tries the more specific route first, whatever the priority"
        yield loss("priority", says, "make the one that has to win match more", route.priority is not None)
    yield from _of_split(mesh, route, key, loss)


def _provider(mesh: Mesh, route: GatewayRoute) -> ToNode | ToRouter | None:
    service = mesh.service(route.service)
    return service.provider if service else None


def _of_split(mesh: Mesh, route: GatewayRoute, key: str, loss: Say) -> Iterator[Loss]:
    field = f"{key}.action.target.virtualService"
    ways = through_gateway(mesh, route)
    if not ways:
        says = f"nothing is known to answer to service {route.service}, and Istio's gateways do not ask its routes"
        yield loss(field, says, "name the nodes in the backendRefs of the gateway's route")
    elif not is_whole(mesh, route):
        says = (
            f"Istio's gateways do not ask the routes of service {route.service}, and not all of them can be said here"
        )
        yield loss(field, says, "write what is missing into the gateway's route")
    elif not any(takes_all_of(route, way) for way in ways):
        says = "what none of the service's routes takes is answered 500, where App Mesh said 404"
        yield loss(field, says, "nothing, unless somebody looks at the status", False)
    if any(len(way.targets) > 1 for way in ways):
        says = "the split between nodes stands here too, for Istio's gateways do not ask the service's routes"
        yield loss(field, says, "change both when you change a share; a rollout does", False)


def _is_overtaken(mesh: Mesh, route: GatewayRoute) -> bool:
    """Whether App Mesh tries this route before one that Gateway API tries first."""
    ordered = [each for each in in_order(mesh.gateway_routes) if each.protocol is route.protocol]
    later = ordered[ordered.index(route) + 1 :]
    return any(
        precedence(each) < precedence(route) and not _are_apart(each.match, route.match)
        for each in later
        if each.match.host == route.match.host
    )
