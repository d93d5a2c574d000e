"""A small cluster's objects, as the Kubernetes API has them."""

from __future__ import annotations

from typing import Any

from lab.mesh.world import World

NAMESPACE = "shop"
GROUP = "appmesh.k8s.aws/v1beta2"

Obj = dict[str, Any]


def obj(api_version: str, kind: str, name: str, namespace: str | None = NAMESPACE, **fields: Any) -> Obj:
    place = {"namespace": namespace} if namespace else {}
    metadata = {"name": name, **place, "uid": f"uid-{name}", "generation": 1}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def mesh(name: str = "m", selects: str = "m") -> Obj:
    return obj(GROUP, "Mesh", name, None, spec={"namespaceSelector": {"matchLabels": {"mesh": selects}}})


def namespace(name: str = NAMESPACE, **labels: str) -> Obj:
    found = obj("v1", "Namespace", name, None)
    found["metadata"]["labels"] = {"mesh": "m", **labels}
    return found


def listener(port: int, protocol: str = "http") -> Obj:
    return {"portMapping": {"port": port, "protocol": protocol}}


def node(name: str, hostname: str = "", **spec: Any) -> Obj:
    discovery = {"serviceDiscovery": {"dns": {"hostname": hostname}}} if hostname else {}
    selector = {"matchLabels": {"app": name}}
    return obj(
        GROUP, "VirtualNode", name, spec={"podSelector": selector, "listeners": [listener(3000)], **discovery, **spec}
    )


def router(name: str, *nodes: str, weight: int = 1) -> Obj:
    targets = [{"virtualNodeRef": {"name": each}, "weight": weight} for each in nodes]
    route = {"name": "all", "httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}}
    listeners = [{"portMapping": {"port": 3000, "protocol": "http"}}]
    return obj(GROUP, "VirtualRouter", name, spec={"listeners": listeners, "routes": [route]})


def service(name: str, router_name: str, host: str = "") -> Obj:
    provider = {"virtualRouter": {"virtualRouterRef": {"name": router_name}}}
    return obj(GROUP, "VirtualService", name, spec={"awsName": host or f"{name}.example", "provider": provider})


def pod(name: str, app: str, ip: str = "127.9.16.1", ready: bool = True, **metadata: Any) -> Obj:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    found = obj(
        "v1",
        "Pod",
        name,
        spec={"containers": [{"name": app, "image": app}]},
        status={"podIP": ip, "conditions": conditions},
    )
    found["metadata"] |= {"labels": {"app": app}, **metadata}
    return found


def shop(**changes: Any) -> World:
    """One service, `web`, whose router sends to the node `web-v1`."""
    parts: dict[str, Any] = {
        "meshes": (mesh(),),
        "namespaces": (namespace(),),
        "virtual_nodes": (node("web-v1"),),
        "virtual_routers": (router("web-router", "web-v1"),),
        "virtual_services": (service("web", "web-router"),),
    }
    return World(**{**parts, **changes})
