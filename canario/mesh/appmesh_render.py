"""Model → App Mesh manifests."""

from collections.abc import Mapping

from canario.mesh.appmesh_gateways import gateway_route_spec, gateway_spec, group_spec
from canario.mesh.appmesh_matches import match_spec
from canario.mesh.appmesh_names import (
    API_VERSION,
    RESPONSE_TYPES,
    ROUTE_KINDS,
    Manifest,
    default_host,
    default_name,
)
from canario.mesh.appmesh_policies import log_spec, port_spec, retry_spec, timeout_spec
from canario.mesh.appmesh_tls import render_client_tls
from canario.mesh.appmesh_writing import reference_to, selector_spec, unless, without_none
from canario.mesh.model import (
    CloudMap,
    Discovery,
    Egress,
    Hostname,
    Mesh,
    Node,
    Protocol,
    Ref,
    Route,
    Router,
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
        *(_manifest("VirtualGateway", g.ref.namespace, g.ref.name, gateway_spec(g)) for g in mesh.gateways),
        *(_manifest("GatewayRoute", r.ref.namespace, r.ref.name, gateway_route_spec(r)) for r in mesh.gateway_routes),
        *(_manifest("BackendGroup", g.ref.namespace, g.ref.name, group_spec(g)) for g in mesh.groups),
    ]
    if labels:
        for manifest in manifests:
            manifest["metadata"]["labels"] = dict(labels)
    return manifests


def _manifest(kind: str, namespace: str | None, name: str, spec: Manifest) -> Manifest:
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _mesh_spec(mesh: Mesh) -> Manifest:
    return without_none(
        awsName=unless(mesh.known_as, mesh.name),
        namespaceSelector=selector_spec(mesh.namespaces),
        egressFilter={"type": str(mesh.egress)} if mesh.egress is not Egress.DROP_ALL else None,
    )


def _node_spec(node: Node) -> Manifest:
    policies = dict(node.call_tls)
    backends = [
        {"virtualService": {"virtualServiceRef": reference_to(ref, node.ref), **render_client_tls(policies.get(ref))}}
        for ref in node.calls
    ]
    return without_none(
        awsName=unless(node.known_as, default_name(node.ref)),
        podSelector=selector_spec(node.selector),
        listeners=[port_spec(port) for port in node.ports] or None,
        serviceDiscovery=_discovery_spec(node.discovery),
        backends=backends or None,
        backendDefaults=render_client_tls(node.default_tls) or None,
        backendGroups=[reference_to(ref, node.ref) for ref in node.groups] or None,
        logging=log_spec(node.log),
    )


def _router_spec(router: Router) -> Manifest:
    return without_none(
        awsName=unless(router.known_as, default_name(router.ref)),
        listeners=[port_spec(port) for port in router.ports] or None,
        routes=[_route_spec(route, router.ref) for route in router.routes] or None,
    )


def _service_spec(service: Service) -> Manifest:
    provider: Manifest | None = None
    match service.provider:
        case ToNode(ref):
            provider = {"virtualNode": {"virtualNodeRef": reference_to(ref, service.ref)}}
        case ToRouter(ref):
            provider = {"virtualRouter": {"virtualRouterRef": reference_to(ref, service.ref)}}
    return without_none(awsName=unless(service.host, default_host(service.ref)), provider=provider)


def _discovery_spec(discovery: Discovery | None) -> Manifest | None:
    match discovery:
        case Hostname(name, single):
            response = None if single is None else RESPONSE_TYPES[single]
            return {"dns": without_none(hostname=name, responseType=response)}
        case CloudMap(namespace, service, attributes):
            pairs = [{"key": key, "value": value} for key, value in attributes]
            fields = without_none(namespaceName=namespace, serviceName=service, attributes=pairs or None)
            return {"awsCloudMap": fields}
    return None


def _route_spec(route: Route, owner: Ref) -> Manifest:
    targets = [
        without_none(virtualNodeRef=reference_to(target.node, owner), weight=target.weight, port=target.port)
        for target in route.targets
    ]
    rule = without_none(
        match=match_spec(route.match),
        action={"weightedTargets": targets},
        retryPolicy=retry_spec(route.retry),
        timeout=timeout_spec(route.timeout),
    )
    if route.protocol is not Protocol.TCP:
        rule.setdefault("match", {})
    return without_none(name=route.name, priority=route.priority, **{ROUTE_KINDS[route.protocol]: rule})
