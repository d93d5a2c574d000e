"""What every controller is made of: informers that tell what changed, a queue of keys, workers that reconcile.

Level-triggered: a key in the queue says only that something about the object may be wrong. The informers'
caches answer "whom does this concern?"; what a decision rests on is read fresh from the API, which is in the
same process, so a controller never acts on a cache that has not yet seen its own last write.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import NoReturn

from lab.cluster.client import Client
from lab.cluster.errors import ApiError
from lab.cluster.objects import Obj, name_of, namespace_of

Key = tuple[str, str]  # namespace, name
Listener = Callable[[Obj | None, Obj | None], None]  # what the object was, what it is
Reconcile = Callable[[Key], Awaitable[float | None]]  # seconds after which to look again, None for no need

_log = logging.getLogger(__name__)
_FIRST_RETRY, _LAST_RETRY = 0.02, 5.0  # seconds
_RELIST_AFTER = 0.2  # seconds between a watch that ended and the list that follows


def key_of(obj: Obj) -> Key:
    return namespace_of(obj), name_of(obj)


class Informer:
    """What the API holds of one resource, kept by list and watch; listeners hear of every change."""

    def __init__(self, client: Client, resource: str) -> None:
        self.items: dict[Key, Obj] = {}
        self._client = client
        self._resource = resource
        self._listeners: list[Listener] = []
        self._synced = asyncio.Event()
        self._waiting: set[asyncio.Event] = set()

    def on_change(self, listener: Listener) -> None:
        """Call `listener` on every change from now on; it must not block nor raise."""
        self._listeners.append(listener)

    async def synced(self) -> None:
        """Return once the first list is in."""
        await self._synced.wait()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once `holds()`; it is asked again after every change."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            while not holds():
                await changed.wait()
                changed.clear()
        finally:
            self._waiting.discard(changed)

    def in_namespace(self, namespace: str) -> list[Obj]:
        return [obj for key, obj in self.items.items() if key[0] == namespace]

    async def run(self) -> NoReturn:
        """List, then watch; list again whenever the watch ends or has expired. Runs until cancelled."""
        while True:
            try:
                await self._follow()
            except ApiError as error:
                _log.warning("watch of %s ended: %s", self._resource, error)
            await asyncio.sleep(_RELIST_AFTER)

    async def _follow(self) -> None:
        items, version = await self._client.list(self._resource)
        self._relist(items)
        self._synced.set()
        async for kind, obj in self._client.watch(self._resource, since=version):
            self._change(key_of(obj), None if kind == "DELETED" else obj, last=obj)

    def _relist(self, items: list[Obj]) -> None:
        found = {key_of(obj): obj for obj in items}
        for key in self.items.keys() - found.keys():
            self._change(key, None, last=self.items[key])
        for key, obj in found.items():
            self._change(key, obj, last=obj)

    def _change(self, key: Key, new: Obj | None, *, last: Obj) -> None:
        old = self.items.get(key)
        if new is None:
            self.items.pop(key, None)
            old = last
        else:
            self.items[key] = new
        for listener in self._listeners:
            listener(old, new)
        for waiting in self._waiting:
            waiting.set()


class Queue:
    """Keys to reconcile: each waits at most once, and none is worked on twice at the same time."""

    def __init__(self) -> None:
        self._waiting: dict[Key, None] = {}
        self._active: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: Counter[Key] = Counter()
        self._wake = asyncio.Event()

    def add(self, key: Key) -> None:
        self._waiting[key] = None
        self._wake.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Add later; of two such wishes for one key the earlier one counts."""
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer and not timer.cancelled() and timer.when() <= loop.time() + seconds:
            return
        if timer:
            timer.cancel()
        self._timers[key] = loop.call_later(seconds, self._due, key)

    async def take(self) -> Key:
        """The next key that nobody works on; give it back with `done`."""
        while True:
            for key in self._waiting:
                if key not in self._active:
                    del self._waiting[key]
                    self._active.add(key)
                    return key
            self._wake.clear()
            await self._wake.wait()

    def done(self, key: Key, *, failed: bool = False) -> None:
        """Working on `key` has ended; after a failure it comes back, later each time."""
        self._active.discard(key)
        if failed:
            self.add_after(key, min(_LAST_RETRY, _FIRST_RETRY * 2 ** self._failures[key]))
            self._failures[key] += 1
        else:
            self._failures.pop(key, None)
        self._wake.set()

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _due(self, key: Key) -> None:
        del self._timers[key]
        self.add(key)


async def work(name: str, queue: Queue, reconcile: Reconcile, *, workers: int = 4) -> None:
    """Reconcile what comes into the queue until cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(_worker(name, queue, reconcile))
    finally:
        queue.close()


async def _worker(name: str, queue: Queue, reconcile: Reconcile) -> NoReturn:
    while True:
        key = await queue.take()
        again, failed = await _attempt(name, key, reconcile)
        queue.done(key, failed=failed)
        if again is not None:
            queue.add_after(key, again)


async def _attempt(name: str, key: Key, reconcile: Reconcile) -> tuple[float | None, bool]:
    try:
        return await reconcile(key), False
    except ApiError as error:
        # 404, 409: the world moved on while we looked; the next look decides anew.
        level = logging.DEBUG if error.code in (404, 409) else logging.WARNING
        _log.log(level, "%s %s/%s: %s", name, *key, error)
    except Exception:
        _log.exception("%s %s/%s failed; it is tried again", name, *key)
    return None, True


async def until_synced(informers: Iterable[Informer]) -> None:
    for informer in informers:
        await informer.synced()
