"""App Mesh manifests → model. Refuses by its path (InvalidInput) what the model has no words for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from canario.errors import InvalidInput
from canario.mesh.appmesh_names import API_VERSION, RESPONSE_TYPES, ROUTE_KINDS, default_host, default_name
from canario.mesh.appmesh_tls import parse_client_tls, parse_default_tls, parse_listener_tls
from canario.mesh.fields import Fields
from canario.mesh.model import (
    CloudMap,
    Discovery,
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
from canario.mesh.tls import ClientTls, ListenerTls


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
    )


def parse_mesh(manifest: Mapping[str, Any]) -> Mesh:
    """The Mesh object alone, without nodes, routers and services."""
    name = manifest["metadata"]["name"]
    with _spec(manifest) as spec:
        egress = Egress.DROP_ALL
        if inner := spec.inner_or_none("egressFilter"):
            with inner:
                egress = _choice(Egress, inner, "type")
        return Mesh(name, spec.text_or("awsName", name), _selector(spec, "namespaceSelector"), egress)


def parse_node(manifest: Mapping[str, Any]) -> Node:
    ref = _ref_of(manifest)
    with _spec(manifest) as spec:
        spec.skip("meshRef")
        backends = [_backend(backend, ref) for backend in spec.items("backends")]
        return Node(
            ref,
            known_as=spec.text_or("awsName", default_name(ref)),
            selector=_selector(spec, "podSelector"),
            ports=tuple(_port(listener, parse_listener_tls(listener)) for listener in spec.items("listeners")),
            discovery=_discovery(spec),
            calls=tuple(service for service, _ in backends),
            default_tls=parse_default_tls(spec),
            call_tls=tuple((service, tls) for service, tls in backends if tls),
        )


def parse_router(manifest: Mapping[str, Any]) -> Router:
    ref = _ref_of(manifest)
    with _spec(manifest) as spec:
        spec.skip("meshRef")
        return Router(
            ref,
            known_as=spec.text_or("awsName", default_name(ref)),
            ports=tuple(_port(listener) for listener in spec.items("listeners")),
            routes=tuple(_route(route, ref) for route in spec.items("routes")),
        )


def parse_service(manifest: Mapping[str, Any]) -> Service:
    ref = _ref_of(manifest)
    with _spec(manifest) as spec:
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
}
_KINDS = f"Mesh, {', '.join(_PARSERS)} of {API_VERSION}"


def _require_member(mesh: Mesh, manifest: Mapping[str, Any]) -> None:
    reference = manifest.get("spec", {}).get("meshRef")
    if reference and reference.get("name") != mesh.name:
        where = f"{manifest['kind']} {_ref_of(manifest)}: spec.meshRef.name"
        raise InvalidInput(where, reference.get("name"), f"{mesh.name}, the mesh of the other manifests")


def _spec(manifest: Mapping[str, Any]) -> Fields:
    metadata = manifest["metadata"]
    name = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
    return Fields(manifest.get("spec") or {}, f"{manifest['kind']} {name}: spec")


def _ref_of(manifest: Mapping[str, Any]) -> Ref:
    return Ref(manifest["metadata"].get("namespace", "default"), manifest["metadata"]["name"])


def _choice(kind: Any, fields: Fields, name: str) -> Any:
    value = fields.text(name)
    if value not in list(kind):
        raise InvalidInput(fields.where(name), value, ", ".join(kind))
    return kind(value)


def _selector(spec: Fields, name: str) -> Selector | None:
    inner = spec.inner_or_none(name)
    if inner is None:
        return None
    with inner:
        return Selector(
            inner.pairs("matchLabels"),
            tuple(_requirement(fields) for fields in inner.items("matchExpressions")),
        )


def _requirement(fields: Fields) -> Requirement:
    with fields:
        return Requirement(fields.text("key"), _choice(Operator, fields, "operator"), fields.texts("values"))


def _port(listener: Fields, tls: ListenerTls | None = None) -> Port:
    with listener, listener.inner("portMapping") as mapping:
        return Port(mapping.number("port"), _choice(Protocol, mapping, "protocol"), tls)


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
        return _reference(service, "virtualServiceRef", owner), parse_client_tls(service)


def _reference(fields: Fields, name: str, owner: Ref) -> Ref:
    with fields.inner(name) as reference:
        return Ref(reference.text_or("namespace", owner.namespace), reference.text("name"))


def _provider(fields: Fields, owner: Ref) -> ToNode | ToRouter | None:
    node, router = fields.inner_or_none("virtualNode"), fields.inner_or_none("virtualRouter")
    if node and router:
        raise InvalidInput(fields.path, ["virtualNode", "virtualRouter"], "one of the two")
    if node:
        with node:
            return ToNode(_reference(node, "virtualNodeRef", owner))
    if router:
        with router:
            return ToRouter(_reference(router, "virtualRouterRef", owner))
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
        with fields.inner(key) as rule, rule.inner("match") as match, rule.inner("action") as action:
            targets = tuple(_target(target, owner) for target in action.items("weightedTargets"))
            return Route(name, targets, Match(match.text_or("prefix", "/")), priority, protocol)


def _target(fields: Fields, owner: Ref) -> Target:
    with fields:
        node = _reference(fields, "virtualNodeRef", owner)
        return Target(node, fields.number("weight"), fields.number_or_none("port"))
