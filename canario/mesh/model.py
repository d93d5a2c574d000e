"""A mesh in the project's own words, without a dialect: what `appmesh.py` and `gateway.py` render and parse.

The model says what the dialects mean, not how they write it. What it has no words for, a dialect's `parse`
refuses by name, so that nothing is lost on the way through it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from canario.mesh.tls import ClientTls, ListenerTls, problems_of_paths


class Protocol(StrEnum):
    HTTP = "http"
    HTTP2 = "http2"
    GRPC = "grpc"
    TCP = "tcp"


class Egress(StrEnum):
    """What a node may reach outside its mesh."""

    ALLOW_ALL = "ALLOW_ALL"
    DROP_ALL = "DROP_ALL"


class Operator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, order=True)
class Ref:
    """The Kubernetes name of a namespaced object."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Requirement:
    """One expression of a selector."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels


@dataclass(frozen=True)
class Selector:
    """A Kubernetes label selector. An empty one matches everything; where there is none, nothing matches."""

    labels: tuple[tuple[str, str], ...] = ()
    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        equal = all(labels.get(key) == value for key, value in self.labels)
        return equal and all(requirement.matches(labels) for requirement in self.requirements)


@dataclass(frozen=True)
class Port:
    number: int
    protocol: Protocol = Protocol.HTTP
    tls: ListenerTls | None = None  # a node's only


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
    default_tls: ClientTls | None = None  # how it calls a service
    call_tls: tuple[tuple[Ref, ClientTls], ...] = ()  # how it calls this one

    def tls_to(self, service: Ref) -> ClientTls | None:
        return dict(self.call_tls).get(service, self.default_tls)


@dataclass(frozen=True)
class Match:
    """Which requests a route takes."""

    prefix: str = "/"


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
    match: Match = field(default_factory=Match)
    priority: int | None = None
    protocol: Protocol = Protocol.HTTP


@dataclass(frozen=True)
class Router:
    """What splits a service's traffic between nodes."""

    ref: Ref
    known_as: str
    ports: tuple[Port, ...]
    routes: tuple[Route, ...] = ()

    @property
    def ordered(self) -> tuple[Route, ...]:
        """The routes in the order in which they are tried: by priority, then the longest prefix first."""
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

    def node(self, ref: Ref) -> Node | None:
        return next((node for node in self.nodes if node.ref == ref), None)

    def router(self, ref: Ref) -> Router | None:
        return next((router for router in self.routers if router.ref == ref), None)

    def service(self, ref: Ref) -> Service | None:
        return next((service for service in self.services if service.ref == ref), None)


def problems_of_node(mesh: Mesh, node: Node) -> Iterator[str]:
    """What keeps the node from working, in words that name what is missing."""
    for ref in node.calls:
        if mesh.service(ref) is None:
            yield f"calls service {ref}, which is not in mesh {mesh.name}"
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


def _order(route: Route, last: int) -> tuple[int, int]:
    return (last if route.priority is None else route.priority, -len(route.match.prefix))
