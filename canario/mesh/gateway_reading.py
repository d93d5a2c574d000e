"""Native fields of Gateway API and Istio objects → model, notes left aside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from canario.errors import InvalidInput
from canario.mesh.appmesh_reading import selector
from canario.mesh.fields import Fields
from canario.mesh.gateway_names import (
    APP_PROTOCOLS,
    GATEWAY_API,
    ISTIO_NETWORKING,
    ISTIO_SECURITY,
    ISTIO_TELEMETRY,
    MEMBER,
    ROLE,
    annotation,
    default_host,
    default_known_as,
    full_host,
    ref_of,
)
from canario.mesh.gateway_native import CONTROL_PLANE, MESH_WIDE, NOTHING, called_host
from canario.mesh.gateway_parts import joined
from canario.mesh.gateway_policies import (
    ISTIO_FILES,
    LOG_PATH,
    read_peer_authentication,
    read_policies,
)
from canario.mesh.gateway_rules import Rules, parents_of, read_gateway_route, read_router, sends_to_one
from canario.mesh.gateways import Gateway, GatewayRoute
from canario.mesh.listeners import Port, Protocol
from canario.mesh.model import AccessLog, Egress, Hostname, Mesh, Node, Router, Service, ToNode, ToRouter
from canario.mesh.policies import ListenerPolicies
from canario.mesh.refs import Ref, Selector
from canario.mesh.tls import ListenerTls, TlsMode

Found = Mapping[str, Any]

KINDS = {
    ("v1", "Service"),
    *((GATEWAY_API, kind) for kind in ("Gateway", "HTTPRoute", "GRPCRoute", "TCPRoute", "ReferenceGrant")),
    *((ISTIO_NETWORKING, kind) for kind in ("DestinationRule", "ServiceEntry", "Sidecar")),
    (ISTIO_SECURITY, "PeerAuthentication"),
    (ISTIO_TELEMETRY, "Telemetry"),
}
ROUTES = ("HTTPRoute", "GRPCRoute", "TCPRoute")
_ANY = "*"


class Objects:
    """The manifests of a mesh by kind. Raises InvalidInput for one of another kind, or of another mesh."""

    def __init__(self, manifests: Sequence[Found]) -> None:
        self._found: dict[str, list[Found]] = {}
        for found in joined(manifests):
            if (found.get("apiVersion"), found.get("kind")) not in KINDS:
                allowed = ", ".join(sorted(f"{kind} of {version}" for version, kind in KINDS))
                raise InvalidInput("kind", f"{found.get('apiVersion')} {found.get('kind')}", allowed)
            self._found.setdefault(found["kind"], []).append(found)
        names = dict.fromkeys(name for each in manifests if (name := annotation(each, MEMBER)))
        if len(names) > 1:
            raise InvalidInput(f"annotation {MEMBER}", list(names), "the same mesh for every manifest")
        self.mesh = next(iter(names), "default")

    def of(self, *kinds: str) -> list[Found]:
        return [found for kind in kinds for found in self._found.get(kind, ())]

    def at(self, kind: str, ref: Ref) -> Found | None:
        return next((found for found in self.of(kind) if ref_of(found) == ref), None)

    def routes(self, role: str) -> list[Found]:
        return [route for route in self.of(*ROUTES) if _role_of(route) == role]


def read(manifests: Sequence[Found]) -> Mesh:
    """The mesh that the native fields describe."""
    objects = Objects(manifests)
    nodes = [
        *(_node(objects, found) for found in objects.of("Service") if "node" in _roles(objects, found)),
        *(_node_outside(objects, found) for found in objects.of("ServiceEntry") if _is_outside(found)),
    ]
    rules = Rules({node.ref: node for node in nodes})
    routers = _routers(objects, rules)
    services = [
        _service(objects, rules, routers, found)
        for found in objects.of("Service")
        if "service" in _roles(objects, found)
    ]
    mesh = Mesh(
        name=objects.mesh,
        known_as=objects.mesh,
        egress=_egress(objects),
        nodes=tuple(nodes),
        routers=tuple(routers),
        services=tuple(services),
        gateways=tuple(_gateway(objects, found) for found in objects.of("Gateway")),
    )
    mesh = replace(mesh, nodes=tuple(replace(node, calls=_calls(objects, mesh, node)) for node in mesh.nodes))
    return replace(mesh, gateway_routes=_gateway_routes(objects, mesh))


def _role_of(route: Found) -> str:
    written = annotation(route, ROLE)
    if written:
        return written
    return "gateway-route" if any(kind == "Gateway" for kind, _ in parents_of(route)) else "router"


def _roles(objects: Objects, service: Found) -> tuple[str, ...]:
    """What a Service stands for: what it says itself, else what the routes do with it."""
    written = annotation(service, ROLE)
    if written is not None:
        return tuple(written.split())
    ref = ref_of(service)
    routes = objects.routes("router")
    is_service = any(("Service", ref) in parents_of(route) for route in routes)
    is_node = any(sends_to_one(route, ref) for route in routes)
    return ("node",) * is_node + ("service",) * is_service


def _node(objects: Objects, found: Found) -> Node:
    ref, spec = ref_of(found), found.get("spec") or {}
    labels = tuple(sorted((spec.get("selector") or {}).items()))
    policies, tls = _of_ports(objects, ref, labels)
    ports = [
        Port(
            each["port"],
            _protocol(each),
            policies.get(each["port"], ListenerPolicies()),
            tls.get(each["port"], tls.get(0)),
        )
        for each in spec.get("ports") or ()
    ]
    return Node(
        ref,
        default_known_as(ref),
        Selector(labels) if labels else None,
        tuple(ports),
        Hostname(full_host(ref)) if labels else None,  # its own Service finds its pods
        log=_log(objects, ref),
    )


def _is_outside(entry: Found) -> bool:
    written = annotation(entry, ROLE)
    return "node" in written.split() if written is not None else entry["spec"].get("location") == "MESH_EXTERNAL"


def _node_outside(objects: Objects, entry: Found) -> Node:
    ref, spec = ref_of(entry), entry["spec"]
    policies, _ = _of_ports(objects, ref, ())
    ports = tuple(
        Port(each["number"], _protocol(each), policies.get(each["number"], ListenerPolicies()))
        for each in spec.get("ports") or ()
    )
    return Node(ref, default_known_as(ref), ports=ports, discovery=Hostname(spec["hosts"][0]))


def _of_ports(
    objects: Objects, ref: Ref, labels: tuple[tuple[str, str], ...]
) -> tuple[dict[int, ListenerPolicies], dict[int, ListenerTls]]:
    rule = objects.at("DestinationRule", ref)
    authentication = objects.at("PeerAuthentication", ref)
    selected = authentication and (authentication["spec"].get("selector") or {}).get("matchLabels") == dict(labels)
    return (
        read_policies(rule) if rule else {},
        read_peer_authentication(authentication) if authentication and selected else {},
    )


def _protocol(port: Found) -> Protocol:
    written = port.get("appProtocol")
    for protocol, theirs in APP_PROTOCOLS.items():
        if written == theirs:
            return protocol
    prefix = str(port.get("name", "")).split("-")[0]
    return Protocol(prefix) if prefix in list(Protocol) else Protocol.HTTP if written is None else Protocol.TCP


def _log(objects: Objects, ref: Ref) -> AccessLog | None:
    return AccessLog(LOG_PATH) if objects.at("Telemetry", ref) else None


def _routers(objects: Objects, rules: Rules) -> list[Router]:
    """The routes of one name are one router's, whatever their kinds."""
    found: dict[Ref, Router] = {}
    for route in objects.routes("router"):
        ref = ref_of(route)
        known = found.get(ref) or Router(ref, default_known_as(ref), _ports_of_parents(objects, route))
        found[ref] = replace(known, routes=(*known.routes, *read_router(route, rules)))
    return list(found.values())


def _ports_of_parents(objects: Objects, route: Found) -> tuple[Port, ...]:
    for kind, ref in parents_of(route):
        if kind == "Service" and (service := objects.at("Service", ref)):
            return tuple(Port(each["port"], _protocol(each)) for each in service["spec"].get("ports") or ())
    return ()


def _service(objects: Objects, rules: Rules, routers: Iterable[Router], found: Found) -> Service:
    ref = ref_of(found)
    entry = objects.at("ServiceEntry", ref)
    return Service(ref, entry["spec"]["hosts"][0] if entry else default_host(ref), _provider(objects, rules, ref))


def _provider(objects: Objects, rules: Rules, ref: Ref) -> ToNode | ToRouter | None:
    for route in objects.routes("router"):
        if ("Service", ref) in parents_of(route):
            return ToRouter(ref_of(route))
    for route in objects.routes("service"):
        if ("Service", ref) in parents_of(route):
            targets = [target for each in read_router(route, rules) for target in each.targets]
            return ToNode(targets[0].node) if targets else None
    return ToNode(ref) if ref in rules.nodes else None


def _egress(objects: Objects) -> Egress:
    for sidecar in objects.of("Sidecar"):
        if not sidecar["spec"].get("workloadSelector"):
            mode = (sidecar["spec"].get("outboundTrafficPolicy") or {}).get("mode")
            return Egress.DROP_ALL if mode == "REGISTRY_ONLY" else Egress.ALLOW_ALL
    return Egress.ALLOW_ALL  # what Istio does where nothing is said


def _calls(objects: Objects, mesh: Mesh, node: Node) -> tuple[Ref, ...]:
    """The services in the Sidecar that selects the node's pods."""
    for sidecar in objects.of("Sidecar"):
        labels = (sidecar["spec"].get("workloadSelector") or {}).get("labels")
        if node.selector and labels == dict(node.selector.labels) and ref_of(sidecar).namespace == node.ref.namespace:
            hosts = [host for egress in sidecar["spec"].get("egress") or () for host in egress["hosts"]]
            services = {called_host(mesh, service.ref): service.ref for service in mesh.services}
            return tuple(services[host] for host in hosts if host in services)
    return ()


def _gateway(objects: Objects, found: Found) -> Gateway:
    ref = ref_of(found)
    with Fields(found["spec"], f"Gateway {ref}: spec") as spec:
        spec.skip("gatewayClassName", "addresses", "listeners", "infrastructure")
        labels = (found["spec"].get("infrastructure") or {}).get("labels") or {}
        listeners = [_listener(fields) for fields in spec.items("listeners")]
    log = objects.at("Telemetry", Ref(ref.namespace, f"{ref.name}-gateway")) or objects.at("Telemetry", ref)
    logged = log and any(each.get("kind") == "Gateway" for each in log["spec"].get("targetRefs") or ())
    return Gateway(
        ref,
        default_known_as(ref),
        Selector(tuple(sorted(labels.items()))) if labels else None,
        tuple(port for port, _ in listeners),
        listeners[0][1] if listeners else None,
        log=AccessLog(LOG_PATH) if logged else None,
    )


def _listener(fields: Fields) -> tuple[Port, Selector | None]:
    with fields:
        fields.skip("tls")
        name, number, protocol = fields.text("name"), fields.number("port"), fields.text("protocol")
        if protocol not in ("HTTP", "HTTPS"):
            raise InvalidInput(fields.where("protocol"), protocol, "HTTP, HTTPS")
        prefix = name.split("-")[0]
        tls = ListenerTls(TlsMode.STRICT, ISTIO_FILES) if protocol == "HTTPS" else None
        port = Port(number, Protocol(prefix) if prefix in list(Protocol) else Protocol.HTTP, tls=tls)
        return port, _allowed(fields.inner_or_none("allowedRoutes"))


def _allowed(routes: Fields | None) -> Selector | None:
    if routes is None:
        return None
    with routes:
        namespaces = routes.inner_or_none("namespaces")
        if namespaces is None:
            return None
        with namespaces:
            how, found = namespaces.text_or("from", "Same"), selector(namespaces, "selector")
            if how == "All":
                return Selector()
            return None if found == NOTHING else found


def _gateway_routes(objects: Objects, mesh: Mesh) -> tuple[GatewayRoute, ...]:
    return tuple(read_gateway_route(route, mesh) for route in objects.routes("gateway-route"))


__all__ = ["CONTROL_PLANE", "MESH_WIDE", "Objects", "read"]
