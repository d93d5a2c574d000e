"""A mesh and its endpoints → the Envoy files of one of its pods. Pure.

Outbound, every pod of a mesh sees the same: a virtual host for each service, its router's routes to weighted
clusters, one cluster for each node that a service may send to. Inbound, each of the pod's own listener ports
leads to the application's address.

Every file costs an Envoy one of its user's inotify instances, of which Linux gives 128 by default; so there are
only three: what changes with a rollout (the outbound routes), with pods (the clusters), and hardly ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from canario.mesh.model import Egress, Mesh, Node, Ref, Route, Service, Target, ToNode, ToRouter
from lab.envoy import resources as envoy
from lab.envoy.aggregate import counted_cluster
from lab.envoy.files import CDS, LDS, Resource, rds
from lab.envoy.resources import Address
from lab.mesh.endpoints import Endpoints
from lab.mesh.tls import Files, client_fields, secured

OUTBOUND = "outbound"  # the proxy's listener, its counters and its route configuration
OUTBOUND_PORT = 15001
WATCHED_FILES = 3
EGRESS = "egress"  # the cluster of everything outside the mesh

# App Mesh's own default retried 503 answers too (twice). An answer of the application is the canary's evidence,
# so only requests that no application has seen are sent again: rolling restarts lose nothing by it.
_PREVIOUS_HOSTS = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
RETRIES: Resource = {
    "retry_on": "connect-failure,refused-stream,reset-before-request",
    "num_retries": 2,
    "retry_host_predicate": [
        {
            "name": "envoy.retry_host_predicates.previous_hosts",
            "typed_config": {"@type": f"type.googleapis.com/{_PREVIOUS_HOSTS}"},
        }
    ],
    "host_selection_retry_max_attempts": "3",
}
_TIMEOUT_SECONDS = 15  # App Mesh's default for an HTTP route
_IDLE_SECONDS = 4  # shorter than any server's keep-alive: it is the client that closes an idle connection
_NO_LIMIT = 1_000_000_000  # App Mesh sets no circuit breaker by default


@dataclass(frozen=True)
class Place:
    """Where one pod's Envoy is: its files, the pod's address, and its application's; what is mounted into it."""

    directory: Path
    pod_ip: str
    app_ip: str
    mounts: tuple[str, ...] = ()


def pod_files(
    mesh: Mesh, node: Node, place: Place, endpoints: Mapping[Ref, Endpoints], vpc: Address
) -> dict[str, list[Resource]]:
    """File → resources, as `lab.envoy.files.write_files` takes them. `endpoints` by node."""
    secrets = Files(place.directory, place.mounts)
    files = {
        CDS: [
            *_outbound_clusters(mesh, node, endpoints, secrets),
            *(_application(place, port.number) for port in node.ports),
            envoy.static_cluster(EGRESS, [vpc], **_CLUSTER_FIELDS),
        ],
        rds(OUTBOUND): [outbound_routes(mesh, endpoints)],
        LDS: [
            envoy.http_listener(OUTBOUND, (place.app_ip, OUTBOUND_PORT), place.directory),
            *(secured(_inbound_listener(place, port.number), port, secrets) for port in node.ports),
        ],
    }
    return {**files, **secrets.secrets}


def outbound_routes(mesh: Mesh, endpoints: Mapping[Ref, Endpoints]) -> Resource:
    """What the mesh's services lead to; all else is refused, or leaves by the VPC where the mesh allows it."""
    hosts = [_virtual_host(mesh, service, endpoints) for service in _unique_hosts(mesh)]
    if mesh.egress is Egress.ALLOW_ALL:
        elsewhere = envoy.route({"prefix": "/"}, {"cluster": EGRESS, "timeout": envoy.seconds(_TIMEOUT_SECONDS)})
    else:
        elsewhere = envoy.answer(404, f"no service of mesh {mesh.name} has this name, and its egress is DROP_ALL\n")
    anything = envoy.virtual_host("*", ["*"], [elsewhere])
    return envoy.route_configuration(OUTBOUND, [*hosts, anything], ignore_port_in_host_matching=True)


def _unique_hosts(mesh: Mesh) -> Iterator[Service]:
    """The services, without those whose host another one has: Envoy refuses a domain that comes twice."""
    seen: set[str] = set()
    for service in mesh.services:
        if service.host not in seen:
            seen.add(service.host)
            yield service


def _virtual_host(mesh: Mesh, service: Service, endpoints: Mapping[Ref, Endpoints]) -> Resource:
    routes = [
        envoy.route({"prefix": route.match.prefix}, _action(service, route.targets, endpoints), name=route.name)
        if any(target.weight for target in route.targets)
        else envoy.answer(503, f"route {route.name}: every weight is 0\n", {"prefix": route.match.prefix})
        for route in _routes(mesh, service)
    ]
    nothing = envoy.answer(404, f"service {service.ref} has no route for this request\n")
    return envoy.virtual_host(str(service.ref), [service.host], [*routes, nothing], retry_policy=RETRIES)


def _routes(mesh: Mesh, service: Service) -> Sequence[Route]:
    match service.provider:
        case ToNode(ref):
            return [Route(name=f"to-{ref.name}", targets=(Target(ref, 1),))]
        case ToRouter(ref):
            router = mesh.router(ref)
            return router.ordered if router else []
    return []


def _action(service: Service, targets: Sequence[Target], endpoints: Mapping[Ref, Endpoints]) -> Resource:
    action = envoy.weighted_clusters(
        [(_cluster(service, target.node), target.weight) for target in targets],
        timeout=envoy.seconds(_TIMEOUT_SECONDS),
    )
    for weighted, target in zip(action["weighted_clusters"]["clusters"], targets, strict=True):
        host = endpoints.get(target.node, Endpoints()).host
        if host:
            weighted["host_rewrite_literal"] = host
    return action


def _targets(mesh: Mesh) -> list[tuple[Service, Ref]]:
    """Every (service, node) that a request can take, in a stable order."""
    pairs = {
        (_cluster(service, target.node)): (service, target.node)
        for service in mesh.services
        for route in _routes(mesh, service)
        for target in route.targets
    }
    return [pairs[name] for name in sorted(pairs)]


def _cluster(service: Service, node: Ref) -> str:
    return f"egress/{service.ref.namespace}/{service.ref.name}/{node.name}"


def _outbound_clusters(
    mesh: Mesh, caller: Node, endpoints: Mapping[Ref, Endpoints], secrets: Files
) -> Iterator[Resource]:
    for service, ref in _targets(mesh):
        tls = client_fields(caller.tls_to(service.ref), mesh.node(ref), secrets)
        addresses = sorted(endpoints.get(ref, Endpoints()).addresses)
        yield from counted_cluster(_cluster(service, ref), addresses, **_CLUSTER_FIELDS, **tls)


def _inbound(port: int) -> str:
    return f"inbound_{port}"


def _inbound_listener(place: Place, port: int) -> Resource:
    routes = _inbound_routes(port)
    return envoy.http_listener(_inbound(port), (place.pod_ip, port), place.directory, routes=routes)


def _inbound_routes(port: int) -> Resource:
    to_application = envoy.route({"prefix": "/"}, {"cluster": f"ingress/{port}", "timeout": "0s"})
    host = envoy.virtual_host("application", ["*"], [to_application], retry_policy=RETRIES, virtual_clusters=[_PROBES])
    return envoy.route_configuration(_inbound(port), [host])


def _application(place: Place, port: int) -> Resource:
    return envoy.static_cluster(f"ingress/{port}", [(place.app_ip, port)], **_CLUSTER_FIELDS)


def _limits() -> Resource:
    names = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
    return {"thresholds": [dict.fromkeys(names, _NO_LIMIT)]}


# Counts the kubelet's probes apart (`vhost.application.vcluster.probes.upstream_rq_total`): they are no traffic.
_PROBES: Resource = {
    "name": "probes",
    "headers": [{"name": "user-agent", "string_match": {"prefix": envoy.PROBE_AGENT}}],
}
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_CLUSTER_FIELDS: Resource = {
    "circuit_breakers": _limits(),
    "typed_extension_protocol_options": {
        _HTTP_OPTIONS: {
            "@type": f"type.googleapis.com/{_HTTP_OPTIONS}",
            "common_http_protocol_options": {"idle_timeout": envoy.seconds(_IDLE_SECONDS)},
            "explicit_http_config": {"http_protocol_options": {}},
        }
    },
}
