"""The loop: scrape, count what is new, publish it once a second."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import time
from typing import Protocol

import aiohttp

from canario.adapters.metrics_writer import Publisher
from canario.telemetry import datapoints
from canario.telemetry.counts import Counts, Node
from canario.telemetry.ledger import Ledger
from lab.informer import Obj
from lab.telemetry.scraper import Caller, callers, scrape

_HURRY_SECONDS = 0.2  # between scrapes while a caller is about to end: its last counts end with it


class Objects(Protocol):
    """The cluster's objects of one kind; `synced` once they have all come for the first time."""

    @property
    def objects(self) -> list[Obj]: ...

    @property
    def synced(self) -> bool: ...


class Collector:
    """Turns the callers' counters into data. `changed` says that the pods have changed."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        pods: Objects,
        namespaces: Objects,
        publisher: Publisher,
        changed: asyncio.Event,
        interval: float,
        clock: Callable[[], float] = time,
    ) -> None:
        self._session, self._publisher = session, publisher
        self._pods, self._namespaces, self._changed = pods, namespaces, changed
        self._interval, self._clock = interval, clock
        self._ledger = Ledger(since=int(clock()))  # pods tell their creation in whole seconds
        self._unpublished: dict[Node, Counts] = {}
        self._workshop_of: dict[str, str] = {}  # also of namespaces that are gone: their last counts come later
        self._pod_of: dict[str, str] = {}  # by address; also of pods that are gone, until another has it
        self._published = 0  # the second of the last publication

    async def run(self) -> None:
        """Collect until cancelled."""
        while True:
            began = self._clock()
            found = callers(self._pods.objects)
            await self.collect(found)
            await self._pause(began, found)

    async def collect(self, found: list[Caller]) -> None:
        """One scrape of these callers; published unless this second has been already."""
        readings = await scrape(self._session, found)
        self._ledger, new = self._ledger.advance(readings)
        self._ledger = self._ledger.keep({pod["metadata"]["uid"] for pod in self._pods.objects})
        for node, counts in new.items():
            self._unpublished[node] = self._unpublished.get(node, Counts()) + counts
        second = int(self._clock())
        if second > self._published and self._namespaces.synced and self._unpublished:
            self._workshop_of |= datapoints.workshops(self._namespaces.objects)
            self._pod_of |= _addresses(self._pods.objects)
            named = {node: counts.named(self._pod_of) for node, counts in self._unpublished.items()}
            self._publisher.add(datapoints.data(named, self._workshop_of, second))
            self._published, self._unpublished = second, {}

    async def _pause(self, began: float, found: list[Caller]) -> None:
        """Until the next scrape is due, or at once when a pod has begun to terminate."""
        hurry = any(caller.terminating for caller in found)
        due = began + (_HURRY_SECONDS if hurry else self._interval)
        known = {caller.proxy for caller in found if caller.terminating}
        while (wait := due - self._clock()) > 0:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            if any(caller.terminating and caller.proxy not in known for caller in callers(self._pods.objects)):
                return


def _addresses(pods: list[Obj]) -> dict[str, str]:
    """Address → pod; of two that had it one after the other, the younger."""
    found = [pod for pod in pods if pod.get("status", {}).get("podIP")]
    found.sort(key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    return {pod["status"]["podIP"]: pod["metadata"]["name"] for pod in found}
