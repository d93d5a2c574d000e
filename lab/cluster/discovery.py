"""What the API says about itself: groups, versions, resources; in the plain form and the aggregated one."""

from __future__ import annotations

from collections.abc import Iterable

from lab.cluster.objects import Obj
from lab.cluster.resources import Resource, Resources

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0+canario.lab",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_SUBRESOURCE_VERBS = {
    "status": ("get", "patch", "update"),
    "scale": ("get", "patch", "update"),
    "log": ("get",),
    "proxy": ("create", "delete", "get", "patch", "update"),
    "exec": ("create", "get"),
    "attach": ("create", "get"),
    "portforward": ("create", "get"),
    "token": ("create",),
}
_SUBRESOURCE_KINDS = {
    "scale": ("autoscaling", "v1", "Scale"),
    "proxy": ("", "v1", "PodProxyOptions"),
    "exec": ("", "v1", "PodExecOptions"),
    "attach": ("", "v1", "PodAttachOptions"),
    "portforward": ("", "v1", "PodPortForwardOptions"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
}
# Questions that are answered and not stored: lab/cluster/reviews.py.
REVIEWS = (
    Resource("authorization.k8s.io", ("v1",), "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False),
    Resource("authorization.k8s.io", ("v1",), "selfsubjectrulesreviews", "SelfSubjectRulesReview", namespaced=False),
    Resource("authentication.k8s.io", ("v1",), "selfsubjectreviews", "SelfSubjectReview", namespaced=False),
)


def all_resources(resources: Resources) -> list[Resource]:
    return [*resources, *REVIEWS]


def group_versions(resources: Iterable[Resource]) -> dict[str, list[str]]:
    """The versions of every group; a group's order of preference is that of its first resource."""
    found: dict[str, list[str]] = {}
    for resource in resources:
        versions = found.setdefault(resource.group, [])
        versions += [v for v in resource.versions if v not in versions]
    return found


def api_versions(address: str) -> Obj:
    """`/api`, in the plain form."""
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": where}


def group_list(resources: Resources) -> Obj:
    """`/apis`, in the plain form."""
    groups = group_versions(all_resources(resources))
    listed = [_group(name, versions) for name, versions in groups.items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def group(resources: Resources, name: str) -> Obj | None:
    """`/apis/<group>`; None when nothing is served there."""
    versions = group_versions(all_resources(resources)).get(name)
    return {"kind": "APIGroup", "apiVersion": "v1"} | _group(name, versions) if versions else None


def _group(name: str, versions: list[str]) -> Obj:
    known = [{"groupVersion": f"{name}/{v}", "version": v} for v in versions]
    return {"name": name, "versions": known, "preferredVersion": known[0]}


def resource_list(resources: Resources, group_name: str, version: str) -> Obj | None:
    """`/api/v1`, `/apis/<group>/<version>`; None when nothing is served there."""
    found = [r for r in all_resources(resources) if r.group == group_name and version in r.versions]
    if not found:
        return None
    listed = [entry for resource in found for entry in _entries(resource)]
    name = f"{group_name}/{version}" if group_name else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": listed}


def _entries(resource: Resource) -> Iterable[Obj]:
    own: Obj = {
        "name": resource.plural,
        "singularName": _singular(resource),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(_verbs(resource)),
    }
    if resource.short_names:
        own["shortNames"] = list(resource.short_names)
    if resource.categories:
        own["categories"] = list(resource.categories)
    yield own
    for sub in resource.subresources:
        group_name, version, kind = _SUBRESOURCE_KINDS.get(sub, ("", "", resource.kind))
        entry = {
            "name": f"{resource.plural}/{sub}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": kind,
            "verbs": list(_SUBRESOURCE_VERBS[sub]),
        }
        yield entry | ({"group": group_name, "version": version} if group_name else {})


def _singular(resource: Resource) -> str:
    return resource.singular or resource.kind.lower()


def _verbs(resource: Resource) -> tuple[str, ...]:
    return ("create",) if resource in REVIEWS else VERBS


def aggregated(resources: Resources, *, core: bool) -> Obj:
    """`/api` (core) or `/apis` in the aggregated form: apidiscovery.k8s.io/v2 APIGroupDiscoveryList."""
    everything = all_resources(resources)
    items = []
    for name, versions in group_versions(everything).items():
        if bool(name) != core:
            items.append({"metadata": {"name": name}, "versions": [_version(everything, name, v) for v in versions]})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _version(resources: list[Resource], group_name: str, version: str) -> Obj:
    found = [r for r in resources if r.group == group_name and version in r.versions]
    return {"version": version, "freshness": "Current", "resources": [_aggregated(r, version) for r in found]}


def _aggregated(resource: Resource, version: str) -> Obj:
    entry: Obj = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": _singular(resource),
        "verbs": list(_verbs(resource)),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [_aggregated_sub(resource, version, sub) for sub in resource.subresources]
    return entry


def _aggregated_sub(resource: Resource, version: str, sub: str) -> Obj:
    group_name, of, kind = _SUBRESOURCE_KINDS.get(sub, (resource.group, version, resource.kind))
    return {
        "subresource": sub,
        "responseKind": {"group": group_name, "version": of, "kind": kind},
        "verbs": list(_SUBRESOURCE_VERBS[sub]),
    }
