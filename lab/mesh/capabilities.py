"""What the model can say but the lab cannot do: it is refused, not left out in silence. Pure.

Envoy refuses a whole file for one thing in it that it does not understand, so whatever it would refuse has to be
found here first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from canario.mesh.gateways import Gateway, GatewayRoute
from canario.mesh.listeners import Port
from canario.mesh.matches import AnyMatch, GrpcMatch, Header, How, Match, TcpMatch, Text
from canario.mesh.model import Mesh, Node, Route, Router
from canario.mesh.policies import AccessLog, ListenerPolicies
from canario.mesh.proxies import APP_MESH
from lab.mesh import formats, re2

_ADMIN_PORT = APP_MESH.port
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a header's name (RFC 9110)


def unsupported(mesh: Mesh, part: object) -> Iterator[str]:
    """What keeps Envoy, or the lab, from doing what this part of the mesh says; in words."""
    match part:
        case Node():
            yield from _node(part)
        case Router():
            yield from _router(mesh, part)
        case Gateway():
            yield from _ports(part.ports)
            yield from _log(part.log)
        case GatewayRoute():
            yield from _match(part.match)
            if part.port is not None:
                yield "a target's port: a service has one listener in the lab"


def _node(node: Node) -> Iterator[str]:
    if len(node.ports) > 1:
        yield f"{len(node.ports)} listeners: a node has one"
    yield from _ports(node.ports)
    yield from _log(node.log)


def _router(mesh: Mesh, router: Router) -> Iterator[str]:
    if len(router.ports) > 1:
        yield f"{len(router.ports)} listeners: a router has one"
    names = [route.name for route in router.routes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{names.count(name)} routes are called {name}"
    for route in router.routes:
        yield from _match(route.match)
        yield from _route_ports(mesh, router, route)


def _route_ports(mesh: Mesh, router: Router, route: Route) -> Iterator[str]:
    asked = route.match.port
    if asked is not None and asked not in {port.number for port in router.ports}:
        yield f"route {route.name} matches port {asked}, at which the router does not listen"
    for target in route.targets:
        node = mesh.node(target.node)
        if target.port is not None and node and target.port not in {port.number for port in node.ports}:
            yield f"route {route.name} sends to port {target.port} of node {target.node}, which does not listen there"


def _ports(ports: Iterable[Port]) -> Iterator[str]:
    numbers = [port.number for port in ports]
    for number in sorted({number for number in numbers if numbers.count(number) > 1}):
        yield f"two listeners at port {number}"
    if _ADMIN_PORT in numbers:
        yield f"a listener at port {_ADMIN_PORT}: there Envoy's own administration is"
    for port in ports:
        yield from _policies(port.policies, port)


def _policies(policies: ListenerPolicies, port: Port) -> Iterator[str]:
    if policies.outliers and not (policies.outliers.interval_ms and policies.outliers.ejection_ms):
        yield "outlier detection with an interval or an ejection of 0: Envoy wants more"
    if policies.health and policies.health.port not in (None, port.number):
        yield f"a health check at port {policies.health.port}: the pod answers at its listener's, {port.number}"


def _match(match: AnyMatch) -> Iterator[str]:
    texts: list[Text | None] = []
    headers: tuple[Header, ...] = ()
    match match:
        case Match():
            texts, headers = [match.path], match.headers
            if match.method == "CONNECT":
                yield "method CONNECT: in the lab it is how clients reach their proxy"
        case GrpcMatch():
            headers = match.metadata
        case TcpMatch():
            return
    texts += [header.value for header in headers if isinstance(header.value, Text)]
    for text in texts:
        if text and text.how is How.REGEX and (why := re2.trouble(text.value)):
            yield f"the regular expression {text.value}: {why}"
    for header in headers:
        if not _TOKEN.fullmatch(header.name):
            yield f"the header {header.name!r}: no header has such a name"


def _log(log: AccessLog | None) -> Iterator[str]:
    if log:
        for text in (log.text or "", *(value for _, value in log.json)):
            if why := formats.trouble(text):
                yield f"the access log's format: {why}"
