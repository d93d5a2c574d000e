"""The objects of one Kubernetes kind, kept current by list and watch."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
from lightkube import ApiError, AsyncClient, KubeConfig
from lightkube.core.resource import NamespacedResource

log = logging.getLogger(__name__)

Obj = dict[str, Any]
_RETRY_SECONDS = 0.25


def client(kubeconfig: Path) -> AsyncClient:
    """The cluster's client; the environment's proxies are not for it."""
    return AsyncClient(config=KubeConfig.from_file(kubeconfig), trust_env=False)


class Informer:
    """`objects` has every object of `resource` (a lightkube class) in all namespaces, as plain dicts.

    `changed` is called after each change. `synced` says whether the first list has come, `listed` waits for it.
    """

    def __init__(self, client: AsyncClient, resource: type[Any], changed: Callable[[], None]) -> None:
        self._client, self._resource, self._changed = client, resource, changed
        self._where = {"namespace": "*"} if issubclass(resource, NamespacedResource) else {}
        self._objects: dict[tuple[str, str], Obj] = {}
        self.listed = asyncio.Event()

    @property
    def synced(self) -> bool:
        return self.listed.is_set()

    @property
    def objects(self) -> list[Obj]:
        return list(self._objects.values())

    async def run(self) -> None:
        """Follow the cluster until cancelled. A broken watch begins again with a list."""
        while True:
            try:
                await self._watch(await self._list())
            except (httpx2.HTTPError, ApiError) as error:
                log.warning("watching %s: %s; trying again", self._resource.__name__, error or repr(error))
            await asyncio.sleep(_RETRY_SECONDS)

    async def _list(self) -> str:
        listed = self._client.list(self._resource, **self._where)
        objects = [item.to_dict() async for item in listed]
        self._objects = {_key(obj): obj for obj in objects}
        self.listed.set()
        self._changed()
        return listed.resourceVersion

    async def _watch(self, version: str) -> None:
        watch = self._client.watch(self._resource, resource_version=version, **self._where)
        async for event, item in watch:
            obj = item.to_dict()
            if event == "DELETED":
                self._objects.pop(_key(obj), None)
            else:
                self._objects[_key(obj)] = obj
            self._changed()


def _key(obj: Obj) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
