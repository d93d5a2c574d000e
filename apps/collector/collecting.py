"""The loop: list, ask, count what is new, put each window when it ends."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from time import time
from typing import Any, Protocol

from apps.collector.proxies import Proxies
from apps.collector.settings import Settings
from canario.adapters.metrics_writer import Publisher
from canario.errors import RemoteError
from canario.telemetry import datapoints
from canario.telemetry.counts import Counts, Node
from canario.telemetry.istio import SAME_PROCESS_SECONDS, callees, callers
from canario.telemetry.ledger import Ledger
from canario.telemetry.windows import window_of
from canario.workshop.kinds import HTTP_ROUTE, NAMESPACE, POD
from canario.workshop.ports import Kind

log = logging.getLogger(__name__)

_HURRY_SECONDS = 1  # between readings while a caller is about to end: its last counts end with it
_LATE = 6  # so many readings that failed in a row are ill health
MINUTE = 60


class Cluster(Protocol):
    def list(self, kind: Kind) -> list[dict[str, Any]]: ...


class Collector:
    """Counts since it was made. `clock`: seconds of the epoch."""

    def __init__(
        self,
        cluster: Cluster,
        proxies: Proxies,
        publisher: Publisher,
        settings: Settings,
        clock: Callable[[], float] = time,
    ) -> None:
        self._cluster, self._proxies, self._publisher = cluster, proxies, publisher
        self._window, self._scrape, self._clock = settings.window, settings.scrape, clock
        self._ledger = Ledger(since=int(clock()), same_process=SAME_PROCESS_SECONDS)
        self._open = 0  # the start of the window that is being counted
        self._new: dict[Node, Counts] = {}
        self._workshop_of: dict[str, str] = {}  # also of namespaces that are gone: their last counts come later
        self._read_at = clock()
        self._hurry = False

    async def run(self) -> None:
        """Collect until cancelled."""
        due = self._next()
        while True:
            await asyncio.sleep(due - self._clock())
            try:
                await self.collect(due)
            except RemoteError as error:
                log.warning("the cluster cannot be listed", extra={"error": str(error)})
            due = self._next()

    async def collect(self, second: int) -> None:
        """One reading of every caller, of the window that `second` is in or ends. Raises RemoteError."""
        if (window := window_of(second, self._window)) != self._open:
            self.put()
            self._open = window
        namespaces, pods, routes = await self._list()
        self._workshop_of |= datapoints.workshops(namespaces)
        found = callers(pods, (each["metadata"]["name"] for each in namespaces))
        readings = await self._proxies.read(found, callees(routes))
        self._ledger, new = self._ledger.advance(readings)
        self._ledger = self._ledger.keep({pod["metadata"]["uid"] for pod in pods})
        for node, counts in new.items():
            self._new[node] = self._new.get(node, Counts()) + counts
        self._hurry, self._read_at = any(caller.terminating for caller in found), self._clock()
        if second % self._window == 0:
            self.put()

    def put(self) -> None:
        """Queue what has been counted of the open window."""
        if not self._new:
            return
        resolution = MINUTE if self._window % MINUTE == 0 else 1
        self._publisher.add(datapoints.data(self._new, self._workshop_of, self._open, resolution=resolution))
        for workshop, (nodes, requests) in sorted(self._told().items()):
            fields = {"workshop": workshop, "window": self._open, "nodes": nodes, "requests": requests}
            log.info("a window's counts", extra=fields)
        self._new = {}

    @property
    def trouble(self) -> str | None:
        """Why this process should be started anew; None while readings go on."""
        silent = self._clock() - self._read_at
        return f"no reading for {silent:.0f} s" if silent > max(MINUTE, _LATE * self._scrape) else None

    def _told(self) -> Mapping[str, tuple[int, int]]:
        told: dict[str, tuple[int, int]] = {}
        for node, counts in self._new.items():
            workshop = self._workshop_of.get(node.namespace, node.namespace)
            nodes, requests = told.get(workshop, (0, 0))
            told[workshop] = nodes + 1, requests + counts.requests
        return told

    async def _list(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
        """The workshops' namespaces; every pod and route."""
        listed = [await asyncio.to_thread(self._cluster.list, kind) for kind in (NAMESPACE, POD, HTTP_ROUTE)]
        label = datapoints.WORKSHOP_LABEL
        return [each for each in listed[0] if label in (each["metadata"].get("labels") or {})], listed[1], listed[2]

    def _next(self) -> int:
        """The second of the next reading: at multiples of the interval, so that windows end with one."""
        now = int(self._clock())
        due = (now // self._scrape + 1) * self._scrape
        return min(due, now + _HURRY_SECONDS) if self._hurry else due
