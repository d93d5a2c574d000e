"""A mesh in the project's own words, without a dialect: what `appmesh.py` and `gateway.py` render and parse.

The model says what the dialects mean, not how they write it. What it has no words for, a dialect's `parse`
refuses by name, so that nothing is lost on the way through it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from canario.mesh.gateways import Gateway, GatewayRoute, Rewrite
from canario.mesh.listeners import Port, Protocol
from canario.mesh.matches import AnyMatch, GrpcMatch, Match, TcpMatch
from canario.mesh.policies import AccessLog, ListenerPolicies, Retry, Timeout
from canario.mesh.refs import Operator, Ref, Requirement, Selector
from canario.mesh.tls import ClientTls, problems_of_paths

__all__ = [
    "AccessLog",
    "BackendGroup",
    "CloudMap",
    "Discovery",
    "Egress",
    "Gateway",
    "GatewayRoute",
    "GrpcMatch",
    "Hostname",
    "ListenerPolicies",
    "Match",
    "Mesh",
    "Node",
    "Operator",
    "Port",
    "Protocol",
    "Ref",
    "Requirement",
    "Retry",
    "Rewrite",
    "Route",
    "Router",
    "Selector",
    "Service",
    "Target",
    "TcpMatch",
    "Timeout",
    "ToNode",
    "ToRouter",
    "problems_of_gateway_route",
    "problems_of_group",
    "problems_of_node",
    "problems_of_router",
    "problems_of_service",
]

EVERYTHING = "*"  # the backend group of all services


class Egress(StrEnum):
    """What a node may reach outside its mesh."""

    ALLOW_ALL = "ALLOW_ALL"
    DROP_ALL = "DROP_ALL"


@dataclass(frozen=True)
class Hostname:
    """Discovery by a DNS name. `single` says that the name is one endpoint, not one for each address."""

    name: str
    single: bool | None = None  # None: as the dialect does when it is not said


@dataclass(frozen=True)
class CloudMap:
    """Discovery by Cloud Map; only instances with all the attributes count."""

    namespace: str
    service: str
    attributes: tuple[tuple[str, str], ...] = ()


Discovery = Hostname | CloudMap


@dataclass(frozen=True)
class Node:
    """A version of a service that takes traffic."""

    ref: Ref
    known_as: str  # its name outside Kubernetes: in the provider's API and in traces
    selector: Selector | None = None  # its pods
    ports: tuple[Port, ...] = ()
    discovery: Discovery | None = None
    calls: tuple[Ref, ...] = ()  # services that it says it calls
    groups: tuple[Ref, ...] = ()  # of services that it says it calls
    log: AccessLog | None = None
    default_tls: ClientTls | None = None  # how it calls a service
    call_tls: tuple[tuple[Ref, ClientTls], ...] = ()  # how it calls this one

    def tls_to(self, service: Ref) -> ClientTls | None:
        return dict(self.call_tls).get(service, self.default_tls)


@dataclass(frozen=True)
class Target:
    node: Ref
    weight: int  # relative to the other targets of the route
    port: int | None = None


@dataclass(frozen=True)
class Route:
    """One rule of a router. The lowest `priority` is tried first; a route without one comes last."""

    name: str
    targets: tuple[Target, ...]
    match: AnyMatch = field(default_factory=Match)
    priority: int | None = None
    protocol: Protocol = Protocol.HTTP
    retry: Retry | None = None  # None: as the dialect does when it is not said
    timeout: Timeout = field(default_factory=Timeout)


@dataclass(frozen=True)
class Router:
    """What splits a service's traffic between nodes."""

    ref: Ref
    known_as: str
    ports: tuple[Port, ...]
    routes: tuple[Route, ...] = ()

    @property
    def ordered(self) -> tuple[Route, ...]:
        """The routes in the order in which they are tried: by priority, then the most specific first."""
        last = 1 + max((route.priority or 0 for route in self.routes), default=0)
        return tuple(sorted(self.routes, key=lambda route: _order(route, last)))


@dataclass(frozen=True)
class ToNode:
    node: Ref


@dataclass(frozen=True)
class ToRouter:
    router: Ref


@dataclass(frozen=True)
class Service:
    """A name that clients call, and what answers to it: nothing, one node, or a router."""

    ref: Ref
    host: str
    provider: ToNode | ToRouter | None = None


@dataclass(frozen=True)
class BackendGroup:
    """Services that several nodes call."""

    ref: Ref
    services: tuple[Ref, ...] = ()


@dataclass(frozen=True)
class Mesh:
    """One mesh with everything in it. Names within it are unique; references may be to things it does not
    have.
    """

    name: str
    known_as: str
    namespaces: Selector | None = None  # those whose objects and pods belong to it
    egress: Egress = Egress.DROP_ALL
    nodes: tuple[Node, ...] = ()
    routers: tuple[Router, ...] = ()
    services: tuple[Service, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    gateway_routes: tuple[GatewayRoute, ...] = ()
    groups: tuple[BackendGroup, ...] = ()

    def node(self, ref: Ref) -> Node | None:
        return next((node for node in self.nodes if node.ref == ref), None)

    def router(self, ref: Ref) -> Router | None:
        return next((router for router in self.routers if router.ref == ref), None)

    def service(self, ref: Ref) -> Service | None:
        return next((service for service in self.services if service.ref == ref), None)

    def gateway(self, ref: Ref) -> Gateway | None:
        return next((gateway for gateway in self.gateways if gateway.ref == ref), None)

    def group(self, ref: Ref) -> BackendGroup | None:
        return next((group for group in self.groups if group.ref == ref), None)

    def callable_by(self, node: Node) -> tuple[Service, ...]:
        """The services that the node may call: those that it names, or all when it names none.

        A group called `*` is all of them.
        """
        if not node.calls and not node.groups:
            return self.services
        if any(ref.name == EVERYTHING for ref in node.groups):
            return self.services
        groups = [group for ref in node.groups if (group := self.group(ref))]
        named = {*node.calls, *(ref for group in groups for ref in group.services)}
        return tuple(service for service in self.services if service.ref in named)


def problems_of_node(mesh: Mesh, node: Node) -> Iterator[str]:
    """What keeps the node from working, in words that name what is missing."""
    for ref in node.calls:
        if mesh.service(ref) is None:
            yield f"calls service {ref}, which is not in mesh {mesh.name}"
    for ref in node.groups:
        if ref.name != EVERYTHING and mesh.group(ref) is None:
            yield f"calls backend group {ref}, which is not in mesh {mesh.name}"
    policies = (node.default_tls, *(policy for _, policy in node.call_tls))
    yield from problems_of_paths(*(port.tls for port in node.ports), *policies)


def problems_of_router(mesh: Mesh, router: Router) -> Iterator[str]:
    for route in router.routes:
        for target in route.targets:
            if mesh.node(target.node) is None:
                yield f"its route {route.name} sends to node {target.node}, which is not in mesh {mesh.name}"


def problems_of_service(mesh: Mesh, service: Service) -> Iterator[str]:
    match service.provider:
        case ToNode(ref) if mesh.node(ref) is None:
            yield f"is provided by node {ref}, which is not in mesh {mesh.name}"
        case ToRouter(ref) if mesh.router(ref) is None:
            yield f"is provided by router {ref}, which is not in mesh {mesh.name}"


def problems_of_group(mesh: Mesh, group: BackendGroup) -> Iterator[str]:
    for ref in group.services:
        if mesh.service(ref) is None:
            yield f"has service {ref}, which is not in mesh {mesh.name}"


def problems_of_gateway_route(mesh: Mesh, route: GatewayRoute) -> Iterator[str]:
    if mesh.service(route.service) is None:
        yield f"sends to service {route.service}, which is not in mesh {mesh.name}"


def _order(route: Route, last: int) -> tuple[int, bool, int, int]:
    exact, length, others = route.match.specificity
    return last if route.priority is None else route.priority, not exact, -length, -others
