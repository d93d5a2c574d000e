"""Schemas of custom kinds, from the structural OpenAPI schema of their CustomResourceDefinition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.cluster.builtin_schema import metadata_schema
from lab.cluster.schema import ANY, STRING, Schema

_META = {"apiVersion", "kind", "metadata"}


def custom_schema(kind: str, openapi: Mapping[str, Any]) -> Schema:
    """The schema of one version of a custom kind; `openapi` is its `openAPIV3Schema`."""
    body = _of(openapi)

    def fields() -> dict[str, Schema]:
        known = dict(body.fields) if body.shape == "struct" else {}
        return known | {"apiVersion": STRING, "kind": STRING, "metadata": metadata_schema()}

    return Schema("struct", kind, fields, open=body.shape != "struct" or body.open)


def _of(openapi: Mapping[str, Any]) -> Schema:
    if openapi.get("x-kubernetes-int-or-string"):
        return Schema("scalar", "int-or-string")
    match openapi.get("type"):
        case "object":
            return _object(openapi)
        case "array":
            return _list(openapi)
        case str(scalar):
            return Schema("scalar", scalar)
    return ANY


def _object(openapi: Mapping[str, Any]) -> Schema:
    atomic = openapi.get("x-kubernetes-map-type") == "atomic"
    extra = openapi.get("additionalProperties")
    keeps = bool(openapi.get("x-kubernetes-preserve-unknown-fields"))
    if extra:
        return Schema("map", items=_of(extra) if isinstance(extra, dict) else ANY, atomic=atomic)
    properties = openapi.get("properties")
    if not properties and keeps:
        return ANY
    if openapi.get("x-kubernetes-embedded-resource"):
        return custom_schema("EmbeddedResource", {k: v for k, v in openapi.items() if k[:2] != "x-"})

    def fields() -> dict[str, Schema]:
        return {name: _of(sub) for name, sub in (properties or {}).items()}

    return Schema("struct", "object", fields, atomic=atomic, open=keeps)


def _list(openapi: Mapping[str, Any]) -> Schema:
    items = openapi.get("items") or {}
    kind = openapi.get("x-kubernetes-list-type", "atomic")
    keys = tuple(openapi.get("x-kubernetes-list-map-keys") or ()) if kind == "map" else ()
    properties = items.get("properties") or {}
    defaults = {k: properties[k]["default"] for k in keys if "default" in properties.get(k, {})}
    return Schema(
        "list",
        items=_of(items),
        list_keys=keys,
        is_set=kind == "set",
        atomic=kind == "atomic",
        defaults=defaults,
    )
