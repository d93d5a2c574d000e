"""Keeps the VPC's Envoy files as the cluster and Route 53 are."""

import asyncio
from typing import Protocol

from lab.envoy.files import write_files
from lab.informer import Obj
from lab.vpc.names import Records
from lab.vpc.resources import Vpc, envoy_files
from lab.vpc.world import services


class Objects(Protocol):
    """The cluster's objects of one kind; `synced` once they have all come for the first time."""

    @property
    def objects(self) -> list[Obj]: ...

    @property
    def synced(self) -> bool: ...


class Source(Protocol):
    """Where names beside Kubernetes' own come from. Cloud Map's will be a second one."""

    @property
    def records(self) -> Records: ...


class Controller:
    """Writes the files after every change, and sets `written` once they are complete for the first time."""

    def __init__(self, vpc: Vpc, services: Objects, endpoints: Objects, source: Source, changed: asyncio.Event) -> None:
        self._vpc, self._services, self._endpoints, self._source = vpc, services, endpoints, source
        self._changed = changed
        self.written = asyncio.Event()

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()  # before reading: a change during the writing is not lost
            if self._services.synced and self._endpoints.synced:
                self._write()

    def _write(self) -> None:
        found = services(self._services.objects, self._endpoints.objects)
        write_files(self._vpc.directory, envoy_files(self._vpc, found, self._source.records))
        self.written.set()
