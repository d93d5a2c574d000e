"""A mesh and its endpoints → the Envoy files of one of its pods. Pure.

Outbound there is a virtual host for each service that the pod's node may call, its router's routes to weighted
clusters, one cluster for each node that a service may send to. Inbound, each of the pod's own listener ports
leads to the application's address.

There are three files, and one for each secret: what changes with a rollout (the outbound routes), with pods (the
clusters), and hardly ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canario.mesh.listeners import Port, Protocol
from canario.mesh.matches import Match, TcpMatch
from canario.mesh.model import Egress, Mesh, Node, Ref, Route, Service, Target, ToNode, ToRouter
from canario.mesh.policies import ConnectionPool, Timeout
from canario.mesh.tls import ClientTls
from lab.envoy import resources as envoy
from lab.envoy.aggregate import counted_cluster
from lab.envoy.files import CDS, LDS, Resource, rds
from lab.envoy.resources import PROBING_AGENTS, Address
from lab.envoy.tcp import tcp_listener
from lab.mesh.endpoints import Endpoints
from lab.mesh.guards import (
    REQUEST_MS,
    RETRIES,
    cluster_fields,
    guarded,
    milliseconds,
    protocol_options,
    request_ms,
    retry_policy,
    timeouts,
)
from lab.mesh.logs import access_log
from lab.mesh.matching import CONNECT, route_match
from lab.mesh.tls import Files, client_fields, secured

OUTBOUND = "outbound"  # the proxy's listener, its counters and its route configuration
OUTBOUND_PORT = 15001
EGRESS = "egress"  # the cluster of everything outside the mesh

OWN_PROXY = "own-proxy"  # the cluster that leads back to this Envoy's outbound proxy
ORIGINAL_HOST = "x-canario-host"  # the Host that a gateway keeps while the service's leads to the service


@dataclass(frozen=True)
class Place:
    """Where one pod's Envoy is: its files, the pod's address, and its application's."""

    directory: Path
    pod_ip: str
    app_ip: str
    mounts: tuple[str, ...] = ()  # into its container


def pod_files(
    mesh: Mesh, node: Node, place: Place, endpoints: Mapping[Ref, Endpoints], vpc: Address
) -> dict[str, list[Resource]]:
    """File → resources, as `lab.envoy.files.write_files` takes them. `endpoints` by node."""
    log, secrets = access_log(node.log, place.directory), Files(place.directory, place.mounts)
    files = {
        CDS: [
            *outbound_clusters(mesh, mesh.callable_by(node), place, endpoints, vpc, secrets, node.tls_to),
            *(_application(place, port) for port in node.ports),
        ],
        rds(OUTBOUND): [outbound_routes(mesh, endpoints, node)],
        LDS: [
            outbound_listener(place, access_log=log),
            *(secured(_inbound_listener(place, port, access_log=log), port, secrets) for port in node.ports),
        ],
    }
    return {**files, **secrets.secrets}


def outbound_listener(place: Place, **fields: Any) -> Resource:
    """The HTTP proxy. By CONNECT it is also the way of TCP, and of HTTP/2 from clients that tunnel."""
    upgrades = [{"upgrade_type": "CONNECT"}]
    address = (place.app_ip, OUTBOUND_PORT)
    return envoy.http_listener(OUTBOUND, address, upgrade_configs=upgrades, **fields)


def outbound_clusters(
    mesh: Mesh,
    services: Sequence[Service],
    place: Place,
    endpoints: Mapping[Ref, Endpoints],
    vpc: Address,
    secrets: Files,
    tls_to: Callable[[Ref], ClientTls | None],
    own: ConnectionPool | None = None,
) -> list[Resource]:
    """Those that `outbound_routes` names.

    `tls_to`: a service → how it is called. `own` limits the way through this Envoy's own proxy.
    """
    through = {**cluster_fields(pool=own), **protocol_options({"use_downstream_protocol_config": _BOTH})}
    return [
        *(
            cluster
            for service, node in _targets(mesh, services)
            for cluster in _node_clusters(
                _cluster(service, node),
                mesh.node(node),
                endpoints.get(node, Endpoints()),
                client_fields(tls_to(service.ref), mesh.node(node), secrets),
            )
        ),
        envoy.static_cluster(OWN_PROXY, [(place.app_ip, OUTBOUND_PORT)], **through),
        envoy.static_cluster(EGRESS, [vpc], **cluster_fields()),
    ]


def outbound_routes(mesh: Mesh, endpoints: Mapping[Ref, Endpoints], caller: Node | None = None) -> Resource:
    """What the mesh's services lead to; all else is refused, or leaves by the VPC where the mesh allows it.

    `caller`: None for a gateway, which may call everything.
    """
    services = mesh.services if caller is None else mesh.callable_by(caller)
    hosts = [_virtual_host(mesh, service, endpoints, caller) for service in _unique_hosts(services)]
    if caller is not None:
        hidden = [each for each in mesh.services if each not in services]
        hosts += [_not_a_backend(caller, each) for each in _unique_hosts(hidden, services)]
    if mesh.egress is Egress.ALLOW_ALL:
        elsewhere = envoy.route({"prefix": "/"}, {"cluster": EGRESS, "timeout": milliseconds(REQUEST_MS)})
    else:
        elsewhere = envoy.answer(404, f"no service of mesh {mesh.name} has this name, and its egress is DROP_ALL\n")
    anything = envoy.virtual_host("*", ["*"], [elsewhere])
    return envoy.route_configuration(OUTBOUND, [*hosts, anything], ignore_port_in_host_matching=True)


def _not_a_backend(caller: Node, service: Service) -> Resource:
    refusal = envoy.answer(404, f"service {service.ref} is not among the backends of node {caller.ref}\n")
    return envoy.virtual_host(str(service.ref), [service.host], [refusal])


def _unique_hosts(services: Iterable[Service], before: Iterable[Service] = ()) -> Iterator[Service]:
    """The services, without those whose host another one has: Envoy refuses a domain that comes twice."""
    seen = {service.host for service in before}
    for service in services:
        if service.host not in seen:
            seen.add(service.host)
            yield service


def _virtual_host(mesh: Mesh, service: Service, endpoints: Mapping[Ref, Endpoints], caller: Node | None) -> Resource:
    routes = [_route(service, route, endpoints, caller) for route in _routes(mesh, service)]
    if all(each["match"] is not CONNECT for each in routes):
        routes.append(envoy.route(CONNECT, {"cluster": OWN_PROXY, **_TUNNEL}))
    nothing = envoy.answer(404, f"service {service.ref} has no route for this request\n")
    return envoy.virtual_host(str(service.ref), [service.host], [*routes, nothing], retry_policy=RETRIES)


def _route(service: Service, route: Route, endpoints: Mapping[Ref, Endpoints], caller: Node | None) -> Resource:
    match = route_match(route.match)
    if not any(target.weight for target in route.targets):
        return envoy.answer(503, f"route {route.name}: every weight is 0\n", match)
    return envoy.route(match, _action(service, route, endpoints, caller), name=route.name)


def _routes(mesh: Mesh, service: Service) -> Sequence[Route]:
    match service.provider:
        case ToNode(ref):
            return [_to_node(ref, mesh.node(ref))]
        case ToRouter(ref):
            router = mesh.router(ref)
            return router.ordered if router else []
    return []


def _to_node(ref: Ref, node: Node | None) -> Route:
    is_tcp = node is not None and any(port.protocol is Protocol.TCP for port in node.ports)
    return Route(name=f"to-{ref.name}", targets=(Target(ref, 1),), match=TcpMatch() if is_tcp else Match())


def _action(service: Service, route: Route, endpoints: Mapping[Ref, Endpoints], caller: Node | None) -> Resource:
    tunnel = _TUNNEL if isinstance(route.match, TcpMatch) else timeouts(route.timeout, *_timeouts_of(caller))
    action = envoy.weighted_clusters(
        [(_cluster(service, target.node), target.weight) for target in route.targets],
        **tunnel,
        **({"retry_policy": retry_policy(route.retry)} if route.retry else {}),
        **({"host_rewrite_header": ORIGINAL_HOST} if caller is None else {}),
    )
    for weighted, target in zip(action["weighted_clusters"]["clusters"], route.targets, strict=True):
        host = endpoints.get(target.node, Endpoints()).host
        if host:
            weighted["host_rewrite_literal"] = host
    return action


def _timeouts_of(caller: Node | None) -> list[Timeout]:
    """App Mesh's timeout of a listener is for what leaves the node, too."""
    return [port.policies.timeout for port in caller.ports] if caller else []


def _targets(mesh: Mesh, services: Iterable[Service]) -> list[tuple[Service, Ref]]:
    """Every (service, node) that a request can take, in a stable order."""
    pairs = {
        (_cluster(service, target.node)): (service, target.node)
        for service in services
        for route in _routes(mesh, service)
        for target in route.targets
    }
    return [pairs[name] for name in sorted(pairs)]


def _cluster(service: Service, node: Ref) -> str:
    return f"egress/{service.ref.namespace}/{service.ref.name}/{node.name}"


def _node_clusters(name: str, node: Node | None, endpoints: Endpoints, tls: Resource) -> list[Resource]:
    port = node.ports[0] if node and node.ports else None
    return counted_cluster(name, sorted(endpoints.addresses), **cluster_fields(port), **guarded(port), **tls)


def _inbound(port: int) -> str:
    return f"inbound_{port}"


def _inbound_listener(place: Place, port: Port, **fields: Any) -> Resource:
    name, address, idle = _inbound(port.number), (place.pod_ip, port.number), port.policies.timeout.idle_ms
    if port.protocol is Protocol.TCP:
        return tcp_listener(name, address, f"ingress/{port.number}", idle, **fields)
    options: Resource = {} if idle is None else {"common_http_protocol_options": {"idle_timeout": milliseconds(idle)}}
    return envoy.http_listener(name, address, routes=_inbound_routes(port), **options, **fields)


def _inbound_routes(port: Port) -> Resource:
    action = {"cluster": f"ingress/{port.number}", "timeout": milliseconds(request_ms(port.policies.timeout))}
    to_application = envoy.route({"prefix": "/"}, action, request_headers_to_remove=[ORIGINAL_HOST])
    host = envoy.virtual_host("application", ["*"], [to_application], retry_policy=RETRIES, virtual_clusters=[_PROBES])
    return envoy.route_configuration(_inbound(port.number), [host])


def _application(place: Place, port: Port) -> Resource:
    fields = cluster_fields(port, pool=port.policies.pool)
    return envoy.static_cluster(f"ingress/{port.number}", [(place.app_ip, port.number)], **fields)


_BOTH: Resource = {"http_protocol_options": {}, "http2_protocol_options": {}}
_TUNNEL: Resource = {"timeout": "0s", "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}]}

# Counts what proxies and kubelets ask by themselves apart (`vhost.application.vcluster.probes.upstream_rq_total`):
# it is no traffic.
_PROBES: Resource = {
    "name": "probes",
    "headers": [{"name": "user-agent", "string_match": {"safe_regex": {"regex": PROBING_AGENTS}}}],
}
