"""Meshes that the dialects must be able to say."""

from dataclasses import replace

from hypothesis import strategies as st

from canario.mesh.gateways import Gateway, GatewayRoute, Rewrite
from canario.mesh.matches import GrpcMatch, Header, How, Match, Query, Range, TcpMatch, Text
from canario.mesh.model import (
    BackendGroup,
    CloudMap,
    Egress,
    Hostname,
    Mesh,
    Node,
    Operator,
    Port,
    Protocol,
    Ref,
    Requirement,
    Route,
    Router,
    Selector,
    Service,
    Target,
    ToNode,
    ToRouter,
)
from canario.mesh.policies import (
    GRPC_EVENTS,
    HTTP_EVENTS,
    TCP_EVENTS,
    AccessLog,
    ConnectionPool,
    HealthCheck,
    ListenerPolicies,
    OutlierDetection,
    Retry,
    Timeout,
)
from canario.mesh.tls import CertificateFiles, ClientTls, ListenerTls, TlsMode, Validation

_hosts_met = st.sampled_from(["a.b", "example.com", "a.b.svc.cluster.local", "b.a.svc.cluster.local"])
odd_hosts = st.sampled_from(["Shop.Example", "my_host.local", "*.example.com"])
names = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
hosts = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){1,3}", fullmatch=True) | _hosts_met
few = st.sampled_from(["a", "b"])
refs = st.builds(Ref, few, few) | st.builds(Ref, names, names)  # so that references meet what they name
labels = st.dictionaries(names, names, max_size=3).map(lambda found: tuple(sorted(found.items())))
requirements = st.one_of(
    st.builds(
        Requirement,
        names,
        st.sampled_from([Operator.IN, Operator.NOT_IN]),
        st.lists(names, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(Requirement, names, st.sampled_from([Operator.EXISTS, Operator.DOES_NOT_EXIST])),
)
selectors = st.builds(Selector, labels, st.lists(requirements, max_size=2).map(tuple))
ports = st.builds(Port, st.integers(1, 65535), st.sampled_from(Protocol))
discoveries = st.one_of(
    st.builds(Hostname, hosts, st.none() | st.booleans()),
    st.builds(CloudMap, hosts, names, labels),
)
targets = st.builds(Target, refs, st.integers(0, 100), st.none() | st.integers(1, 65535))
durations = st.integers(0, 100_000)
timeouts = st.builds(Timeout, st.none() | durations, st.none() | durations)
idle_timeouts = st.builds(Timeout, st.none(), st.none() | durations)
words = st.from_regex(r"[a-z0-9.]{1,10}", fullmatch=True)
priorities = st.none() | st.integers(0, 1000)
header_names = names | st.sampled_from([":authority", "X-Colour"])
headers = st.lists(
    st.builds(
        Header,
        header_names,
        st.none()
        | st.builds(Text, st.sampled_from(How), words)
        | st.builds(Range, st.integers(-9, 9), st.integers(-9, 9)),
        st.booleans(),
    ),
    max_size=3,
).map(tuple)
queries = st.lists(st.builds(Query, names | st.just("a b"), st.none() | words), max_size=3).map(tuple)
paths = st.from_regex(r"/[a-z/]{0,10}", fullmatch=True)
methods = st.none() | st.sampled_from(["GET", "POST"])
ports_asked = st.none() | st.integers(1, 65535)
host_texts = st.none() | st.builds(Text, st.sampled_from([How.EXACT, How.SUFFIX]), hosts | odd_hosts)
whole_paths = st.builds(Text, st.sampled_from([How.EXACT, How.REGEX]), paths)


def _http_matches(**more: st.SearchStrategy) -> st.SearchStrategy:
    said = {"method": methods, "headers": headers, "query": queries, "port": ports_asked, **more}
    by_prefix = st.builds(Match, prefix=paths, path=st.none(), **said)
    return by_prefix | st.builds(Match, prefix=st.none(), path=whole_paths, **said)


def _http_routes(protocol: Protocol) -> st.SearchStrategy:
    matches = _http_matches(scheme=st.none() | st.sampled_from(["http", "https"]))
    return _routes(protocol, matches, retries(HTTP_EVENTS + TCP_EVENTS), timeouts)


def _grpc_routes() -> st.SearchStrategy:
    by_service = st.builds(GrpcMatch, words, st.none() | words, headers, st.none(), ports_asked)
    matches = by_service | st.builds(GrpcMatch, st.none(), st.none(), headers, st.none(), ports_asked)
    return _routes(Protocol.GRPC, matches, retries(HTTP_EVENTS + TCP_EVENTS + GRPC_EVENTS), timeouts)


def _tcp_routes() -> st.SearchStrategy:
    return _routes(Protocol.TCP, st.builds(TcpMatch, ports_asked), st.none(), idle_timeouts)


def retries(events: tuple) -> st.SearchStrategy:
    on = st.sets(st.sampled_from(events)).map(lambda found: tuple(event for event in events if event in found))
    return st.none() | st.builds(Retry, st.integers(0, 9), durations, on)


def _routes(
    protocol: Protocol, matches: st.SearchStrategy, retry: st.SearchStrategy, timeout: st.SearchStrategy
) -> st.SearchStrategy:
    return st.builds(
        Route,
        name=names,
        targets=st.lists(targets, min_size=1, max_size=3).map(tuple),
        match=matches,
        priority=priorities,
        protocol=st.just(protocol),
        retry=retry,
        timeout=timeout,
    )


routes = st.one_of(_http_routes(Protocol.HTTP), _http_routes(Protocol.HTTP2), _grpc_routes(), _tcp_routes())


def _many(route: Route, count: int) -> tuple[Route, ...]:
    """More routes than one object may have."""
    return tuple(replace(route, name=f"{route.name}-{number}") for number in range(count))


small = st.lists(routes, max_size=3).map(tuple)
large = st.builds(_many, routes, st.integers(17, 20))
logs = st.none() | st.one_of(
    st.builds(AccessLog, st.just("/dev/stdout")),
    st.builds(AccessLog, paths, words),
    st.builds(AccessLog, paths, st.none(), st.lists(st.tuples(names, words), min_size=1, max_size=2).map(tuple)),
)
limits = st.integers(1, 2**31 - 1)
POOLS = {
    Protocol.HTTP: st.builds(ConnectionPool, limits, st.none() | limits),
    Protocol.HTTP2: st.builds(ConnectionPool, requests=limits),
    Protocol.GRPC: st.builds(ConnectionPool, requests=limits),
    Protocol.TCP: st.builds(ConnectionPool, limits),
}
outliers = st.builds(OutlierDetection, limits, durations, durations, st.integers(0, 100))


def _checks(protocols: list[str]) -> st.SearchStrategy:
    thresholds = st.integers(2, 10)
    return st.builds(
        HealthCheck,
        st.sampled_from(protocols),
        st.integers(5000, 300_000),
        st.integers(2000, 60_000),
        thresholds,
        thresholds,
        st.none() | paths,
        ports_asked,
    )


file_paths = st.from_regex(r"(/[a-z.]{1,8}){1,3}", fullmatch=True)
certificates = st.builds(CertificateFiles, file_paths, file_paths)
validations = st.builds(Validation, file_paths, st.lists(hosts, max_size=2).map(tuple))
listener_tls = st.none() | st.builds(ListenerTls, st.sampled_from(TlsMode), certificates, st.none() | validations)
client_tls = st.builds(
    ClientTls,
    validations,
    st.none() | certificates,
    st.booleans(),
    st.lists(st.integers(1, 65535), max_size=2).map(tuple),
)
calls = st.lists(st.tuples(refs, st.none() | client_tls), max_size=3, unique_by=lambda call: call[0])


def _calling(node: Node, calls: list[tuple[Ref, ClientTls | None]]) -> Node:
    policies = tuple((service, tls) for service, tls in calls if tls)
    return replace(node, calls=tuple(service for service, _ in calls), call_tls=policies)


def _listener(protocol: Protocol) -> st.SearchStrategy:
    policies = st.builds(
        ListenerPolicies,
        timeout=idle_timeouts if protocol is Protocol.TCP else timeouts,
        outliers=st.none() | outliers,
        pool=st.none() | POOLS[protocol],
        health=st.none() | _checks(["http", "http2", "grpc", "tcp"]),
    )
    return st.builds(Port, st.integers(1, 65535), st.just(protocol), policies, listener_tls)


def _gateway_listener(protocol: Protocol) -> st.SearchStrategy:
    policies = st.builds(
        ListenerPolicies, pool=st.none() | POOLS[protocol], health=st.none() | _checks(["http", "http2", "grpc"])
    )
    return st.builds(Port, st.integers(1, 65535), st.just(protocol), policies, listener_tls)


listeners = st.one_of(*map(_listener, Protocol))
web_protocols = (Protocol.HTTP, Protocol.HTTP2, Protocol.GRPC)
bare_nodes = st.builds(
    Node,
    ref=refs | st.just(Ref("a", "b.c")),
    known_as=names,
    selector=st.none() | selectors,
    ports=st.lists(listeners, max_size=2).map(tuple),
    discovery=st.none() | discoveries,
    default_tls=st.none() | client_tls,
    groups=st.lists(refs, max_size=2).map(tuple),
    log=logs,
)
nodes = st.builds(_calling, bare_nodes, calls)
service_refs = refs | st.sampled_from([Ref("a", "a.example.com"), Ref("a", "1st"), Ref("a", "x" * 70)])
gateways = st.builds(
    Gateway,
    ref=refs,
    known_as=names,
    selector=st.none() | selectors,
    ports=st.lists(st.one_of(*map(_gateway_listener, web_protocols)), max_size=2).map(tuple),
    namespaces=st.none() | selectors,
    routes=st.none() | selectors,
    log=logs,
    tls=st.none() | client_tls,
)
by_prefix = st.builds(Rewrite, st.none() | st.just("/") | paths, st.none(), st.booleans())
by_path = st.builds(Rewrite, st.just("/"), st.none() | paths, st.booleans())


def _gateway_routes(protocol: Protocol) -> st.SearchStrategy:
    if protocol is Protocol.GRPC:
        match = st.builds(GrpcMatch, st.none() | words, st.none(), headers, host_texts, ports_asked)
        pairs = st.tuples(match, st.builds(Rewrite, keep_host=st.booleans()))
    else:
        matches = _http_matches(host=host_texts)
        pairs = matches.flatmap(lambda match: st.tuples(st.just(match), by_path if match.path else by_prefix))
    return st.builds(
        lambda pair, **fields: GatewayRoute(match=pair[0], rewrite=pair[1], **fields),
        pairs,
        ref=refs,
        known_as=names,
        service=refs,
        priority=priorities,
        protocol=st.just(protocol),
        port=ports_asked,
    )


gateway_routes = st.one_of(*map(_gateway_routes, web_protocols))
groups = st.builds(BackendGroup, refs, st.lists(refs, max_size=3).map(tuple))
routers = st.builds(
    Router,
    ref=refs,
    known_as=names,
    ports=st.lists(ports, min_size=1, max_size=2).map(tuple),
    routes=st.integers(0, 9).flatmap(lambda chance: large if chance == 9 else small),
)
services = st.builds(
    Service, service_refs, hosts | odd_hosts, st.none() | st.builds(ToNode, refs) | st.builds(ToRouter, refs)
)


def _each_once(parts: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(parts, max_size=3, unique_by=lambda part: part.ref).map(tuple)


meshes = st.builds(
    Mesh,
    name=names,
    known_as=names,
    namespaces=st.none() | selectors,
    egress=st.sampled_from(Egress),
    nodes=_each_once(nodes),
    routers=_each_once(routers),
    services=_each_once(services),
    gateways=_each_once(gateways),
    gateway_routes=_each_once(gateway_routes),
    groups=_each_once(groups),
)
