"""CustomResourceDefinitions: served as soon as they are stored, gone when they are."""

from __future__ import annotations

from lab.cluster.collector import CLEANUP, DEFINITIONS
from lab.cluster.journal import Change
from lab.cluster.kinds import Kinds
from lab.cluster.objects import Obj, copy, dig, is_deleting, name_of
from lab.cluster.resources import Resource
from lab.cluster.store import Store


def keep_cleanup(obj: Obj) -> None:
    """Hold a definition until its objects are gone."""
    finalizers = obj["metadata"].get("finalizers") or []
    if CLEANUP not in finalizers and not is_deleting(obj):
        obj["metadata"]["finalizers"] = [*finalizers, CLEANUP]


def establish(obj: Obj, now: str) -> None:
    """Set the status of a new definition: nothing in the lab could refuse its names."""
    spec = obj.get("spec")
    if not isinstance(spec, dict) or not isinstance(spec.get("names"), dict):
        return  # validation names what is wrong with it
    obj["status"] = {
        "acceptedNames": copy(spec["names"]),
        "storedVersions": [v["name"] for v in spec.get("versions", []) if v.get("storage") and "name" in v],
        "conditions": [
            _condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
            _condition("Established", "InitialNamesAccepted", "the initial names have been accepted", now),
        ],
    }


def _condition(kind: str, reason: str, message: str, now: str) -> Obj:
    return {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now}


class Definitions:
    """Keeps what is served in step with the definitions in a store."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store = store
        self._kinds = kinds
        store.observe(self._changed)

    def _changed(self, change: Change) -> None:
        if change.resource != DEFINITIONS:
            return
        if change.kind == "DELETED":
            self._withdraw(name_of(change.obj))
        else:
            self._serve(change.obj)

    def _serve(self, definition: Obj) -> None:
        resource = resource_of(definition)
        for version in definition["spec"]["versions"]:
            openapi = dig(version, "schema", "openAPIV3Schema", default={})
            self._kinds.define(resource, version["name"], openapi)
        self._store.resources.add(resource)

    def _withdraw(self, name: str) -> None:
        if name in self._store.resources:
            self._kinds.forget(self._store.resources.get(name))
            self._store.resources.remove(name)


def resource_of(definition: Obj) -> Resource:
    """The resource that a definition defines; the storage version comes first."""
    spec, names = definition["spec"], definition["spec"]["names"]
    served = sorted((v for v in spec["versions"] if v.get("served")), key=lambda v: not v.get("storage"))
    subresources = {name for v in served for name in (v.get("subresources") or {})}
    return Resource(
        group=spec["group"],
        versions=tuple(v["name"] for v in served),
        plural=names["plural"],
        kind=names["kind"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(sorted(subresources, reverse=True)),
        singular=names.get("singular") or names["kind"].lower(),
        custom=True,
    )


def served_version(definition: Obj, version: str) -> Obj:
    """The part of a definition about one version."""
    return next(v for v in definition["spec"]["versions"] if v["name"] == version)
