"""create, update, patch, delete and deletecollection."""

from __future__ import annotations

from typing import Any

import jsonpatch
from aiohttp import web

from lab.cluster import errors
from lab.cluster.api import Api, Change
from lab.cluster.objects import Obj, copy, dig, meta, name_of, namespace_of
from lab.cluster.options import Options
from lab.cluster.patch import merge_patch
from lab.cluster.resources import Resource
from lab.cluster.schema import Schema
from lab.cluster.selectors import field_selector, label_selector
from lab.cluster.store import Deletion
from lab.cluster.strategic import strategic_merge
from lab.cluster.web.answer import answer, shaped, shaped_list, success
from lab.cluster.web.request import Form, Target, body, form, object_body, options, read

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_PATCHES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
_PROPAGATIONS = ("Background", "Foreground", "Orphan")


async def create(api: Api, request: web.Request, target: Target) -> web.Response:
    resource = api.store.resources.find(target.group, target.version, target.plural)
    obj, how = await object_body(request), options(request, target)
    _place(obj, resource, target)
    created = await api.create(target.resource, obj, how)
    return _answered(api, resource, request, target, created, how, 201)


async def update(api: Api, request: web.Request, target: Target) -> web.Response:
    resource = api.store.resources.find(target.group, target.version, target.plural)
    obj, how = await object_body(request), options(request, target)
    _place(obj, resource, target)
    updated = await api.replace(target.resource, obj, how)
    return _answered(api, resource, request, target, updated, how)


async def patch(api: Api, request: web.Request, target: Target) -> web.Response:
    resource = api.store.resources.find(target.group, target.version, target.plural)
    how = options(request, target)
    if request.content_type == APPLY_PATCH:
        config = read(await request.read())
        return await _apply(api, request, target, resource, config, how)
    schema = api.kinds.get(resource, target.version).schema
    change = patch_function(request.content_type, await body(request), schema, resource)
    patched = await api.patch(target.resource, target.namespace, target.name, change, how)
    return _answered(api, resource, request, target, patched, how)


async def _apply(
    api: Api, request: web.Request, target: Target, resource: Resource, config: Any, how: Options
) -> web.Response:
    if not isinstance(config, dict):
        raise errors.bad_request("the body of an apply must be one object")
    if not request.query.get("fieldManager"):
        causes = [errors.Cause("FieldValueRequired", "Required value: is required for apply patch", "fieldManager")]
        raise errors.invalid("PatchOptions", "meta.k8s.io", "", causes)
    _place(config, resource, target)
    force = request.query.get("force") == "true"
    applied, new = await api.apply(target.resource, target.namespace, config, how, force=force)
    return _answered(api, resource, request, target, applied, how, 201 if new else 200)


def patch_function(media: str, patch: Any, schema: Schema, resource: Resource) -> Change:
    """What a patch of this media type does to an object; 415 for a type that the resource does not take."""
    if media == JSON_PATCH:
        return lambda obj: _json_patched(obj, patch, resource)
    if media not in _PATCHES or (media == STRATEGIC_PATCH and resource.custom):
        allowed = [p for p in _PATCHES if p != STRATEGIC_PATCH or not resource.custom]
        raise errors.unsupported_media_type(media, allowed)
    if not isinstance(patch, dict):
        raise errors.bad_request("the body of a merge patch must be one object")
    if media == STRATEGIC_PATCH:
        return lambda obj: strategic_merge(obj, copy(patch), schema)
    return lambda obj: merge_patch(obj, patch)


def _json_patched(obj: Obj, patch: Any, resource: Resource) -> Obj:
    try:
        patched = jsonpatch.apply_patch(obj, patch)
    except (jsonpatch.InvalidJsonPatch, TypeError, AttributeError) as error:
        raise errors.bad_request(f"the body is no JSON patch: {error}") from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        causes = [errors.Cause("FieldValueInvalid", f"the JSON patch does not apply: {error}", "")]
        raise errors.invalid(resource.kind, resource.group, name_of(obj), causes) from error
    if not isinstance(patched, dict):
        raise errors.bad_request("the JSON patch leaves no object")
    return patched


def _place(obj: Obj, resource: Resource, target: Target) -> None:
    """Give the object the name and namespace of the URL; 400 where it has others."""
    data = meta(obj)
    if target.name and data.setdefault("name", target.name) != target.name:
        what = f"the name of the object ({data['name']}) does not match the name on the URL ({target.name})"
        raise errors.bad_request(what)
    if resource.namespaced:
        namespace = target.namespace or "default"
        if (data.get("namespace") or namespace) != namespace:
            what = "the namespace of the provided object does not match the namespace sent on the request"
            raise errors.bad_request(f"{what}: {data['namespace']} and {namespace}")
        data["namespace"] = namespace


def _answered(
    api: Api,
    resource: Resource,
    request: web.Request,
    target: Target,
    obj: Obj,
    how: Options,
    status: int = 200,
) -> web.Response:
    return answer(shaped(api, resource, target.version, obj, form(request)), status, warnings=how.warnings)


async def delete(api: Api, request: web.Request, target: Target) -> web.Response:
    resource = api.store.resources.find(target.group, target.version, target.plural)
    asked = await _delete_options(request)
    how = deletion(asked)
    left = api.delete(target.resource, target.namespace, target.name, how, options(request, target, asked))
    remains = api.store.peek(target.resource, target.name, target.namespace)
    if remains is None or remains["metadata"]["uid"] != left["metadata"]["uid"]:
        return answer(success(resource, left))
    return answer(shaped(api, resource, target.version, api.in_version(left, resource, target.version), Form()))


async def delete_collection(api: Api, request: web.Request, target: Target) -> web.Response:
    resource = api.store.resources.find(target.group, target.version, target.plural)
    asked = await _delete_options(request)
    by_label = label_selector(request.query.get("labelSelector", ""))
    by_field = field_selector(request.query.get("fieldSelector", ""))
    found = api.store.list(target.resource, target.namespace or None)
    chosen = [obj for obj in found if by_label(obj) and by_field(obj)]
    how = options(request, target, asked)
    for obj in chosen:
        if api.store.peek(target.resource, name_of(obj), namespace_of(obj)):
            api.delete(target.resource, namespace_of(obj), name_of(obj), deletion(asked), how)
    metadata = {"resourceVersion": api.store.revision}
    outward = [api.in_version(obj, resource, target.version) for obj in chosen]
    return answer(shaped_list(api, resource, target.version, outward, metadata, Form()))


async def _delete_options(request: web.Request) -> Obj:
    """DeleteOptions from the body, or from the query where there is no body."""
    asked: Obj = {}
    if await request.read():
        asked = await object_body(request)
    for field in ("gracePeriodSeconds", "propagationPolicy", "orphanDependents"):
        if field in request.query:
            asked.setdefault(field, request.query[field])
    return asked


def deletion(asked: Obj) -> Deletion:
    """DeleteOptions as the store takes them; 400 for values that are not allowed."""
    grace = asked.get("gracePeriodSeconds")
    if grace is not None and (not str(grace).isdigit()):
        raise errors.bad_request(f"gracePeriodSeconds: {grace!r} is not a number of seconds, 0 or more")
    propagation = asked.get("propagationPolicy") or "Background"
    if asked.get("orphanDependents") in (True, "true"):
        propagation = "Orphan"
    if propagation not in _PROPAGATIONS:
        raise errors.bad_request(f"propagationPolicy: {propagation!r} is not one of {', '.join(_PROPAGATIONS)}")
    return Deletion(
        grace_seconds=None if grace is None else int(grace),
        propagation=propagation,
        uid=dig(asked, "preconditions", "uid", default=""),
        resource_version=dig(asked, "preconditions", "resourceVersion", default=""),
    )
