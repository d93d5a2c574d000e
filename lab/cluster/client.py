"""How controllers and the kubelet reach the API: a Protocol, and the client that lives in the same process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from lab.cluster.collector import require_live_namespace
from lab.cluster.journal import Change
from lab.cluster.objects import Obj, copy, name_of, namespace_of
from lab.cluster.patch import merge_patch
from lab.cluster.selectors import field_selector, label_selector
from lab.cluster.store import Deletion, Store


class Client(Protocol):
    """Objects are plain dicts; `resource` is `pods`, `deployments.apps`, `virtualnodes.appmesh.k8s.aws`.

    Every method raises `lab.cluster.errors.ApiError`.
    """

    async def get(self, resource: str, name: str, namespace: str | None = None) -> Obj: ...

    async def list(
        self, resource: str, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> tuple[list[Obj], str]:
        """The items and the resourceVersion to watch from."""
        ...

    def watch(
        self, resource: str, namespace: str | None = None, *, since: str
    ) -> AsyncIterator[tuple[str, Obj]]:
        """(ADDED | MODIFIED | DELETED, object) after `since`; 410 Expired when that is too long ago."""
        ...

    async def create(self, resource: str, obj: Obj) -> Obj: ...

    async def replace(self, resource: str, obj: Obj, *, subresource: str = "") -> Obj:
        """Compare-and-set when `metadata.resourceVersion` is set."""
        ...

    async def patch(
        self, resource: str, name: str, namespace: str | None, patch: Obj, *, subresource: str = ""
    ) -> Obj:
        """JSON merge patch."""
        ...

    async def delete(
        self, resource: str, name: str, namespace: str | None = None, *, grace_seconds: int | None = None
    ) -> None: ...


class LocalClient:
    """A `Client` on a store in this process; what comes out is a copy."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, resource: str, name: str, namespace: str | None = None) -> Obj:
        return copy(self._store.get(resource, name, namespace))

    async def list(
        self, resource: str, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> tuple[list[Obj], str]:
        by_label, by_field = label_selector(labels), field_selector(fields)
        items = [o for o in self._store.list(resource, namespace) if by_label(o) and by_field(o)]
        return copy(items), self._store.revision

    async def watch(
        self, resource: str, namespace: str | None = None, *, since: str
    ) -> AsyncIterator[tuple[str, Obj]]:
        async for change in self._store.watch(resource, since):
            if not namespace or namespace_of(change.obj) == namespace:
                yield change.kind, copy(change.obj)

    async def create(self, resource: str, obj: Obj) -> Obj:
        if self._store.resources.get(resource).namespaced:
            require_live_namespace(self._store, resource, name_of(obj), namespace_of(obj) or "default")
        return copy(self._store.create(resource, obj))

    async def replace(self, resource: str, obj: Obj, *, subresource: str = "") -> Obj:
        return copy(self._store.replace(resource, obj, subresource=subresource))

    async def patch(
        self, resource: str, name: str, namespace: str | None, patch: Obj, *, subresource: str = ""
    ) -> Obj:
        merged = merge_patch(self._store.get(resource, name, namespace), patch)
        return copy(self._store.replace(resource, merged, subresource=subresource))

    async def delete(
        self, resource: str, name: str, namespace: str | None = None, *, grace_seconds: int | None = None
    ) -> None:
        self._store.delete(resource, name, namespace, Deletion(grace_seconds=grace_seconds))


__all__ = ["Change", "Client", "LocalClient"]
