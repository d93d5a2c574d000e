"""One pod from when it is first seen until it is gone: set up, init containers, containers, end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from lab.cluster.errors import ApiError
from lab.cluster.kubelet.container import Container
from lab.cluster.kubelet.errors import VolumeError
from lab.cluster.kubelet.machine import NODE, Machine
from lab.cluster.kubelet.program import Program
from lab.cluster.kubelet.publisher import Publisher
from lab.cluster.kubelet.sandbox import Sandbox
from lab.cluster.kubelet.status import Facts, phase, restart_policy
from lab.cluster.objects import Obj, dig, is_deleting, name_of, namespace_of

_DEFAULT_GRACE = 30.0
_GONE_GRACE = 2.0  # seconds for the processes of a pod that somebody removed from the API by force
_ENDPOINTS_WAIT = 1.0  # seconds: the most that a deleted pod waits to be out of its Services' endpoints

_log = logging.getLogger(__name__)


class PodWorker:
    """Runs one pod. `run` is a task; `update`, `gone` and `shut_down` tell it what happens to the pod."""

    def __init__(self, machine: Machine, pod: Obj) -> None:
        self.pod = pod
        self._machine = machine
        self._sandbox = Sandbox(machine, pod)
        self._publisher = Publisher(machine.client, pod, self.facts)
        self._moved = asyncio.Event()
        self._init = [self._init_container(spec) for spec in dig(pod, "spec", "initContainers", default=[])]
        self._main = [self._container(spec) for spec in dig(pod, "spec", "containers", default=[])]
        self._started = datetime.now(UTC)
        self._stopping = asyncio.Event()
        self._configured = asyncio.Event()
        self._set_up_done = False
        self._in_api = True  # False: the API has forgotten the pod, or is not to be told
        self._keep_files = False
        self._tasks: list[asyncio.Task[None]] = []

    # What the containers ask of their pod (container.Pod)

    @property
    def ip(self) -> str:
        return self._sandbox.ip

    @property
    def session(self) -> aiohttp.ClientSession:
        return self._machine.session

    @property
    def run_directory(self) -> Path:
        return self._machine.run_directory

    @property
    def grace(self) -> float:
        """Seconds: what the deletion gives, else what the pod wants."""
        wanted = dig(self.pod, "spec", "terminationGracePeriodSeconds", default=_DEFAULT_GRACE)
        return float(dig(self.pod, "metadata", "deletionGracePeriodSeconds", default=wanted))

    def program(self, container: Obj) -> tuple[Program, str]:
        return self._sandbox.program(self.pod, container)

    def log_path(self, container: str, run: int) -> Path:
        return self._sandbox.log_path(container, run)

    def record_name(self, container: str) -> str:
        return f"{self._sandbox.uid}_{container}"

    async def tell(self, kind: str, reason: str, message: str, container: str = "") -> None:
        field = f"spec.containers{{{container}}}" if container else ""
        recorder = self._machine.recorder
        record = recorder.warning if kind == "Warning" else recorder.normal
        await record(self.pod, reason, message, field=field)

    # What the kubelet asks and tells

    def containers(self) -> dict[str, Container]:
        return {c.name: c for c in (*self._init, *self._main)}

    def update(self, pod: Obj) -> None:
        """The API has a newer state of the pod."""
        self.pod = pod
        self._publisher.changed()
        if is_deleting(pod):
            self._hurry(self.grace)

    def gone(self) -> None:
        """The API no longer has the pod: end what is left of it quickly."""
        self._in_api = False
        self._hurry(_GONE_GRACE)

    def shut_down(self, grace: float) -> None:
        """The kubelet ends; the API is not told, and the files stay for a person to look at."""
        self._in_api, self._keep_files = False, True
        self._hurry(grace)

    def configuration_changed(self) -> None:
        """A ConfigMap or Secret of the pod's namespace is another now."""
        self._configured.set()
        if self._set_up_done:
            with contextlib.suppress(VolumeError):  # what is there stays, as in Kubernetes
                self._sandbox.volumes.refresh(self.pod)
        for container in self.containers().values():
            container.poke()

    def facts(self) -> Facts:
        init, main = ([c.state for c in group] for group in (self._init, self._main))
        return Facts(tuple(init), tuple(main), self.ip, self._machine.block.api, self._started)

    # Its life

    async def run(self) -> None:
        """Until the pod is gone."""
        working: list[asyncio.Task[Any]] = [asyncio.create_task(self._publisher.run())]
        if is_deleting(self.pod):
            self._stopping.set()
        else:
            working.append(asyncio.create_task(self._live()))
        try:
            await self._stopping.wait()
            await self._end()
        finally:
            await self._cancel(*working, *self._tasks)
            self._sandbox.close(keep_files=self._keep_files)
        if self._in_api:
            await self._remove()

    async def _cancel(self, *tasks: asyncio.Task[Any]) -> None:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                name = f"{namespace_of(self.pod)}/{name_of(self.pod)}"
                _log.error("a part of pod %s failed", name, exc_info=result)

    async def _live(self) -> None:
        try:
            await self._set_up()
            await self._run_init()
            if not self._has_failed():
                await asyncio.gather(*map(self._start, self._main))
            for sidecar in reversed(self._sidecars()):
                await sidecar.stop(self.grace)
        except ApiError as error:
            if error.code != 404:  # 404: deleted before it was begun
                await self._cannot_go_on(error)
        except Exception as error:
            await self._cannot_go_on(error)

    async def _cannot_go_on(self, error: Exception) -> None:
        _log.error("pod %s/%s cannot go on", namespace_of(self.pod), name_of(self.pod), exc_info=error)
        await self.tell("Warning", "FailedCreatePodSandBox", f"The kubelet cannot run this pod: {error}")

    async def _set_up(self) -> None:
        """Schedule it, and make what its containers need; waits for ConfigMaps and Secrets that are missing."""
        await self._schedule()
        self._sandbox.prepare(self.pod)
        told = ""
        while not self._set_up_done:
            self._configured.clear()
            try:
                self._sandbox.volumes.refresh(self.pod)
                self._set_up_done = True
            except VolumeError as error:
                if error.message != told:
                    await self.tell("Warning", error.event, error.message)
                told = error.message
                await self._configured.wait()

    async def _schedule(self) -> None:
        """The one node takes every pod; the API may have said so already."""
        namespace, name = namespace_of(self.pod), name_of(self.pod)
        if not dig(self.pod, "spec", "nodeName"):
            self.pod = await self._machine.client.patch("pods", name, namespace, {"spec": {"nodeName": NODE}})
        await self.tell("Normal", "Scheduled", f"Successfully assigned {namespace}/{name} to {NODE}")

    async def _run_init(self) -> None:
        """One after the other; a sidecar only has to have started."""
        for container in self._init:
            running = self._start(container)
            if container.state.sidecar:
                await self._until_started(container, running)
            else:
                await running
            if self._has_failed():
                return

    async def _until_started(self, container: Container, running: asyncio.Task[None]) -> None:
        while not (container.state.started or running.done()):
            self._moved.clear()
            await self._moved.wait()

    def _has_failed(self) -> bool:
        return phase(self.facts(), restart_policy(self.pod)) == "Failed"

    def _start(self, container: Container) -> asyncio.Task[None]:
        task = asyncio.create_task(container.run())
        self._tasks.append(task)
        return task

    # Its end

    async def _end(self) -> None:
        """Out of the endpoints, then the containers: all at once, sidecars last."""
        if self._in_api:
            await self._leave_endpoints()
        sidecars = self._sidecars()
        ordinary = [c for c in self.containers().values() if c not in sidecars]
        await asyncio.gather(*(c.stop(self.grace) for c in ordinary))
        await asyncio.gather(*(c.stop(self.grace) for c in sidecars))
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _leave_endpoints(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ENDPOINTS_WAIT):
                await self._machine.out_of_endpoints(namespace_of(self.pod), self.ip)

    async def _remove(self) -> None:
        """Tell the API how it ended, and that it may forget the pod."""
        await self._publisher.publish()
        name, namespace = name_of(self.pod), namespace_of(self.pod)
        with contextlib.suppress(ApiError):
            await self._machine.client.delete("pods", name, namespace, grace_seconds=0)

    def _hurry(self, grace: float) -> None:
        for container in self.containers().values():
            container.hurry(grace)
        self._stopping.set()

    # Its containers

    def _container(self, spec: Obj) -> Container:
        waits = "PodInitializing" if self._init else "ContainerCreating"
        policy = restart_policy(self.pod)
        return Container(self, spec, policy=policy, changed=self._changed, waits=waits)

    def _init_container(self, spec: Obj) -> Container:
        sidecar = spec.get("restartPolicy") == "Always"
        once = "Never" if restart_policy(self.pod) == "Never" else "OnFailure"
        policy = "Always" if sidecar else once
        return Container(self, spec, policy=policy, changed=self._changed, sidecar=sidecar)

    def _sidecars(self) -> list[Container]:
        return [c for c in self._init if c.state.sidecar]

    def _changed(self) -> None:
        self._publisher.changed()
        self._moved.set()
