"""Writes a pod's status to the API: as often as it changes, and no oftener."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NoReturn

from lab.cluster.client import Client
from lab.cluster.errors import ApiError
from lab.cluster.kubelet.status import Facts, pod_status
from lab.cluster.objects import Obj, name_of, namespace_of

_RETRY = 1.0  # seconds


class Publisher:
    """For one pod. Changes that come while one is written go out together."""

    def __init__(self, client: Client, pod: Obj, facts: Callable[[], Facts]) -> None:
        self._client = client
        self._key = (name_of(pod), namespace_of(pod))
        self._uid = pod["metadata"]["uid"]
        self._facts = facts
        self._dirty = asyncio.Event()
        self._dirty.set()

    def changed(self) -> None:
        self._dirty.set()

    async def run(self) -> NoReturn:
        """Publish changes until cancelled."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            if not await self.publish():
                await asyncio.sleep(_RETRY)
                self._dirty.set()

    async def publish(self) -> bool:
        """Write the status if the API's is another; False when that failed and is worth another try."""
        try:
            stored = await self._client.get("pods", *self._key)
            if stored["metadata"]["uid"] != self._uid:
                return True
            wanted = pod_status(stored, self._facts(), datetime.now(UTC))
            if not wanted.items() <= (stored.get("status") or {}).items():
                await self._client.patch("pods", *self._key, {"status": wanted}, subresource="status")
        except ApiError as error:
            return error.code == 404
        return True
