"""How requests from outside come into a mesh."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from canario.mesh.listeners import Port, Protocol
from canario.mesh.matches import GrpcMatch, Match
from canario.mesh.policies import AccessLog
from canario.mesh.refs import Ref, Selector
from canario.mesh.tls import ClientTls


@dataclass(frozen=True)
class Gateway:
    """Proxies without an application, at the mesh's edge. Its gateway routes are those that it selects."""

    ref: Ref
    known_as: str
    selector: Selector | None = None  # its pods
    ports: tuple[Port, ...] = ()
    namespaces: Selector | None = None  # of its routes
    routes: Selector | None = None  # its routes in those namespaces; None: all of them
    log: AccessLog | None = None
    tls: ClientTls | None = None  # how it calls services


@dataclass(frozen=True)
class Rewrite:
    """What becomes of a request on its way in."""

    prefix: str | None = "/"  # what stands instead of the matched prefix; None: it stays
    path: str | None = None  # what stands instead of the matched path
    keep_host: bool = False  # False: the host becomes the service's


@dataclass(frozen=True)
class GatewayRoute:
    """One rule of a gateway: requests that match go to a service, by whatever that service's router says."""

    ref: Ref
    known_as: str
    service: Ref
    match: Match | GrpcMatch = field(default_factory=Match)
    rewrite: Rewrite = field(default_factory=Rewrite)
    priority: int | None = None
    protocol: Protocol = Protocol.HTTP
    port: int | None = None  # of the service


def in_order(routes: Iterable[GatewayRoute]) -> tuple[GatewayRoute, ...]:
    """The routes in the order in which they are tried: by priority, those without one last."""
    found = tuple(routes)
    last = 1 + max((route.priority or 0 for route in found), default=0)

    def order(route: GatewayRoute) -> tuple[int, bool, int, int, Ref]:
        exact, length, others = route.match.specificity
        return last if route.priority is None else route.priority, not exact, -length, -others, route.ref

    return tuple(sorted(found, key=order))
