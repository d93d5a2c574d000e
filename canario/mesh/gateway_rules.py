"""Rules of HTTPRoutes, GRPCRoutes and TCPRoutes → routes of the model."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from canario.errors import InvalidInput
from canario.mesh.fields import Fields
from canario.mesh.gateway_matches import read_grpc_match, read_hostnames, read_http_match
from canario.mesh.gateway_names import ISTIO_GROUP, default_known_as, outside_host, ref_of
from canario.mesh.gateway_policies import read_duration
from canario.mesh.gateway_routes import default_port
from canario.mesh.gateway_through import through_gateway
from canario.mesh.gateways import GatewayRoute, Rewrite
from canario.mesh.listeners import Protocol
from canario.mesh.matches import AnyMatch, GrpcMatch, Match, TcpMatch
from canario.mesh.model import Mesh, Node, Route, Target
from canario.mesh.policies import Timeout
from canario.mesh.refs import Ref

Found = Mapping[str, Any]

_PROTOCOLS = {"HTTPRoute": Protocol.HTTP, "GRPCRoute": Protocol.GRPC, "TCPRoute": Protocol.TCP}


@dataclass(frozen=True)
class Rules:
    """What reading a rule needs to know of the rest: the nodes."""

    nodes: Mapping[Ref, Node] = field(default_factory=dict)

    def at_host(self, host: str, path: str) -> Ref:
        """The node outside the cluster that has this name."""
        for ref, node in self.nodes.items():
            if outside_host(node) == host:
                return ref
        raise InvalidInput(path, host, "the host of a ServiceEntry")


def parents_of(route: Found) -> list[tuple[str, Ref]]:
    """(kind, name) of what a route hangs on."""
    owner = ref_of(route)
    return [
        (str(parent.get("kind", "Gateway")), Ref(parent.get("namespace") or owner.namespace, parent["name"]))
        for parent in route["spec"].get("parentRefs") or ()
    ]


def sends_to_one(route: Found, ref: Ref) -> bool:
    """Whether a rule of the route sends to the Service."""
    owner = ref_of(route)
    backends = [backend for rule in route["spec"].get("rules") or () for backend in rule.get("backendRefs") or ()]
    return any(Ref(each.get("namespace") or owner.namespace, each["name"]) == ref for each in backends)


def read_router(route: Found, rules: Rules) -> tuple[Route, ...]:
    """A route for each match of each rule."""
    ref, kind = ref_of(route), route["kind"]
    found = []
    with Fields(route["spec"], f"{kind} {ref}: spec") as spec:
        spec.skip("parentRefs")
        for index, rule in enumerate(spec.items("rules")):
            found += _rule(rule, index, kind, ref, rules)
    return tuple(found)


def _rule(rule: Fields, index: int, kind: str, owner: Ref, rules: Rules) -> list[Route]:
    with rule:
        name = rule.text_or("name", f"rule-{index + 1}")
        matches = [_match(fields, kind) for fields in rule.items("matches")] if kind != "TCPRoute" else []
        timeout = _timeout(rule.inner_or_none("timeouts")) if kind == "HTTPRoute" else Timeout()
        targets = tuple(_target(backend, owner, rules) for backend in rule.items("backendRefs"))
    protocol = _PROTOCOLS[kind]
    return [
        Route(name if at == 0 else f"{name}-{at + 1}", targets, match, protocol=protocol, timeout=timeout)
        for at, match in enumerate(matches or [_everything(kind)])
    ]


def _match(fields: Fields, kind: str) -> AnyMatch:
    return read_http_match(fields) if kind == "HTTPRoute" else read_grpc_match(fields)


def _everything(kind: str) -> AnyMatch:
    everything: dict[str, AnyMatch] = {"HTTPRoute": Match(), "GRPCRoute": GrpcMatch(), "TCPRoute": TcpMatch()}
    return everything[kind]


def _timeout(fields: Fields | None) -> Timeout:
    if fields is None:
        return Timeout()
    with fields:
        written = fields.text_or("request", "")
        return Timeout(read_duration(written, fields.where("request")) if written else None)


def _target(backend: Fields, owner: Ref, rules: Rules) -> Target:
    with backend:
        kind, group = backend.text_or("kind", "Service"), backend.text_or("group", "")
        if (kind, group) not in (("Service", ""), ("Hostname", ISTIO_GROUP)):
            raise InvalidInput(backend.where("kind"), kind, f"Service, of no group, or Hostname of {ISTIO_GROUP}")
        name, namespace = backend.text("name"), backend.text_or("namespace", owner.namespace)
        ref = Ref(namespace, name) if kind == "Service" else rules.at_host(name, backend.where("name"))
        weight, port = backend.number_or_none("weight"), backend.number_or_none("port")
        usual = port == default_port(rules.nodes.get(ref))
        return Target(ref, 1 if weight is None else weight, None if usual else port)


def read_gateway_route(route: Found, mesh: Mesh) -> GatewayRoute:
    """Of several rules the last, the least specific, says what comes in; the others are its service's routes.

    Raises InvalidInput when a rule has several matches: each is a route of its own.
    """
    ref, kind = ref_of(route), route["kind"]
    with Fields(route["spec"], f"{kind} {ref}: spec") as spec:
        spec.skip("parentRefs")
        hosts, rules = spec.texts("hostnames"), spec.items("rules")
        if not rules:
            return GatewayRoute(ref, default_known_as(ref), ref, protocol=_PROTOCOLS[kind], match=_all_of(kind))
        with rules[-1] as rule:
            rule.skip("timeouts")  # of the service's route
            matches = [_match(fields, kind) for fields in rule.items("matches")]
            if len(matches) > 1:
                raise InvalidInput(rule.where("matches"), len(matches), "one match")
            match = matches[0] if matches else _everything(kind)
            rewrite = _rewrite(rule, match)
            targets = tuple(_target(b, ref, Rules({n.ref: n for n in mesh.nodes})) for b in rule.items("backendRefs"))
    if isinstance(match, TcpMatch):
        raise InvalidInput(f"{kind} {ref}", kind, "HTTPRoute, GRPCRoute")
    try:
        match = replace(match, host=read_hostnames(hosts))
    except ValueError as error:
        allowed = "one host, everything below one, or both of one: example.com, *.example.com"
        raise InvalidInput(f"{kind} {ref}: spec.hostnames", list(hosts), allowed) from error
    service, port = _service_of(mesh, targets)
    return GatewayRoute(
        ref, default_known_as(ref), service or ref, match, rewrite, protocol=_PROTOCOLS[kind], port=port
    )


def _all_of(kind: str) -> Match | GrpcMatch:
    return GrpcMatch() if kind == "GRPCRoute" else Match()


def _rewrite(rule: Fields, match: AnyMatch) -> Rewrite:
    prefix = None if isinstance(match, Match) and match.prefix not in (None, "/") else "/"
    path, keep = None, True
    for fields in rule.items("filters"):
        with fields:
            kind = fields.text("type")
            if kind != "URLRewrite":
                raise InvalidInput(fields.where("type"), kind, "URLRewrite")
            with fields.inner("urlRewrite") as rewrite:
                keep = not rewrite.present("hostname")
                rewrite.skip("hostname")
                if new := rewrite.inner_or_none("path"):
                    with new:
                        prefix = new.text_or("replacePrefixMatch", "") or prefix
                        path = new.text_or("replaceFullPath", "") or None
                        new.skip("type")
    return Rewrite(prefix, path, keep)


def _service_of(mesh: Mesh, targets: tuple[Target, ...]) -> tuple[Ref | None, int | None]:
    """The service that a gateway's route leads to, and the port it names: a service itself, or the nodes of one."""
    if len(targets) == 1 and mesh.service(targets[0].node) and mesh.node(targets[0].node) is None:
        return targets[0].node, targets[0].port
    nodes = [target.node for target in targets]
    for service in mesh.services:
        ways = through_gateway(mesh, GatewayRoute(service.ref, "", service.ref))
        if nodes and any([target.node for target in way.targets] == nodes for way in ways):
            return service.ref, None
    return (nodes[0], targets[0].port) if nodes else (None, None)
