"""Model → the native fields of Gateway API and Istio objects, without notes: what acts on traffic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from canario.mesh.appmesh_writing import selector_spec, without_none
from canario.mesh.gateway_names import (
    APP_PROTOCOLS,
    GATEWAY_API,
    GATEWAY_CLASS,
    GATEWAY_GROUP,
    ISTIO_NETWORKING,
    ROUTE_KINDS,
    Manifest,
    full_host,
    hosts_of_cluster,
    manifest,
    outside_host,
    ref_of,
)
from canario.mesh.gateway_outside import outside_rules
from canario.mesh.gateway_parts import parts
from canario.mesh.gateway_policies import destination_rule, log_telemetry, peer_authentication
from canario.mesh.gateway_routes import DEFAULT_PORT, free, gateway_route, router_routes, service_route
from canario.mesh.gateways import Gateway
from canario.mesh.listeners import Port
from canario.mesh.model import Egress, Mesh, Node, Service, ToNode, ToRouter
from canario.mesh.refs import Operator, Ref, Requirement, Selector

NOTHING = Selector(requirements=(Requirement("kubernetes.io/metadata.name", Operator.DOES_NOT_EXIST),))
MOST_LABELS = 8  # of a Gateway's infrastructure
MOST_SENDERS = 16  # of a ReferenceGrant
GRANT = "canario-routes"
MESH_WIDE = "default"  # the name of a namespace's own Sidecar
CONTROL_PLANE = "istio-system/*"


@dataclass(frozen=True)
class Written:
    """A manifest, what it stands for in the model, and the things whose notes it carries: (role, the thing's name)."""

    manifest: Manifest
    roles: tuple[str, ...] = ()
    carries: tuple[tuple[str, Ref], ...] = ()
    owner: tuple[str, Ref] | None = None  # of what carries nothing: the thing for which it is there

    @property
    def made_for(self) -> tuple[str, Ref] | None:
        return self.owner or (self.carries[0] if self.carries else None)


def native(mesh: Mesh, namespaces: Sequence[str] = ()) -> list[Written]:
    """The objects of a mesh, those that carry its own notes first. `namespaces`: those that are the mesh's, unless all
    that it has something in are.
    """
    routes = _routes(mesh)
    return [
        *_sidecars(mesh, namespaces or namespaces_of(mesh)),
        *_services(mesh),
        *_entries(mesh),
        *routes,
        *(Written(grant) for grant in _grants(routes)),
        *(Written(_gateway(gateway), ("gateway",), (("gateway", gateway.ref),)) for gateway in mesh.gateways),
        *_policies(mesh),
    ]


def namespaces_of(mesh: Mesh) -> tuple[str, ...]:
    """Those that have objects of the mesh; `default` when there are none."""
    parts = (mesh.nodes, mesh.routers, mesh.services, mesh.gateways, mesh.gateway_routes, mesh.groups)
    return tuple(sorted({part.ref.namespace for found in parts for part in found})) or (MESH_WIDE,)


def _sidecars(mesh: Mesh, namespaces: Sequence[str]) -> list[Written]:
    """What pods may reach: a Sidecar for each namespace, and one for each node that says what it calls."""
    policy = {"outboundTrafficPolicy": {"mode": "ALLOW_ANY" if mesh.egress is Egress.ALLOW_ALL else "REGISTRY_ONLY"}}
    found, taken = [], {}
    for index, namespace in enumerate(namespaces):
        ref = Ref(namespace, MESH_WIDE)
        taken["Sidecar", ref] = True
        made = manifest(ISTIO_NETWORKING, "Sidecar", ref, dict(policy))
        found.append(Written(made, ("mesh",), (("mesh", ref),) if index == 0 else (), ("mesh", ref)))
    for node in mesh.nodes:
        hosts = _hosts_called(mesh, node)
        if hosts and node.selector and node.selector.labels:
            ref = free("Sidecar", node.ref, "node", taken)
            spec = {"workloadSelector": {"labels": dict(node.selector.labels)}, "egress": [{"hosts": hosts}], **policy}
            found.append(Written(manifest(ISTIO_NETWORKING, "Sidecar", ref, spec), ("node",), owner=("node", node.ref)))
    return found


def _hosts_called(mesh: Mesh, node: Node) -> list[str]:
    """What a Sidecar lets through: the services and the nodes behind them. Empty when the node may call all."""
    if not node.calls and not node.groups:
        return []
    services = mesh.callable_by(node)
    if services == mesh.services and not node.calls:
        return []
    refs = [*node.calls, *(service.ref for service in services if service.ref not in node.calls)]
    behind = [ref for service in services for ref in nodes_behind(mesh, service)]
    return list(
        dict.fromkeys(
            [*(called_host(mesh, ref) for ref in refs), *(node_host(mesh, ref) for ref in behind), CONTROL_PLANE]
        )
    )


def called_host(mesh: Mesh, ref: Ref) -> str:
    service = mesh.service(ref)
    own = service is not None and service.host not in hosts_of_cluster(ref)
    return f"{ref.namespace}/{service.host}" if service and own else _visible(ref)


def _visible(ref: Ref) -> str:
    return f"{ref.namespace}/{full_host(ref)}"


def node_host(mesh: Mesh, ref: Ref) -> str:
    node = mesh.node(ref)
    host = outside_host(node) if node else None
    return f"{ref.namespace}/{host}" if host else _visible(ref)


def nodes_behind(mesh: Mesh, service: Service) -> tuple[Ref, ...]:
    match service.provider:
        case ToNode(node):
            return (node,)
        case ToRouter(ref):
            router = mesh.router(ref)
            return tuple(dict.fromkeys(t.node for route in router.routes for t in route.targets)) if router else ()
    return ()


def _services(mesh: Mesh) -> list[Written]:
    """A Service for each node with pods and each service, one for both where they have one name."""
    found = []
    outside = {node.ref for node in mesh.nodes if outside_host(node)}
    for node in mesh.nodes:
        if node.ref not in outside:
            service = mesh.service(node.ref)
            ports = (*node.ports, *(ports_of(mesh, service) if service else ()))
            found.append(_written(service_manifest(node.ref, ports, node.selector), node, service))
    for service in mesh.services:
        if mesh.node(service.ref) is None or service.ref in outside:
            made = service_manifest(service.ref, ports_of(mesh, service), None)
            found.append(Written(made, ("service",), (("service", service.ref),)))
    return found


def _written(made: Manifest, node: Node, service: Service | None) -> Written:
    carries = (("node", node.ref), ("service", node.ref)) if service else (("node", node.ref),)
    return Written(made, tuple(role for role, _ in carries), carries)


def ports_of(mesh: Mesh, service: Service) -> tuple[Port, ...]:
    """Where clients call the service: at the ports of its router, or of its node."""
    match service.provider:
        case ToNode(ref):
            node = mesh.node(ref)
            return node.ports if node else ()
        case ToRouter(ref):
            router = mesh.router(ref)
            return router.ports if router else ()
    return ()


def service_manifest(ref: Ref, ports: Iterable[Port], selector: Selector | None) -> Manifest:
    numbers = {port.number: port.protocol for port in reversed(tuple(ports))}
    written = [
        {"name": f"{protocol}-{number}", "port": number, "protocol": "TCP", "appProtocol": APP_PROTOCOLS[protocol]}
        for number, protocol in sorted(numbers.items())
    ]
    labels = dict(selector.labels) if selector else {}
    # Kubernetes wants a port of every Service but a headless one.
    spec = without_none(clusterIP=None if written else "None", selector=labels or None, ports=written or None)
    return manifest("v1", "Service", ref, spec)


def _entries(mesh: Mesh) -> list[Written]:
    """ServiceEntries: the names that clients call where they are none of the cluster's, and the nodes outside it."""
    found, taken = [], {}
    outside = {host: node for node in reversed(mesh.nodes) if (host := outside_host(node))}
    for service in mesh.services:
        if service.host in hosts_of_cluster(service.ref):
            continue
        taken["ServiceEntry", service.ref] = True
        node = outside.pop(service.host, None)
        if node:  # the service's name is also where its node is
            made = _entry(service.ref, service.host, (*node.ports, *ports_of(mesh, service)), "MESH_EXTERNAL")
            carries = (("node", node.ref),)
            found.append(Written(made, ("service", "node"), carries, ("service", service.ref)))
        else:
            made = _entry(service.ref, service.host, ports_of(mesh, service), "MESH_INTERNAL")
            found.append(Written(made, ("service",), owner=("service", service.ref)))
    for node in mesh.nodes:
        if node in outside.values() or (outside_host(node) and not _is_written(node, found)):
            ref = free("ServiceEntry", node.ref, "node", taken)
            taken["ServiceEntry", ref] = True
            made = _entry(ref, str(outside_host(node)), node.ports, "MESH_EXTERNAL")
            found.append(Written(made, ("node",), (("node", node.ref),)))
    return found


def _is_written(node: Node, found: Iterable[Written]) -> bool:
    return any(("node", node.ref) in each.carries for each in found)


def _entry(ref: Ref, host: str, ports: Iterable[Port], location: str) -> Manifest:
    numbers = {port.number: port.protocol for port in reversed(tuple(ports))}
    written = [
        {"name": f"{protocol}-{number}", "number": number, "protocol": str(protocol).upper()}
        for number, protocol in sorted(numbers.items())
    ]
    spec = without_none(hosts=[host], location=location, resolution="DNS", ports=written or None)
    return manifest(ISTIO_NETWORKING, "ServiceEntry", ref, spec)


def _grants(written: Iterable[Written]) -> list[Manifest]:
    """What lets a route send to another namespace's Services: a ReferenceGrant in each namespace sent to."""
    senders: dict[str, set[tuple[str, str]]] = {}
    for each in written:
        here = each.manifest["metadata"]["namespace"]
        for rule in each.manifest["spec"].get("rules") or ():
            for backend in rule.get("backendRefs") or ():
                if backend.get("namespace"):
                    senders.setdefault(backend["namespace"], set()).add((each.manifest["kind"], here))
    return [grant for namespace, found in sorted(senders.items()) for grant in _grants_in(namespace, sorted(found))]


def _grants_in(namespace: str, senders: Sequence[tuple[str, str]]) -> list[Manifest]:
    chunks = [senders[at : at + MOST_SENDERS] for at in range(0, len(senders), MOST_SENDERS)]
    return [
        manifest(
            GATEWAY_API,
            "ReferenceGrant",
            Ref(namespace, f"{GRANT}-{number}" if number > 1 else GRANT),
            {
                "from": [{"group": GATEWAY_GROUP, "kind": kind, "namespace": here} for kind, here in chunk],
                "to": [{"group": "", "kind": "Service"}],
            },
        )
        for number, chunk in enumerate(chunks, start=1)
    ]


def _routes(mesh: Mesh) -> list[Written]:
    wholes = []
    taken: dict[tuple[str, Ref], bool] = {}
    for router in mesh.routers:
        for index, made in enumerate(router_routes(mesh, router)):
            taken[made["kind"], router.ref] = True
            carried = (("router", router.ref),) if index == 0 else ()
            wholes.append(Written(made, ("router",), carried, ("router", router.ref)))
    for service in mesh.services:
        if to_node := service_route(mesh, service, free("HTTPRoute", service.ref, "service", taken)):
            taken[to_node["kind"], ref_of(to_node)] = True
            wholes.append(Written(to_node, ("service",), owner=("service", service.ref)))
    for route in mesh.gateway_routes:
        ref = free(ROUTE_KINDS[route.protocol], route.ref, "gateway", taken)
        taken[ROUTE_KINDS[route.protocol], ref] = True
        made = gateway_route(mesh, route, ref)
        carried = (("gateway-route", route.ref),)
        wholes.append(Written(made, ("gateway-route",), carried, ("gateway-route", route.ref)))
    return [part for whole in wholes for part in _parts(whole, taken)]


def _parts(whole: Written, taken: dict[tuple[str, Ref], bool]) -> list[Written]:
    kind = whole.manifest["kind"]
    first, *more = parts(whole.manifest, lambda ref: (kind, ref) not in taken)
    taken.update({(kind, ref_of(each)): True for each in more})
    return [replace(whole, manifest=first), *(replace(whole, manifest=each, carries=()) for each in more)]


def _gateway(gateway: Gateway) -> Manifest:
    labels = dict(gateway.selector.labels[:MOST_LABELS]) if gateway.selector else {}
    ports = {port.number: port for port in reversed(gateway.ports or (Port(DEFAULT_PORT),))}
    spec = without_none(
        gatewayClassName=GATEWAY_CLASS,
        infrastructure={"labels": labels} if labels else None,
        listeners=[_listener(port, gateway) for _, port in sorted(ports.items())],
    )
    return manifest(GATEWAY_API, "Gateway", gateway.ref, spec)


def _listener(port: Port, gateway: Gateway) -> Manifest:
    secure = port.tls is not None and port.tls.is_on
    tls = {"mode": "Terminate", "certificateRefs": [{"name": certificate_secret(gateway)}]}
    return without_none(
        name=f"{port.protocol}-{port.number}",
        port=port.number,
        protocol="HTTPS" if secure else "HTTP",
        tls=tls if secure else None,
        allowedRoutes={"namespaces": _allowed(gateway.namespaces)},
    )


def certificate_secret(gateway: Gateway) -> str:
    """The Secret that has a gateway's certificate, which App Mesh had in files."""
    return f"{gateway.ref.name}-certificate"


def _allowed(namespaces: Selector | None) -> Manifest:
    if namespaces == Selector():
        return {"from": "All"}
    return {"from": "Selector", "selector": selector_spec(namespaces or NOTHING)}


def _policies(mesh: Mesh) -> Iterable[Written]:
    taken = {("DestinationRule", node.ref): True for node in mesh.nodes}
    for rule, owner in outside_rules(mesh):
        ref = free("DestinationRule", ref_of(rule), "outside", taken)
        taken["DestinationRule", ref] = True
        rule["metadata"]["name"] = ref.name
        yield Written(rule, owner=owner)
    for node in mesh.nodes:
        labels = dict(node.selector.labels) if node.selector else {}
        scope = {"selector": {"matchLabels": labels}} if labels else None
        made = (
            destination_rule(node),
            peer_authentication(node.ref, node.selector, node.ports),
            log_telemetry(node.ref, node.log, scope),
        )
        yield from (Written(each, owner=("node", node.ref)) for each in made if each)
    for gateway in mesh.gateways:
        target = {"targetRefs": [{"group": GATEWAY_GROUP, "kind": "Gateway", "name": gateway.ref.name}]}
        name = Ref(gateway.ref.namespace, f"{gateway.ref.name}-gateway" if mesh.node(gateway.ref) else gateway.ref.name)
        if made_log := log_telemetry(name, gateway.log, target):
            yield Written(made_log, owner=("gateway", gateway.ref))
