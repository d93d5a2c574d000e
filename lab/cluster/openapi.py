"""As much of `/openapi/v3` as kubectl needs: that a PATCH of each kind takes `fieldValidation` and `dryRun`.

With that, kubectl leaves validation to the server. The schemas themselves are not published, so
`kubectl explain` has nothing to say here.
"""

from __future__ import annotations

from lab.cluster.discovery import all_resources, group_versions
from lab.cluster.objects import Obj
from lab.cluster.resources import Resource, Resources

_PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation", "force")
]
# `/openapi/v2` as protobuf (gnostic's Document with `swagger: "2.0"`): kubectl asks there about kinds that it
# did not find in version 3, and must hear that nothing is known rather than that nobody answers.
EMPTY_V2 = b"\x0a\x032.0"
EMPTY_V2_MEDIA = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_PATCH_TYPES = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")


def index(resources: Resources, revision: str) -> Obj:
    """`/openapi/v3`; `revision` changes when the document of some version may have."""
    names = [_path(g, v) for g, versions in group_versions(all_resources(resources)).items() for v in versions]
    paths = {name: {"serverRelativeURL": f"/openapi/v3/{name}?hash={revision}"} for name in names}
    return {"paths": paths}


def document(resources: Resources, group: str, version: str) -> Obj | None:
    """`/openapi/v3/apis/<group>/<version>`; None when nothing is served there."""
    found = [r for r in resources if r.group == group and version in r.versions]
    if not found:
        return None
    return {
        "openapi": "3.0.0",
        "info": {"title": "Canario's lab", "version": "v1.36.0"},
        "paths": {_object_path(r, version): _operations(r, version) for r in found},
        "components": {"schemas": {}},
    }


def _path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _object_path(resource: Resource, version: str) -> str:
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    return f"/{_path(resource.group, version)}{scope}/{resource.plural}/{{name}}"


def _operations(resource: Resource, version: str) -> Obj:
    kind = {"group": resource.group, "version": version, "kind": resource.kind}
    content = {media: {"schema": {"type": "object"}} for media in _PATCH_TYPES}
    patch = {
        "operationId": f"patch{resource.kind}",
        "parameters": _PARAMETERS,
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": kind,
    }
    return {"patch": patch}
