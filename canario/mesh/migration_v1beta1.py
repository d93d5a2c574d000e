"""`appmesh.k8s.aws/v1beta1`, App Mesh's first version of its objects, as manifests of v1beta2.

A VirtualService of it is a VirtualService and its VirtualRouter. Nodes have no podSelector: their pods are those of
the Services that they are found by. What is not known here stays where it is, so that parsing refuses it by name.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from canario.mesh.appmesh_names import API_VERSION
from canario.mesh.appmesh_writing import without_none

OLD = "appmesh.k8s.aws/v1beta1"
_ROUTES = {"http": "httpRoute", "http2": "http2Route", "grpc": "grpcRoute", "tcp": "tcpRoute"}

Manifest = dict[str, Any]


def upgraded(manifest: Mapping[str, Any], others: Iterable[Any]) -> list[Manifest]:
    """The manifests of v1beta2 that say the same. `others`: the documents among which its backends are looked for."""
    spec = dict(_mapping(manifest.get("spec")))
    spec.pop("meshName", None)
    match manifest.get("kind"):
        case "Mesh":
            spec.pop("serviceDiscoveryType", None)
            return [_with_spec(manifest, spec)]
        case "VirtualNode":
            return [_with_spec(manifest, _node(spec, _namespaces(others)))]
        case "VirtualService":
            return _service(manifest, spec)
    return [_with_spec(manifest, spec)]


def _with_spec(manifest: Mapping[str, Any], spec: Mapping[str, Any], kind: str | None = None) -> Manifest:
    return {**manifest, "apiVersion": API_VERSION, "kind": kind or manifest.get("kind"), "spec": dict(spec)}


def _namespaces(others: Iterable[Any]) -> dict[str, str]:
    """The namespace of each VirtualService of v1beta1 by its name, by which all of the mesh call it."""
    found = {}
    for each in others:
        if isinstance(each, Mapping) and each.get("apiVersion") == OLD and each.get("kind") == "VirtualService":
            metadata = _mapping(each.get("metadata"))
            if metadata.get("namespace"):
                found[str(metadata.get("name"))] = str(metadata["namespace"])
    return found


def _node(spec: Manifest, namespaces: Mapping[str, str]) -> Manifest:
    found = dict(_mapping(spec.get("serviceDiscovery")))
    dns, cloud_map = found.pop("dns", None), found.pop("cloudMap", None)
    if isinstance(dns, Mapping):
        dns = _renamed(dns, "hostName", "hostname")
    backends = spec.get("backends")
    if isinstance(backends, list):
        spec["backends"] = [_backend(each, namespaces) for each in backends]
    if "serviceDiscovery" in spec:
        spec["serviceDiscovery"] = without_none(dns=dns, awsCloudMap=cloud_map, **found)
    return spec


def _backend(backend: Any, namespaces: Mapping[str, str]) -> Any:
    service = _mapping(_mapping(backend).get("virtualService"))
    if "virtualServiceName" not in service:
        return backend
    name = service["virtualServiceName"]
    ref = without_none(name=name, namespace=namespaces.get(str(name)))
    rest = {key: value for key, value in service.items() if key != "virtualServiceName"}
    return {**backend, "virtualService": {**rest, "virtualServiceRef": ref}}


def _service(manifest: Mapping[str, Any], spec: Manifest) -> list[Manifest]:
    """The service is called by its name; its router has the routes."""
    name = _mapping(manifest.get("metadata")).get("name")
    router = dict(_mapping(spec.pop("virtualRouter", None)))
    routes = spec.pop("routes", None)
    router_name = router.pop("name", None) or name
    routed = {**router, "routes": [_route(each) for each in routes] if isinstance(routes, list) else routes}
    provider = {"virtualRouter": {"virtualRouterRef": {"name": router_name}}}
    metadata = {**_mapping(manifest.get("metadata")), "name": router_name}
    return [
        _with_spec(manifest, {"awsName": name, "provider": provider, **spec}),
        _with_spec({**manifest, "metadata": metadata}, routed, "VirtualRouter"),
    ]


def _route(route: Any) -> Any:
    if not isinstance(route, Mapping):
        return route
    return {_ROUTES.get(key, key): _rule(value) if key in _ROUTES else value for key, value in route.items()}


def _rule(rule: Any) -> Any:
    if not isinstance(rule, Mapping):
        return rule
    changed = dict(rule)
    targets = _mapping(rule.get("action")).get("weightedTargets")
    if isinstance(targets, list):
        changed["action"] = {**rule["action"], "weightedTargets": [_target(each) for each in targets]}
    retry = rule.get("retryPolicy")
    if isinstance(retry, Mapping) and "perRetryTimeoutMillis" in retry:
        rest = {key: value for key, value in retry.items() if key != "perRetryTimeoutMillis"}
        changed["retryPolicy"] = {**rest, "perRetryTimeout": {"unit": "ms", "value": retry["perRetryTimeoutMillis"]}}
    return changed


def _target(target: Any) -> Any:
    """A node is named alone, or with its namespace: `blue`, `blue.shop`."""
    if not isinstance(target, Mapping) or not isinstance(target.get("virtualNodeName"), str):
        return target
    name, _, namespace = target["virtualNodeName"].partition(".")
    rest = {key: value for key, value in target.items() if key != "virtualNodeName"}
    return {"virtualNodeRef": without_none(name=name, namespace=namespace or None), **rest}


def _renamed(fields: Mapping[str, Any], old: str, new: str) -> Manifest:
    return {new if key == old else key: value for key, value in fields.items()}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
