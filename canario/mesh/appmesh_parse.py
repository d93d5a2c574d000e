"""App Mesh manifests → model. Refuses by its path (InvalidInput) what the model has no words for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from canario.errors import InvalidInput
from canario.mesh.appmesh_gateways import parse_gateway, parse_gateway_route, parse_group
from canario.mesh.appmesh_matches import read_match
from canario.mesh.appmesh_names import API_VERSION, RESPONSE_TYPES, ROUTE_KINDS, default_host, default_name
from canario.mesh.appmesh_policies import read_log, read_port, read_retry, read_timeout
from canario.mesh.appmesh_reading import choice, plain_reference, ref_of, reference, selector, spec_of
from canario.mesh.appmesh_tls import parse_client_tls, parse_default_tls
from canario.mesh.fields import Fields
from canario.mesh.model import (
    CloudMap,
    Discovery,
    Egress,
    Hostname,
    Mesh,
    Node,
    Port,
    Protocol,
    Ref,
    Route,
    Router,
    Service,
    Target,
    ToNode,
    ToRouter,
)
from canario.mesh.tls import ClientTls


def parse(manifests: Sequence[Mapping[str, Any]]) -> Mesh:
    """The mesh that the manifests describe: exactly one Mesh, any number of the others, in any order."""
    found: dict[str, list[Mapping[str, Any]]] = {kind: [] for kind in ("Mesh", *_PARSERS)}
    for manifest in manifests:
        if manifest.get("apiVersion") != API_VERSION or manifest.get("kind") not in found:
            raise InvalidInput("kind", f"{manifest.get('apiVersion')} {manifest.get('kind')}", _KINDS)
        found[manifest["kind"]].append(manifest)
    if len(found["Mesh"]) != 1:
        raise InvalidInput("Mesh", [manifest["metadata"]["name"] for manifest in found["Mesh"]], "exactly one")
    mesh = parse_mesh(found["Mesh"][0])
    for kind in _PARSERS:
        for manifest in found[kind]:
            _require_member(mesh, manifest)
    return Mesh(
        mesh.name,
        mesh.known_as,
        mesh.namespaces,
        mesh.egress,
        nodes=tuple(map(parse_node, found["VirtualNode"])),
        routers=tuple(map(parse_router, found["VirtualRouter"])),
        services=tuple(map(parse_service, found["VirtualService"])),
        gateways=tuple(map(parse_gateway, found["VirtualGateway"])),
        gateway_routes=tuple(map(parse_gateway_route, found["GatewayRoute"])),
        groups=tuple(map(parse_group, found["BackendGroup"])),
    )


def parse_mesh(manifest: Mapping[str, Any]) -> Mesh:
    """The Mesh object alone, without nodes, routers and services."""
    name = manifest["metadata"]["name"]
    with spec_of(manifest) as spec:
        egress = Egress.DROP_ALL
        if inner := spec.inner_or_none("egressFilter"):
            with inner:
                egress = choice(Egress, inner, "type")
        return Mesh(name, spec.text_or("awsName", name), selector(spec, "namespaceSelector"), egress)


def parse_node(manifest: Mapping[str, Any]) -> Node:
    ref = ref_of(manifest)
    with spec_of(manifest) as spec:
        spec.skip("meshRef")
        backends = [_backend(backend, ref) for backend in spec.items("backends")]
        return Node(
            ref,
            known_as=spec.text_or("awsName", default_name(ref)),
            selector=selector(spec, "podSelector"),
            ports=tuple(read_port(listener) for listener in spec.items("listeners")),
            discovery=_discovery(spec),
            calls=tuple(service for service, _ in backends),
            default_tls=parse_default_tls(spec),
            call_tls=tuple((service, tls) for service, tls in backends if tls),
            groups=tuple(_group(group, ref) for group in spec.items("backendGroups")),
            log=read_log(spec),
        )


def parse_router(manifest: Mapping[str, Any]) -> Router:
    ref = ref_of(manifest)
    with spec_of(manifest) as spec:
        spec.skip("meshRef")
        return Router(
            ref,
            known_as=spec.text_or("awsName", default_name(ref)),
            ports=tuple(_router_port(listener) for listener in spec.items("listeners")),
            routes=tuple(_route(route, ref) for route in spec.items("routes")),
        )


def parse_service(manifest: Mapping[str, Any]) -> Service:
    ref = ref_of(manifest)
    with spec_of(manifest) as spec:
        spec.skip("meshRef")
        host = spec.text_or("awsName", default_host(ref))
        provider: ToNode | ToRouter | None = None
        if inner := spec.inner_or_none("provider"):
            with inner:
                provider = _provider(inner, ref)
        return Service(ref, host, provider)


_PARSERS: dict[str, Callable[[Mapping[str, Any]], object]] = {
    "VirtualNode": parse_node,
    "VirtualRouter": parse_router,
    "VirtualService": parse_service,
    "VirtualGateway": parse_gateway,
    "GatewayRoute": parse_gateway_route,
    "BackendGroup": parse_group,
}
_KINDS = f"Mesh, {', '.join(_PARSERS)} of {API_VERSION}"


def _require_member(mesh: Mesh, manifest: Mapping[str, Any]) -> None:
    reference = manifest.get("spec", {}).get("meshRef")
    if reference and reference.get("name") != mesh.name:
        where = f"{manifest['kind']} {ref_of(manifest)}: spec.meshRef.name"
        raise InvalidInput(where, reference.get("name"), f"{mesh.name}, the mesh of the other manifests")


def _router_port(listener: Fields) -> Port:
    with listener, listener.inner("portMapping") as mapping:
        return Port(mapping.number("port"), choice(Protocol, mapping, "protocol"))


def _discovery(spec: Fields) -> Discovery | None:
    fields = spec.inner_or_none("serviceDiscovery")
    if fields is None:
        return None
    with fields:
        dns, cloud_map = fields.inner_or_none("dns"), fields.inner_or_none("awsCloudMap")
        if dns and cloud_map:
            raise InvalidInput(fields.path, ["dns", "awsCloudMap"], "one of the two")
        return _hostname(dns) if dns else _cloud_map(cloud_map) if cloud_map else None


def _hostname(fields: Fields) -> Hostname:
    with fields:
        response = fields.text_or("responseType", "")
        if response and response not in RESPONSE_TYPES.values():
            raise InvalidInput(fields.where("responseType"), response, ", ".join(RESPONSE_TYPES.values()))
        return Hostname(fields.text("hostname"), {"LOADBALANCER": True, "ENDPOINTS": False}.get(response))


def _cloud_map(fields: Fields) -> CloudMap:
    with fields:
        attributes = []
        for attribute in fields.items("attributes"):
            with attribute:
                attributes.append((attribute.text("key"), attribute.text("value")))
        return CloudMap(fields.text("namespaceName"), fields.text("serviceName"), tuple(attributes))


def _backend(backend: Fields, owner: Ref) -> tuple[Ref, ClientTls | None]:
    with backend, backend.inner("virtualService") as service:
        return reference(service, "virtualServiceRef", owner), parse_client_tls(service)


def _group(group: Fields, owner: Ref) -> Ref:
    with group:
        return plain_reference(group, owner)


def _provider(fields: Fields, owner: Ref) -> ToNode | ToRouter | None:
    node, router = fields.inner_or_none("virtualNode"), fields.inner_or_none("virtualRouter")
    if node and router:
        raise InvalidInput(fields.path, ["virtualNode", "virtualRouter"], "one of the two")
    if node:
        with node:
            return ToNode(reference(node, "virtualNodeRef", owner))
    if router:
        with router:
            return ToRouter(reference(router, "virtualRouterRef", owner))
    return None


def _route(fields: Fields, owner: Ref) -> Route:
    with fields:
        name, priority = fields.text("name"), fields.number_or_none("priority")
        kinds = [(protocol, key) for protocol, key in ROUTE_KINDS.items() if fields.present(key)]
        fields.skip(*(key for _, key in kinds))
        if len(kinds) != 1:
            fields.close()
            raise InvalidInput(fields.path, [key for _, key in kinds], f"one of {', '.join(ROUTE_KINDS.values())}")
        protocol, key = kinds[0]
        with fields.inner(key) as rule, rule.inner("action") as action:
            return Route(
                name,
                targets=tuple(_target(target, owner) for target in action.items("weightedTargets")),
                match=read_match(_match_of(rule, protocol), protocol),
                priority=priority,
                protocol=protocol,
                retry=read_retry(rule.inner_or_none("retryPolicy")) if protocol is not Protocol.TCP else None,
                timeout=read_timeout(rule.inner_or_none("timeout")),
            )


def _match_of(rule: Fields, protocol: Protocol) -> Fields | None:
    return rule.inner_or_none("match") if protocol is Protocol.TCP else rule.inner("match")


def _target(fields: Fields, owner: Ref) -> Target:
    with fields:
        node = reference(fields, "virtualNodeRef", owner)
        return Target(node, fields.number("weight"), fields.number_or_none("port"))
