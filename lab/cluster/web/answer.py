"""Writing answers: objects, lists, Tables, errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from lab.cluster.api import Api
from lab.cluster.collector import DEFINITIONS
from lab.cluster.columns import COLUMNS
from lab.cluster.definitions import served_version
from lab.cluster.errors import ApiError
from lab.cluster.objects import Obj
from lab.cluster.resources import Resource
from lab.cluster.tables import AGE, NAME, Column, partial_metadata, printer_columns, table
from lab.cluster.web.request import Form


def answer(value: Any, status: int = 200, *, warnings: Sequence[str] = (), media: str = "") -> web.Response:
    response = web.Response(body=encode(value), status=status, content_type="application/json")
    if media:
        response.headers["Content-Type"] = media
    for warning in dict.fromkeys(warnings):
        quoted = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{quoted}"')
    return response


def encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def error_answer(error: ApiError) -> web.Response:
    return answer(error.to_status(), error.code)


def success(resource: Resource, obj: Obj) -> Obj:
    """The Status of a deletion that is done."""
    details = {"name": obj["metadata"]["name"], "kind": resource.plural, "uid": obj["metadata"]["uid"]}
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def columns(api: Api, resource: Resource, version: str) -> Sequence[Column]:
    """The columns of a resource's Table."""
    if not resource.custom:
        return COLUMNS.get(resource.key, (NAME, AGE))
    definition = api.store.get(DEFINITIONS, resource.key)
    return printer_columns(served_version(definition, version).get("additionalPrinterColumns") or [])


def shaped(api: Api, resource: Resource, version: str, obj: Obj, how: Form) -> Obj:
    """One object in the form that was asked for."""
    if how.kind == "PartialObjectMetadata":
        return partial_metadata(obj)
    if how.kind == "Table":
        metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        cells = columns(api, resource, version)
        return table([obj], cells, api.store.now(), metadata=metadata, include=how.include)
    return obj


def shaped_list(api: Api, resource: Resource, version: str, items: Sequence[Obj], metadata: Obj, how: Form) -> Obj:
    """A list in the form that was asked for."""
    if how.kind == "Table":
        cells = columns(api, resource, version)
        return table(items, cells, api.store.now(), metadata=metadata, include=how.include)
    if how.kind == "PartialObjectMetadata":
        listed = [partial_metadata(obj) for obj in items]
        kind, api_version = "PartialObjectMetadataList", "meta.k8s.io/v1"
    else:
        listed = list(items)
        kind, api_version = f"{resource.kind}List", resource.api_version(version)
    return {"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": listed}
