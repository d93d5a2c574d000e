"""Meshes that the dialects must be able to say."""

from dataclasses import replace

from hypothesis import strategies as st

from canario.mesh.model import (
    CloudMap,
    Egress,
    Hostname,
    Match,
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
from canario.mesh.tls import CertificateFiles, ClientTls, ListenerTls, TlsMode, Validation

names = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
hosts = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){1,3}", fullmatch=True)
refs = st.builds(Ref, names, names)
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
routes = st.builds(
    Route,
    name=names,
    targets=st.lists(targets, min_size=1, max_size=10).map(tuple),
    match=st.builds(Match, st.from_regex(r"/[a-z/]{0,10}", fullmatch=True)),
    priority=st.none() | st.integers(0, 1000),
    protocol=st.sampled_from([Protocol.HTTP, Protocol.HTTP2]),
)
paths = st.from_regex(r"(/[a-z.]{1,8}){1,3}", fullmatch=True)
certificates = st.builds(CertificateFiles, paths, paths)
validations = st.builds(Validation, paths, st.lists(hosts, max_size=2).map(tuple))
listener_tls = st.builds(ListenerTls, st.sampled_from(TlsMode), certificates, st.none() | validations)
client_tls = st.builds(
    ClientTls,
    validations,
    st.none() | certificates,
    st.booleans(),
    st.lists(st.integers(1, 65535), max_size=2).map(tuple),
)
listeners = st.builds(Port, st.integers(1, 65535), st.sampled_from(Protocol), st.none() | listener_tls)
calls = st.lists(st.tuples(refs, st.none() | client_tls), max_size=3, unique_by=lambda call: call[0])


def _calling(node: Node, calls: list[tuple[Ref, ClientTls | None]]) -> Node:
    policies = tuple((service, tls) for service, tls in calls if tls)
    return replace(node, calls=tuple(service for service, _ in calls), call_tls=policies)


bare_nodes = st.builds(
    Node,
    ref=refs,
    known_as=names,
    selector=st.none() | selectors,
    ports=st.lists(listeners, max_size=2).map(tuple),
    discovery=st.none() | discoveries,
    default_tls=st.none() | client_tls,
)
nodes = st.builds(_calling, bare_nodes, calls)
routers = st.builds(
    Router,
    ref=refs,
    known_as=names,
    ports=st.lists(ports, min_size=1, max_size=2).map(tuple),
    routes=st.lists(routes, max_size=3).map(tuple),
)
services = st.builds(Service, refs, hosts, st.none() | st.builds(ToNode, refs) | st.builds(ToRouter, refs))


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
)
