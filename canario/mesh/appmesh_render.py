"""Model → App Mesh manifests."""

from collections.abc import Iterable, Mapping
from typing import Any

from canario.mesh.appmesh_names import (
    API_VERSION,
    RESPONSE_TYPES,
    ROUTE_KINDS,
    Manifest,
    default_host,
    default_name,
)
from canario.mesh.appmesh_tls import render_client_tls, render_listener_tls
from canario.mesh.model import (
    CloudMap,
    Discovery,
    Egress,
    Hostname,
    Mesh,
    Node,
    Port,
    Ref,
    Route,
    Router,
    Selector,
    Service,
    ToNode,
    ToRouter,
)


def render(mesh: Mesh, labels: Mapping[str, str] | None = None) -> list[Manifest]:
    """The mesh's manifests, the Mesh first; each with `labels`. What is as the controller defaults it is
    left out.
    """
    manifests = [
        _manifest("Mesh", None, mesh.name, _mesh_spec(mesh)),
        *(_manifest("VirtualNode", node.ref.namespace, node.ref.name, _node_spec(node)) for node in mesh.nodes),
        *(_manifest("VirtualRouter", r.ref.namespace, r.ref.name, _router_spec(r)) for r in mesh.routers),
        *(_manifest("VirtualService", s.ref.namespace, s.ref.name, _service_spec(s)) for s in mesh.services),
    ]
    if labels:
        for manifest in manifests:
            manifest["metadata"]["labels"] = dict(labels)
    return manifests


def _manifest(kind: str, namespace: str | None, name: str, spec: Manifest) -> Manifest:
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _without_none(**fields: Any) -> Manifest:
    return {key: value for key, value in fields.items() if value is not None}


def _unless(value: str, default: str) -> str | None:
    return None if value == default else value


def _mesh_spec(mesh: Mesh) -> Manifest:
    return _without_none(
        awsName=_unless(mesh.known_as, mesh.name),
        namespaceSelector=_selector_spec(mesh.namespaces),
        egressFilter={"type": str(mesh.egress)} if mesh.egress is not Egress.DROP_ALL else None,
    )


def _node_spec(node: Node) -> Manifest:
    policies = dict(node.call_tls)
    backends = [
        {"virtualService": {"virtualServiceRef": _reference_to(ref, node.ref), **render_client_tls(policies.get(ref))}}
        for ref in node.calls
    ]
    return _without_none(
        awsName=_unless(node.known_as, default_name(node.ref)),
        podSelector=_selector_spec(node.selector),
        listeners=_listeners(node.ports) or None,
        serviceDiscovery=_discovery_spec(node.discovery),
        backends=backends or None,
        backendDefaults=render_client_tls(node.default_tls) or None,
    )


def _router_spec(router: Router) -> Manifest:
    return _without_none(
        awsName=_unless(router.known_as, default_name(router.ref)),
        listeners=_listeners(router.ports) or None,
        routes=[_route_spec(route, router.ref) for route in router.routes] or None,
    )


def _service_spec(service: Service) -> Manifest:
    provider: Manifest | None = None
    match service.provider:
        case ToNode(ref):
            provider = {"virtualNode": {"virtualNodeRef": _reference_to(ref, service.ref)}}
        case ToRouter(ref):
            provider = {"virtualRouter": {"virtualRouterRef": _reference_to(ref, service.ref)}}
    return _without_none(awsName=_unless(service.host, default_host(service.ref)), provider=provider)


def _selector_spec(selector: Selector | None) -> Manifest | None:
    if selector is None:
        return None
    expressions = [
        _without_none(key=r.key, operator=str(r.operator), values=list(r.values) or None) for r in selector.requirements
    ]
    return _without_none(matchLabels=dict(selector.labels) or None, matchExpressions=expressions or None)


def _listeners(ports: Iterable[Port]) -> list[Manifest]:
    return [
        {
            "portMapping": {"port": port.number, "protocol": str(port.protocol)},
            **render_listener_tls(port.tls),
        }
        for port in ports
    ]


def _discovery_spec(discovery: Discovery | None) -> Manifest | None:
    match discovery:
        case Hostname(name, single):
            response = None if single is None else RESPONSE_TYPES[single]
            return {"dns": _without_none(hostname=name, responseType=response)}
        case CloudMap(namespace, service, attributes):
            pairs = [{"key": key, "value": value} for key, value in attributes]
            fields = _without_none(namespaceName=namespace, serviceName=service, attributes=pairs or None)
            return {"awsCloudMap": fields}
    return None


def _reference_to(ref: Ref, owner: Ref) -> Manifest:
    return _without_none(name=ref.name, namespace=_unless(ref.namespace, owner.namespace))


def _route_spec(route: Route, owner: Ref) -> Manifest:
    targets = [
        _without_none(virtualNodeRef=_reference_to(target.node, owner), weight=target.weight, port=target.port)
        for target in route.targets
    ]
    rule = {"match": {"prefix": route.match.prefix}, "action": {"weightedTargets": targets}}
    return _without_none(name=route.name, priority=route.priority, **{ROUTE_KINDS[route.protocol]: rule})
