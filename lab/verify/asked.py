"""What is asked of both: requests for each route of each service and each gateway route, and some beside. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from canario.mesh.gateways import GatewayRoute
from canario.mesh.listeners import Protocol
from canario.mesh.matches import GrpcMatch, Header, How, Match, Range, Text
from canario.mesh.model import Mesh, Route, ToNode, ToRouter
from lab.mesh.re2 import trouble

CALL = (("content-type", "application/grpc"),)  # what makes a request a gRPC call
OUTSIDE = "outside"  # the place of requests that come in at a gateway


@dataclass(frozen=True)
class Asked:
    """One request. `at`: the service's host, or OUTSIDE."""

    at: str
    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    of: str = ""  # the route for which it is asked

    def __str__(self) -> str:
        headers = " ".join(f"{name}: {value};" for name, value in self.headers)
        return f"{self.method} {self.at} {self.path} {headers}".strip()


def requests(mesh: Mesh) -> tuple[list[Asked], list[str]]:
    """What is asked, each request once, and the routes that are not: TCP's, those of regular expressions."""
    found: dict[Asked, None] = {}
    left: list[str] = []
    for service in mesh.services:
        for route in _routes(mesh, service.provider):
            asked = list(_for_route(service.host, route.name, route.protocol, route.match))
            found.update(dict.fromkeys(asked))
            left += [] if asked else [f"route {route.name} of service {service.ref}"]
    for each in mesh.gateway_routes:
        asked = list(_for_route(OUTSIDE, str(each.ref), each.protocol, each.match))
        asked += [deeper for behind in _behind(mesh, each) for deeper in _through(each, behind)]
        found.update(dict.fromkeys(asked))
        left += [] if asked else [f"gateway route {each.ref}"]
    return list(found), left


def _routes(mesh: Mesh, provider: object) -> tuple[Route, ...]:
    if isinstance(provider, ToRouter):
        router = mesh.router(provider.router)
        return router.routes if router else ()
    node = mesh.node(provider.node) if isinstance(provider, ToNode) else None
    if node and node.ports and node.ports[0].protocol is Protocol.GRPC:
        return (Route("to its node", (), GrpcMatch(), protocol=Protocol.GRPC),)
    return (Route("to its node", ()),) if provider else ()


def _behind(mesh: Mesh, route: GatewayRoute) -> tuple[Route, ...]:
    service = mesh.service(route.service)
    return _routes(mesh, service.provider) if service else ()


def _through(route: GatewayRoute, behind: Route) -> Iterator[Asked]:
    """What a gateway's route makes a request of that its service's route is for."""
    front = route.match
    if not (isinstance(front, Match) and front.prefix and isinstance(behind.match, Match)):
        return
    new = front.prefix if route.rewrite.prefix is None else route.rewrite.prefix
    for inner in _for_route(OUTSIDE, f"{route.ref}, {behind.name}", behind.protocol, behind.match):
        if inner.path.startswith(new):
            path = f"{front.prefix.rstrip('/')}/{inner.path[len(new) :].lstrip('/')}"
            for outer in _for_route(OUTSIDE, inner.of, route.protocol, front):
                yield replace(outer, path=path, headers=(*outer.headers, *inner.headers))


def _for_route(at: str, name: str, protocol: Protocol, match: object) -> Iterator[Asked]:
    if isinstance(match, GrpcMatch):
        yield from _calls(at, name, match)
    if protocol is Protocol.TCP or not isinstance(match, Match):
        return
    headers = _sent(match.headers)
    if headers is None:
        return
    query = "&".join(f"{each.name}={each.value or 'x'}" for each in match.query)
    for path in _paths(match):
        asked = Asked(at, path + (f"?{query}" if query else ""), match.method or "GET", headers, name)
        yield asked
        if headers:
            yield replace(asked, headers=())
        if query:
            yield replace(asked, path=path)
        if match.method:
            yield replace(asked, method="PUT" if match.method != "PUT" else "POST")


def _calls(at: str, name: str, match: GrpcMatch) -> Iterator[Asked]:
    """The call that the route takes, and those of another method, of another service, and without its metadata."""
    headers = _sent(match.metadata)
    if headers is None:
        return
    service, method = match.service or "any.Service", match.method or "Any"
    for path in (f"/{service}/{method}", f"/{service}/Another", f"/another.Service/{method}"):
        yield Asked(at, path, "POST", (*CALL, *headers), name)
    if headers:
        yield Asked(at, f"/{service}/{method}", "POST", CALL, name)


def _sent(tests: Sequence[Header]) -> tuple[tuple[str, str], ...] | None:
    """Headers that pass the tests; None when no value is known that one of them takes."""
    if any(_value(each) is None and not each.invert for each in tests):
        return None
    return tuple((each.name, value) for each in tests if (value := _value(each)) is not None)


def _paths(match: Match) -> list[str]:
    if match.path is not None:
        return [match.path.value] if match.path.how is How.EXACT else []
    prefix = match.prefix or "/"
    return [prefix, f"{prefix.rstrip('/')}/further"]


def _value(header: Header) -> str | None:
    """A value that the header's test takes; None when none is known, or it must not be there."""
    if header.invert:
        return None if header.value is None else "another"
    match header.value:
        case None:
            return "x"
        case Range(start, end):
            return str(start) if start < end else None
        case Text(How.EXACT, value):
            return value
        case Text(How.PREFIX, value):
            return f"{value}x"
        case Text(How.SUFFIX, value):
            return f"x{value}"
        case Text(How.REGEX, value):
            plain = value.removeprefix(".*").removesuffix(".*").removeprefix("^").removesuffix("$")
            return plain if plain.isalnum() and trouble(value) is None else None
    return None
