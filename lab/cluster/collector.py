"""What goes when something else has gone: objects whose owners are gone, and a namespace's contents.

Runs inside the store's own operations, so that nothing is ever seen half collected and tests need not wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lab.cluster import errors
from lab.cluster.objects import Obj, copy, is_deleting, name_of, namespace_of, owners_of

if TYPE_CHECKING:
    from lab.cluster.store import Store

FOREGROUND = "foregroundDeletion"
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


class Collector:
    """Garbage collection for one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def created(self, resource: str, obj: Obj) -> None:
        """An object that names only owners which are already gone does not stay."""
        owners = owners_of(obj)
        if owners and not any(self._exists(owner["uid"]) for owner in owners):
            self._store.delete(resource, name_of(obj), namespace_of(obj))

    def prepare_deletion(self, resource: str, obj: Obj, propagation: str) -> Obj:
        """`obj` with what must happen before it may go."""
        finalizers = obj["metadata"].get("finalizers") or []
        uid = obj["metadata"]["uid"]
        if propagation == "Orphan":
            self._orphan(uid)
        elif propagation == "Foreground" and FOREGROUND not in finalizers and any(self._dependents(uid)):
            obj["metadata"]["finalizers"] = [*finalizers, FOREGROUND]
        if resource == "namespaces":
            obj.setdefault("status", {})["phase"] = "Terminating"
        return obj

    def deleting(self, resource: str, obj: Obj) -> None:
        """`obj` has been marked: begin with what holds it."""
        if FOREGROUND in (obj["metadata"].get("finalizers") or []):
            for key, dependent in list(self._dependents(obj["metadata"]["uid"])):
                self._delete(key, dependent)
        if resource == "namespaces":
            self._empty(self._objects(name_of(obj)))
            self._finalize(name_of(obj))
        elif resource == DEFINITIONS and name_of(obj) in self._store.resources:
            self._empty((name_of(obj), instance) for instance in self._store.list(name_of(obj)))
            self._finalize_definition(name_of(obj))

    def removed(self, resource: str, obj: Obj) -> None:
        """`obj` is gone: so are its dependents; its owners and its namespace may have waited for it."""
        uid = obj["metadata"]["uid"]
        for key, dependent in list(self._dependents(uid)):
            self._release_or_delete(key, dependent, uid)
        for owner in owners_of(obj):
            self._finish_foreground(owner["uid"])
        namespace = namespace_of(obj)
        if namespace:
            self._finalize(namespace)
        if self._store.resources.get(resource).custom:
            self._finalize_definition(resource)

    def _objects(self, namespace: str | None = None) -> Iterator[tuple[str, Obj]]:
        for resource in list(self._store.resources):
            if namespace is None or resource.namespaced:
                yield from ((resource.key, obj) for obj in self._store.list(resource.key, namespace))

    def _exists(self, uid: str) -> bool:
        return any(obj["metadata"]["uid"] == uid for _, obj in self._objects())

    def _dependents(self, uid: str) -> Iterator[tuple[str, Obj]]:
        for key, obj in self._objects():
            if any(owner.get("uid") == uid for owner in owners_of(obj)):
                yield key, obj

    def _delete(self, resource: str, obj: Obj) -> None:
        if self._store.peek(resource, name_of(obj), namespace_of(obj)) and not is_deleting(obj):
            self._store.delete(resource, name_of(obj), namespace_of(obj))

    def _release_or_delete(self, resource: str, dependent: Obj, uid: str) -> None:
        others = [o for o in owners_of(dependent) if o["uid"] != uid and self._exists(o["uid"])]
        if others:
            self._set_owners(resource, dependent, others)
        else:
            self._delete(resource, dependent)

    def _orphan(self, uid: str) -> None:
        for key, dependent in list(self._dependents(uid)):
            self._set_owners(key, dependent, [o for o in owners_of(dependent) if o["uid"] != uid])

    def _set_owners(self, resource: str, obj: Obj, owners: list[Obj]) -> None:
        changed = copy(obj)
        changed["metadata"]["ownerReferences"] = owners
        if not owners:
            del changed["metadata"]["ownerReferences"]
        self._store.replace(resource, changed)

    def _finish_foreground(self, uid: str) -> None:
        for key, owner in list(self._objects()):
            if owner["metadata"]["uid"] == uid and FOREGROUND in (owner["metadata"].get("finalizers") or []):
                if not any(self._dependents(uid)):
                    self._drop_finalizer(key, owner, FOREGROUND)
                return

    def _drop_finalizer(self, resource: str, obj: Obj, finalizer: str) -> None:
        changed = copy(obj)
        changed["metadata"]["finalizers"] = [f for f in obj["metadata"]["finalizers"] if f != finalizer]
        self._store.replace(resource, changed)

    def _empty(self, contents: Iterable[tuple[str, Obj]]) -> None:
        for key, obj in list(contents):
            self._delete(key, obj)

    def _finalize(self, name: str) -> None:
        """Let a namespace go once it is terminating and empty."""
        namespace = self._store.peek("namespaces", name)
        if namespace is None or not is_deleting(namespace) or any(self._objects(name)):
            return
        changed = copy(namespace)
        changed.setdefault("spec", {}).pop("finalizers", None)
        self._store.replace("namespaces", changed)

    def _finalize_definition(self, name: str) -> None:
        """Let a CustomResourceDefinition go once it is being deleted and has no objects left."""
        definition = self._store.peek(DEFINITIONS, name)
        if definition and is_deleting(definition) and not self._store.list(name):
            self._drop_finalizer(DEFINITIONS, definition, CLEANUP)


def require_live_namespace(store: Store, resource: str, name: str, namespace: str) -> None:
    """Objects are created only in a namespace that exists (404) and is not being deleted (403)."""
    found = store.peek("namespaces", namespace)
    if found is None:
        raise errors.not_found("namespaces", namespace)
    if is_deleting(found):
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        causes = [
            errors.Cause("NamespaceTerminating", f"namespace {namespace} is being terminated", "metadata.namespace")
        ]
        raise errors.forbidden(resource, name, why, causes)
