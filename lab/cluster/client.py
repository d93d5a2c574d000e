"""How controllers and the kubelet reach the API: a Protocol, and the client that lives in the same process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from lab.cluster.api import Api
from lab.cluster.objects import Obj, copy, namespace_of
from lab.cluster.options import Options
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

    def watch(self, resource: str, namespace: str | None = None, *, since: str) -> AsyncIterator[tuple[str, Obj]]:
        """(ADDED | MODIFIED | DELETED, object) after `since`; 410 Expired when that is too long ago."""
        ...

    async def create(self, resource: str, obj: Obj) -> Obj: ...

    async def replace(self, resource: str, obj: Obj, *, subresource: str = "") -> Obj:
        """Compare-and-set when `metadata.resourceVersion` is set."""
        ...

    async def patch(self, resource: str, name: str, namespace: str | None, patch: Obj, *, subresource: str = "") -> Obj:
        """JSON merge patch."""
        ...

    async def delete(
        self, resource: str, name: str, namespace: str | None = None, *, grace_seconds: int | None = None
    ) -> None: ...


class LocalClient:
    """A `Client` in the API's own process; what comes out is a copy.

    `manager` is the name under which its writes stand in `managedFields`.
    """

    def __init__(self, store: Store, *, api: Api | None = None, manager: str = "lab") -> None:
        self._store = store
        self._api = api or Api(store)
        self._manager = manager

    async def get(self, resource: str, name: str, namespace: str | None = None) -> Obj:
        return copy(self._store.get(resource, name, namespace))

    async def list(
        self, resource: str, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> tuple[list[Obj], str]:
        by_label, by_field = label_selector(labels), field_selector(fields)
        items = [o for o in self._store.list(resource, namespace) if by_label(o) and by_field(o)]
        return copy(items), self._store.revision

    async def watch(self, resource: str, namespace: str | None = None, *, since: str) -> AsyncIterator[tuple[str, Obj]]:
        async for change in self._store.watch(resource, since):
            if not namespace or namespace_of(change.obj) == namespace:
                yield change.kind, copy(change.obj)

    async def create(self, resource: str, obj: Obj) -> Obj:
        return copy(await self._api.create(resource, obj, self._options()))

    async def replace(self, resource: str, obj: Obj, *, subresource: str = "") -> Obj:
        return copy(await self._api.replace(resource, obj, self._options(subresource)))

    async def patch(self, resource: str, name: str, namespace: str | None, patch: Obj, *, subresource: str = "") -> Obj:
        def change(obj: Obj) -> Obj:
            merged: Obj = merge_patch(obj, patch)
            return merged

        return copy(await self._api.patch(resource, namespace, name, change, self._options(subresource)))

    async def delete(
        self, resource: str, name: str, namespace: str | None = None, *, grace_seconds: int | None = None
    ) -> None:
        how = Deletion(grace_seconds=grace_seconds)
        self._api.delete(resource, namespace, name, how, self._options())

    def _options(self, subresource: str = "") -> Options:
        return Options(manager=self._manager, subresource=subresource)
