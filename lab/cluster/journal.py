"""The history of changes that watches are fed from: bounded, in order, with an honest end (410)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from lab.cluster.errors import expired
from lab.cluster.objects import Obj


@dataclass(frozen=True)
class Change:
    """One change of one object. `previous` is what it was before, for watches with selectors."""

    revision: int
    resource: str
    kind: str  # ADDED MODIFIED DELETED
    obj: Obj
    previous: Obj | None = None


class Journal:
    """The last `capacity` changes of all resources, and who waits for the next ones."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._changes: deque[Change] = deque()
        self._capacity = capacity
        self._forgotten = 0  # the newest revision that is no longer here
        self._listeners: dict[asyncio.Queue[Change], str] = {}

    def append(self, change: Change) -> None:
        self._changes.append(change)
        if len(self._changes) > self._capacity:
            self._forgotten = self._changes.popleft().revision
        for queue, resource in self._listeners.items():
            if resource == change.resource:
                queue.put_nowait(change)

    def since(self, resource: str, revision: int) -> list[Change]:
        """The changes of `resource` after `revision`; 410 Expired where some were forgotten."""
        if revision < self._forgotten:
            raise expired(revision, self._forgotten)
        return [c for c in self._changes if c.revision > revision and c.resource == resource]

    def forget(self) -> None:
        """Forget every change, as etcd's compaction does."""
        if self._changes:
            self._forgotten = self._changes[-1].revision
        self._changes.clear()

    async def follow(self, resource: str, revision: int) -> AsyncGenerator[Change, None]:
        """The changes of `resource` after `revision`, without an end."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        for change in self.since(resource, revision):
            queue.put_nowait(change)
        self._listeners[queue] = resource
        try:
            while True:
                yield await queue.get()
        finally:
            del self._listeners[queue]
