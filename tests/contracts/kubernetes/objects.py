"""Objects that the tests make."""

from __future__ import annotations

from tests.contracts.kubernetes.http import Obj


def config_map(name: str = "settings", **data: str) -> Obj:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def deployment(name: str = "web", **labels: str) -> Obj:
    labels = labels or {"app": name}
    ports = [{"containerPort": 3000}]
    container = {"name": "web", "image": "canario/nodejs", "ports": ports}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def definition(group: str, *, subresources: Obj | None = None) -> Obj:
    """A CustomResourceDefinition `routers.<group>` with a bit of everything that a schema can say."""
    target = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "weight": {"type": "integer", "minimum": 0, "maximum": 100, "default": 1},
            "port": {"x-kubernetes-int-or-string": True},
        },
    }
    targets = {
        "type": "array",
        "items": target,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "maxItems": 3,
    }
    spec = {
        "type": "object",
        "required": ["targets"],
        "properties": {
            "targets": targets,
            "protocol": {"type": "string", "enum": ["http", "grpc"], "default": "http"},
            "replicas": {"type": "integer"},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    status = {"type": "object", "properties": {"state": {"type": "string"}, "replicas": {"type": "integer"}}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}},
        },
        "subresources": subresources or {"status": {}},
        "additionalPrinterColumns": [{"name": "Protocol", "type": "string", "jsonPath": ".spec.protocol"}],
    }
    names = {"plural": "routers", "singular": "router", "kind": "Router", "shortNames": ["rt"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"routers.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def router(group: str, name: str = "nodejs", *targets: Obj) -> Obj:
    return {
        "apiVersion": f"{group}/v1",
        "kind": "Router",
        "metadata": {"name": name},
        "spec": {"targets": list(targets) or [{"name": "nodejs-app", "weight": 1}]},
    }
