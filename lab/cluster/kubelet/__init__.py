"""The lab's kubelet: the containers of pods are processes of this machine, each pod at an address of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp

from lab import processes
from lab.cluster.client import Client
from lab.cluster.controllers.events import Recorder
from lab.cluster.controllers.loop import Informer, key_of, until_synced
from lab.cluster.errors import ApiError, not_found
from lab.cluster.kubelet import logs
from lab.cluster.kubelet.container import Container
from lab.cluster.kubelet.images import Images
from lab.cluster.kubelet.machine import CONFIGURATION, NODE, Machine, NoAddressError
from lab.cluster.kubelet.node import register
from lab.cluster.kubelet.pod import PodWorker
from lab.cluster.kubelet.state import Waiting
from lab.cluster.objects import Obj, dig, name_of, namespace_of
from lab.cluster.runtime import ApiAddress
from lab.net import Block

__all__ = ["NODE", "Kubelet"]

_STOP_GRACE = 4.0  # seconds between SIGTERM and SIGKILL when the kubelet itself ends
_STOP_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Kubelet:
    """Runs every pod of the cluster on `lab-node`. Implements `runtime.PodRuntime`."""

    def __init__(self, client: Client, *, directory: Path, images: Path, block: Block, api: ApiAddress) -> None:
        self._client = client
        self._directory = directory.resolve()
        self._images = Images(images)
        self._block = block
        self._api = api
        self._workers: dict[str, PodWorker] = {}  # by the pod's uid
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._finished: set[str] = set()  # uids of pods that have ended and whose last events are under way
        self._stopping = asyncio.Event()
        self._machine: Machine | None = None

    async def run(self) -> None:
        """Run pods until `stop` or until cancelled; first ends what a crashed kubelet left in `directory`."""
        await asyncio.to_thread(self._clear)
        await register(self._client, self._block.api, datetime.now(UTC))
        resources = (*CONFIGURATION, "endpoints", "pods")
        informers = {resource: Informer(self._client, resource) for resource in resources}
        async with _session() as session, asyncio.TaskGroup() as group:
            self._machine = self._make_machine(session, informers)
            informers["pods"].on_change(self._pod_changed)
            for kind in CONFIGURATION:
                informers[kind].on_change(self._configuration_changed)
            watching = [group.create_task(informer.run()) for informer in informers.values()]
            try:
                await until_synced(informers.values())
                await self._stopping.wait()
                await self._end_pods()
            finally:
                await _cancel([*watching, *self._tasks.values()])

    async def stop(self) -> None:
        """End all pods, gracefully but within five seconds; the API keeps its objects. `run` returns then."""
        self._stopping.set()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=_STOP_SECONDS)

    async def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool,
        previous: bool,
        tail: int | None,
        since_seconds: int | None,
        timestamps: bool,
    ) -> AsyncIterator[bytes]:
        """A container's log in chunks. Raises ApiError: 400 when there is none yet, 404 for an unknown container."""
        found = self._container(namespace, pod, container)
        choice = logs.Selection.of(tail=tail, since_seconds=since_seconds, timestamps=timestamps, now=datetime.now(UTC))
        if previous:
            for chunk in logs.read(_previous(found, pod), choice):
                yield chunk
        elif found.log is None:
            raise _not_started(found, pod)
        elif follow:
            async with contextlib.aclosing(found.log.follow(choice)) as chunks:
                async for chunk in chunks:
                    yield chunk
        else:
            for chunk in logs.read(found.log.path, choice):
                yield chunk

    def _clear(self) -> None:
        left = processes.end_leftovers(self._directory / "run")
        if left:
            _log.warning("ended %d processes that an earlier kubelet had left", len(left))
        shutil.rmtree(self._directory / "pods", ignore_errors=True)

    def _make_machine(self, session: aiohttp.ClientSession, informers: dict[str, Informer]) -> Machine:
        recorder = Recorder(self._client, "kubelet", host=NODE)
        return Machine(
            self._client, recorder, session, self._images, self._block, self._api, self._directory, informers
        )

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        before = self._workers.get(old["metadata"]["uid"]) if old else None
        worker = self._workers.get(new["metadata"]["uid"]) if new else None
        if before and before is not worker:
            before.gone()
        if new is None:
            self._finished.discard(old["metadata"]["uid"] if old else "")
        elif worker:
            worker.update(new)
        elif self._is_mine(new) and self._machine and not self._stopping.is_set():
            self._begin(self._machine, new)

    def _is_mine(self, pod: Obj) -> bool:
        """Whether the pod is this node's, or nobody's yet, and has not ended."""
        return dig(pod, "spec", "nodeName") in (None, "", NODE) and pod["metadata"]["uid"] not in self._finished

    def _begin(self, machine: Machine, pod: Obj) -> None:
        uid = pod["metadata"]["uid"]
        try:
            worker = self._workers[uid] = PodWorker(machine, pod)
        except NoAddressError as error:
            _log.error("pod %s/%s: %s", namespace_of(pod), name_of(pod), error)
            return
        task = self._tasks[uid] = asyncio.create_task(worker.run())
        task.add_done_callback(partial(self._over, uid))

    def _over(self, uid: str, task: asyncio.Task[None]) -> None:
        worker = self._workers.pop(uid)
        del self._tasks[uid]
        if task.cancelled():
            return
        if error := task.exception():
            _log.error("the worker of pod %s failed", uid, exc_info=error)
        elif self._machine and key_of(worker.pod) in self._machine.informers["pods"].items:
            self._finished.add(uid)

    def _configuration_changed(self, old: Obj | None, new: Obj | None) -> None:
        namespace = namespace_of(old or new or {})
        for worker in self._workers.values():
            if namespace_of(worker.pod) == namespace:
                worker.configuration_changed()

    async def _end_pods(self) -> None:
        for worker in self._workers.values():
            worker.shut_down(_STOP_GRACE)
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=_STOP_SECONDS)

    def _container(self, namespace: str, pod: str, container: str) -> Container:
        for worker in self._workers.values():
            if (namespace_of(worker.pod), name_of(worker.pod)) == (namespace, pod):
                found = worker.containers().get(container)
                if found:
                    return found
                raise ApiError(404, "NotFound", f"container {container} is not valid for pod {pod}")
        raise not_found("pods", pod)


def _session() -> aiohttp.ClientSession:
    """For probes and hooks: a connection a request, as a kubelet does."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _previous(container: Container, pod: str) -> Path:
    """The log of the run before the present one; while it waits to be started, of the last one."""
    run = container.state.restarts - (not isinstance(container.state.state, Waiting))
    path = container.log.path.with_name(f"{run}.log") if container.log else None
    if path is None or not path.exists():
        message = f'previous terminated container "{container.name}" in pod "{pod}" not found'
        raise ApiError(400, "BadRequest", message)
    return path


def _not_started(container: Container, pod: str) -> ApiError:
    reason = getattr(container.state.state, "reason", "")
    message = f'container "{container.name}" in pod "{pod}" is waiting to start: {reason}'
    return ApiError(400, "BadRequest", message)
