"""Informers, queues and the events that controllers write."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from lab.cluster.client import LocalClient
from lab.cluster.controllers.events import Recorder
from lab.cluster.controllers.loop import Informer, Key, Queue, key_of, work
from lab.cluster.errors import not_found
from lab.cluster.objects import Obj, dig
from lab.cluster.store import Store
from tests.unit.cluster.controllers.objects import NOW


@pytest.fixture
def store() -> Store:
    found = Store()
    found.create("namespaces", {"metadata": {"name": "shop"}})
    return found


def _settings(name: str, value: str = "1") -> Obj:
    return {"metadata": {"name": name, "namespace": "shop"}, "data": {"value": value}}


@contextlib.asynccontextmanager
async def _running(informer: Informer) -> AsyncIterator[None]:
    task = asyncio.create_task(informer.run())
    await informer.synced()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_informer_knows_what_there_is_and_what_comes(store: Store) -> None:
    """An informer has what was there before it, and follows what is made, changed and deleted since."""
    client = LocalClient(store)
    store.create("configmaps", _settings("before"))
    informer, heard = Informer(client, "configmaps"), []
    informer.on_change(lambda old, new: heard.append((old and dig(old, "data"), new and dig(new, "data"))))
    async with _running(informer):
        await client.create("configmaps", _settings("after"))
        await client.patch("configmaps", "after", "shop", {"data": {"value": "2"}})
        await client.delete("configmaps", "before", "shop")
        await informer.until(lambda: ("shop", "before") not in informer.items)

    one, two = {"value": "1"}, {"value": "2"}
    assert [(None, one), (None, one), (one, two), (one, None)] == heard
    assert {("shop", "after")} == informer.items.keys()


async def test_an_informer_lists_again_when_its_watch_has_expired(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the API no longer has the changes since its list, an informer lists anew and hears what it missed."""
    monkeypatch.setattr("lab.cluster.controllers.loop._RELIST_AFTER", 0)
    store.create("configmaps", _settings("gone"))
    client = _Forgetful(store)
    informer = Informer(client, "configmaps")
    async with _running(informer):
        await informer.until(lambda: informer.items.keys() == {("shop", "new")})

    assert 2 == client.lists


class _Forgetful(LocalClient):
    """Forgets its history between the first list and the watch."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._memory = store
        self.lists = 0

    async def list(
        self, resource: str, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> tuple[list[Obj], str]:
        found = await super().list(resource, namespace, labels=labels, fields=fields)
        self.lists += 1
        if self.lists == 1:
            self._memory.create("configmaps", _settings("new"))
            self._memory.delete("configmaps", "gone", "shop")
            self._memory.journal.forget()
        return found


async def test_a_key_waits_once_and_is_not_worked_on_twice() -> None:
    """However often a key is added it waits once, and while it is worked on it is given to nobody else."""
    queue = Queue()
    for _ in range(3):
        queue.add(("shop", "web"))
    first = await queue.take()
    queue.add(first)
    queue.add(("shop", "other"))
    second = await queue.take()
    queue.done(first)
    third = await queue.take()
    queue.close()

    assert [("shop", "web"), ("shop", "other"), ("shop", "web")] == [first, second, third]


async def test_what_fails_is_tried_again() -> None:
    """A reconcile that raises, on purpose or not, is tried again until it succeeds."""
    queue, done = Queue(), asyncio.Event()
    errors: list[Exception] = [not_found("pods", "x"), RuntimeError("a bug")]

    async def reconcile(key: Key) -> None:
        if errors:
            raise errors.pop()
        done.set()

    queue.add(("shop", "web"))
    working = asyncio.create_task(work("test", queue, reconcile))
    await done.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

    assert [] == errors


async def test_the_same_event_is_counted_up(store: Store) -> None:
    """An event that is told again raises its count; another message is another event."""
    client = LocalClient(store)
    about = store.create("configmaps", _settings("settings"))
    recorder = Recorder(client, "tester", now=lambda: NOW)
    for message in ("late", "late", "later"):
        await recorder.warning(about, "Slow", message)
    events, _ = await client.list("events", "shop")

    assert {("late", 2), ("later", 1)} == {(e["message"], e["count"]) for e in events}
    assert {key_of(about)[1]} == {e["involvedObject"]["name"] for e in events}


async def test_an_event_that_cannot_be_written_harms_nobody(store: Store) -> None:
    """Telling of an object whose namespace has gone raises nothing."""
    about = {"kind": "Pod", "metadata": {"name": "p", "namespace": "gone", "uid": "u"}}
    await Recorder(LocalClient(store), "tester").normal(about, "Started", "x")

    assert [] == store.list("events")
