"""The lab cluster's memory: objects, their identity and revisions, their deletion, and the history of changes.

What etcd and the generic registry of a kube-apiserver do together. Everything is synchronous and in one
process, so every operation is one transaction. Objects that come out are the store's own: copy before changing.
"""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lab.cluster import errors
from lab.cluster.collector import Collector
from lab.cluster.journal import Change, Journal
from lab.cluster.objects import Obj, copy, is_deleting, meta, name_of, namespace_of, timestamp, without
from lab.cluster.resources import Resource, Resources

Key = tuple[str, str]  # namespace (empty for cluster-scoped objects), name
_SUFFIX = "".join(c for c in string.ascii_lowercase + string.digits if c not in "aeiou013l")


@dataclass(frozen=True)
class Deletion:
    """How to delete. `grace_seconds` None: the kind's default (a Pod's terminationGracePeriodSeconds)."""

    grace_seconds: int | None = None
    propagation: str = "Background"  # Background Foreground Orphan
    uid: str = ""
    resource_version: str = ""


def _now() -> datetime:
    return datetime.now(UTC)


def generate_name(obj: Obj) -> None:
    """Name an object that has only `metadata.generateName`, in place."""
    data = meta(obj)
    if not data.get("name") and data.get("generateName"):
        data["name"] = data["generateName"][:58] + "".join(random.choices(_SUFFIX, k=5))


class Store:
    """All objects of one cluster. Raises `ApiError` as an API server would."""

    def __init__(self, resources: Resources | None = None, *, now: Callable[[], datetime] = _now) -> None:
        self.resources = resources or Resources()
        self.journal = Journal()
        self.now = now
        self._objects: dict[str, dict[Key, Obj]] = {}
        self._revision = 1
        self._collector = Collector(self)
        self._observers: list[Callable[[Change], None]] = []

    @property
    def revision(self) -> str:
        return str(self._revision)

    def observe(self, observer: Callable[[Change], None]) -> None:
        """Call `observer` within every change from now on; it may write to the store."""
        self._observers.append(observer)

    def get(self, resource: str, name: str, namespace: str | None = None) -> Obj:
        found = self.peek(resource, name, namespace)
        if found is None:
            raise errors.not_found(resource, name)
        return found

    def peek(self, resource: str, name: str, namespace: str | None = None) -> Obj | None:
        return self._objects.get(self.resources.get(resource).key, {}).get((namespace or "", name))

    def list(self, resource: str, namespace: str | None = None) -> list[Obj]:
        """All objects of a resource (in one namespace, when named), by namespace and name."""
        objects = self._objects.get(self.resources.get(resource).key, {})
        return [objects[key] for key in sorted(objects) if not namespace or key[0] == namespace]

    def watch(self, resource: str, since: str) -> AsyncGenerator[Change, None]:
        return self.journal.follow(self.resources.get(resource).key, int(since or "0"))

    def create(self, resource: str, obj: Obj) -> Obj:
        kind = self.resources.get(resource)
        obj = self._identified(kind, obj)
        key = (namespace_of(obj), name_of(obj))
        if key in self._objects.get(resource, {}):
            raise errors.already_exists(resource, key[1])
        self._write(kind, obj, "ADDED")
        self._collector.created(resource, obj)
        return obj

    def replace(self, resource: str, obj: Obj, *, subresource: str = "") -> Obj:
        """Write a new state; compare-and-set when `metadata.resourceVersion` is set."""
        kind = self.resources.get(resource)
        old = self.get(resource, name_of(obj), namespace_of(obj))
        self._compare(kind, old, obj)
        new = self._merged(kind, old, obj, subresource)
        if new == old:
            return old
        if new["metadata"].get("deletionGracePeriodSeconds") == 0 and not self._held(new):
            return self._remove(kind, new)
        self._write(kind, new, "MODIFIED", old)
        return new

    def delete(self, resource: str, name: str, namespace: str | None = None, how: Deletion | None = None) -> Obj:
        """Delete or begin to: finalizers, a Pod's grace and a Namespace's contents hold an object. What is left."""
        how = how or Deletion()
        kind = self.resources.get(resource)
        old = self.get(resource, name, namespace)
        self._check_preconditions(kind, old, how)
        new = self._collector.prepare_deletion(resource, copy(old), how.propagation)
        grace = self._grace(kind, old, how)
        if not grace and not self._held(new):
            return self._remove(kind, new)
        self._mark(new, grace)
        if new == old:
            return old
        self._write(kind, new, "MODIFIED", old)
        self._collector.deleting(resource, new)
        return self.peek(resource, name, namespace) or new

    def dry_run(self, resource: str, obj: Obj) -> Obj:
        """What `create` would store, without storing it."""
        kind = self.resources.get(resource)
        obj = self._identified(kind, obj)
        if self.peek(resource, name_of(obj), namespace_of(obj)):
            raise errors.already_exists(resource, name_of(obj))
        return obj

    def dry_run_replace(self, resource: str, obj: Obj, *, subresource: str = "") -> Obj:
        """What `replace` would store, without storing it."""
        kind = self.resources.get(resource)
        old = self.get(resource, name_of(obj), namespace_of(obj))
        self._compare(kind, old, obj)
        return self._merged(kind, old, obj, subresource)

    def _identified(self, kind: Resource, obj: Obj) -> Obj:
        obj = copy(obj)
        data = meta(obj)
        obj["apiVersion"] = kind.api_version()
        obj["kind"] = kind.kind
        generate_name(obj)
        if kind.namespaced:
            data["namespace"] = data.get("namespace") or "default"
        else:
            data.pop("namespace", None)
        for server_owned in (
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "resourceVersion",
            "selfLink",
        ):
            data.pop(server_owned, None)
        data["uid"] = str(uuid.uuid4())
        data["creationTimestamp"] = timestamp(self.now())
        if "spec" in obj or kind.custom:
            data["generation"] = 1
        return obj

    def _compare(self, kind: Resource, old: Obj, obj: Obj) -> None:
        wanted = obj["metadata"].get("resourceVersion")
        if wanted and wanted != old["metadata"]["resourceVersion"]:
            raise errors.modified(kind.key, name_of(obj))
        uid = obj["metadata"].get("uid")
        if uid and uid != old["metadata"]["uid"]:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old['metadata']['uid']}"
            raise errors.conflict(kind.key, name_of(obj), why)

    def _merged(self, kind: Resource, old: Obj, obj: Obj, subresource: str) -> Obj:
        """`old` with what this request may change: all but status, or, for the status subresource, only that."""
        if subresource == "status":
            new = copy(without(old, ["status"]))
            if "status" in obj:
                new["status"] = copy(obj["status"])
            if "managedFields" in obj["metadata"]:
                new["metadata"]["managedFields"] = copy(obj["metadata"]["managedFields"])
            return new
        new = copy(obj)
        if kind.has_status:
            new.pop("status", None)
            if "status" in old:
                new["status"] = copy(old["status"])
        self._keep_identity(old, new)
        if "generation" in old["metadata"]:
            unversioned = ("metadata", "status")
            changed = without(new, unversioned) != without(old, unversioned)
            new["metadata"]["generation"] = old["metadata"]["generation"] + changed
        return new

    @staticmethod
    def _keep_identity(old: Obj, new: Obj) -> None:
        new["apiVersion"], new["kind"] = old["apiVersion"], old["kind"]
        for server_owned in (
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "resourceVersion",
            "generateName",
        ):
            new["metadata"].pop(server_owned, None)
            if server_owned in old["metadata"]:
                new["metadata"][server_owned] = old["metadata"][server_owned]

    def _check_preconditions(self, kind: Resource, old: Obj, how: Deletion) -> None:
        data = old["metadata"]
        for field, wanted in (("UID", how.uid), ("ResourceVersion", how.resource_version)):
            actual = data["uid"] if field == "UID" else data["resourceVersion"]
            if wanted and wanted != actual:
                why = f"Precondition failed: {field} in precondition: {wanted}, {field} in object meta: {actual}"
                raise errors.conflict(kind.key, name_of(old), why)

    @staticmethod
    def _grace(kind: Resource, old: Obj, how: Deletion) -> int:
        """Seconds that a kubelet gets to end the pod; 0 for what no kubelet runs."""
        spec = old.get("spec") or {}
        finished = (old.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        if kind.key != "pods" or not spec.get("nodeName") or finished:
            return 0
        wanted = how.grace_seconds if how.grace_seconds is not None else spec.get("terminationGracePeriodSeconds", 30)
        before = old["metadata"].get("deletionGracePeriodSeconds")
        return int(wanted if before is None else min(wanted, before))

    @staticmethod
    def _held(obj: Obj) -> bool:
        return bool(obj["metadata"].get("finalizers") or (obj.get("spec") or {}).get("finalizers"))

    def _mark(self, obj: Obj, grace: int) -> None:
        data = obj["metadata"]
        if is_deleting(obj) and data.get("deletionGracePeriodSeconds", 0) <= grace:
            return
        data["deletionTimestamp"] = timestamp(self.now() + timedelta(seconds=grace))
        data["deletionGracePeriodSeconds"] = grace
        if "generation" in data:
            data["generation"] += 1

    def _write(self, kind: Resource, obj: Obj, change: str, old: Obj | None = None) -> None:
        self._revision += 1
        obj["metadata"]["resourceVersion"] = self.revision
        objects = self._objects.setdefault(kind.key, {})
        objects[namespace_of(obj), name_of(obj)] = obj
        self._announce(Change(self._revision, kind.key, change, obj, old))

    def _remove(self, kind: Resource, obj: Obj) -> Obj:
        old = self._objects[kind.key].pop((namespace_of(obj), name_of(obj)))
        self._revision += 1
        obj["metadata"]["resourceVersion"] = self.revision
        self._announce(Change(self._revision, kind.key, "DELETED", obj, old))
        self._collector.removed(kind.key, obj)
        return obj

    def _announce(self, change: Change) -> None:
        self.journal.append(change)
        for observer in self._observers:
            observer(change)
