"""A gateway and its routes → the Envoy files of one of its pods. Pure.

A request comes in at the gateway's listener, where its routes rewrite it and say which service it is for; then it
goes through this same Envoy's outbound proxy, which knows the service's router as every sidecar does, and counts it
as every caller's does. So a router's routes match what the gateway has made of the request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from canario.mesh.gateways import Gateway, GatewayRoute, Rewrite, in_order
from canario.mesh.listeners import Port
from canario.mesh.matches import Match
from canario.mesh.model import Mesh, Ref
from lab.envoy import resources as envoy
from lab.envoy.files import CDS, LDS, Resource, rds
from lab.envoy.resources import Address
from lab.mesh.endpoints import Endpoints
from lab.mesh.logs import access_log
from lab.mesh.matching import route_match
from lab.mesh.render import (
    ORIGINAL_HOST,
    OUTBOUND,
    OWN_PROXY,
    Place,
    outbound_clusters,
    outbound_listener,
    outbound_routes,
)
from lab.mesh.tls import Files, secured


def gateway_files(
    mesh: Mesh,
    gateway: Gateway,
    routes: Sequence[GatewayRoute],
    place: Place,
    endpoints: Mapping[Ref, Endpoints],
    vpc: Address,
) -> dict[str, list[Resource]]:
    """File → resources, as `render.pod_files` has them."""
    pool = next((port.policies.pool for port in gateway.ports if port.policies.pool), None)
    log, secrets = access_log(gateway.log, place.directory), Files(place.directory, place.mounts)
    files = {
        CDS: outbound_clusters(mesh, mesh.services, place, endpoints, vpc, secrets, lambda _: gateway.tls, pool),
        rds(OUTBOUND): [outbound_routes(mesh, endpoints)],
        LDS: [
            outbound_listener(place, log=False),
            *(secured(_listener(mesh, gateway, routes, place, port, log), port, secrets) for port in gateway.ports),
        ],
    }
    return {**files, **secrets.secrets}


def ingress_routes(mesh: Mesh, gateway: Gateway, routes: Sequence[GatewayRoute], port: Port) -> Resource:
    """The gateway's routes for one of its listeners, in the order in which they are tried."""
    found = [_route(mesh, route) for route in in_order(routes) if route.match.port in (None, port.number)]
    nothing = envoy.answer(404, f"gateway {gateway.ref} has no route for this request\n")
    name = _name(port)
    return envoy.route_configuration(name, [envoy.virtual_host(name, ["*"], [*found, nothing])])


def _listener(
    mesh: Mesh, gateway: Gateway, routes: Sequence[GatewayRoute], place: Place, port: Port, log: list[Resource]
) -> Resource:
    found = ingress_routes(mesh, gateway, routes, port)
    address = (place.pod_ip, port.number)
    return envoy.http_listener(_name(port), address, routes=found, access_log=log)


def _name(port: Port) -> str:
    return f"ingress_{port.number}"


def _route(mesh: Mesh, route: GatewayRoute) -> Resource:
    match, service = route_match(route.match), mesh.service(route.service)
    if service is None:
        return envoy.answer(404, f"service {route.service} is not in mesh {mesh.name}\n", match)
    action = {
        "cluster": OWN_PROXY,
        "timeout": "0s",  # the service's own route has one
        "host_rewrite_literal": service.host,
        **_path(route.match, route.rewrite),
    }
    return envoy.route(match, action, name=str(route.ref), **_host(route.rewrite))


def _path(match: object, rewrite: Rewrite) -> Resource:
    if not isinstance(match, Match):
        return {}
    if match.prefix is None:
        return _replace("^/.*$", rewrite.path) if rewrite.path else {}
    if rewrite.prefix is None or match.prefix == rewrite.prefix:
        return {}
    # `/chapter` becomes `/`, and `/chapter/1` becomes `/1`: the slash belongs to the prefix.
    return _replace(f"^{re.escape(match.prefix.rstrip('/'))}/?", f"{rewrite.prefix.rstrip('/')}/")


def _replace(regex: str, text: str) -> Resource:
    return {"regex_rewrite": {"pattern": {"regex": regex}, "substitution": text.replace("\\", r"\\")}}


def _host(rewrite: Rewrite) -> Resource:
    """While the service's host leads the request to its router, its own waits in a header."""
    if not rewrite.keep_host:
        return {"request_headers_to_remove": [ORIGINAL_HOST]}
    header = {"header": {"key": ORIGINAL_HOST, "value": "%REQ(:AUTHORITY)%"}, "append_action": _OVERWRITE}
    return {"request_headers_to_add": [header]}


_OVERWRITE = "OVERWRITE_IF_EXISTS_OR_ADD"
