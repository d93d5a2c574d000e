"""App Mesh's own schemas: what they take of a document, and what they have against one."""

from __future__ import annotations

from typing import Any

import pytest

from canario.cli.appmesh_schema import trouble

NODE = {
    "podSelector": {"matchLabels": {"app": "web"}},
    "listeners": [{"portMapping": {"port": 8080, "protocol": "http"}, "tls": None}],
    "logging": {"accessLog": {"file": {"path": "/dev/stdout", "format": {"text": "%PROTOCOL%"}}}},
    "serviceDiscovery": {"dns": {"hostname": "web.shop.svc.cluster.local"}},
}


def _node(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "shop", "annotations": {"anything": "goes"}}
    return {
        "apiVersion": "appmesh.k8s.aws/v1beta2",
        "kind": "VirtualNode",
        "metadata": metadata,
        "spec": {**NODE, **spec},
        "status": {"virtualNodeARN": "arn:x"},
    }


def test_what_app_mesh_takes_is_no_trouble() -> None:
    """Fields that are called like words of a schema, nulls, a status: an API server takes them."""

    assert trouble(_node()) is None


@pytest.mark.parametrize(
    ("spec", "field", "value", "allowed"),
    [
        ({"listeners": [{"portMapping": {"port": 0, "protocol": "http"}}]}, "port", 0, "at least 1"),
        (
            {"listeners": [{"portMapping": {"port": 80, "protocol": "udp"}}]},
            "protocol",
            "udp",
            "grpc, http, http2, tcp",
        ),
        ({"listeners": [{}]}, "spec.listeners[0].portMapping", None, "a value: this field is required"),
        ({"listeners": {}}, "spec.listeners", {}, "a list"),
        ({"listner": []}, "spec.listner", [], "listeners"),
        ({"logging": {"accessLog": {"file": {"path": ""}}}}, "file.path", "", "at least 1 characters"),
        ({"logging": {"accessLog": {"file": {"path": "x" * 256}}}}, "file.path", "x" * 256, "at most 255 characters"),
    ],
)
def test_what_is_wrong_is_named(spec: dict[str, Any], field: str, value: Any, allowed: str) -> None:
    """The field's path, its value, and what is allowed."""
    found = trouble(_node(**spec))

    assert found is not None
    assert found.field.endswith(field)
    assert (value, True) == (found.value, allowed in found.allowed)


def test_of_what_has_no_schema_nothing_is_said() -> None:
    """Another group's objects, another version's."""

    assert trouble({"apiVersion": "v1", "kind": "Service"}) is None
