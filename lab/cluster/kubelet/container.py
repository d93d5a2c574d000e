"""One container of a pod: started, started again by policy and back-off, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any, Protocol

import aiohttp

from lab import processes
from lab.cluster.errors import ApiError
from lab.cluster.kubelet import command, hooks
from lab.cluster.kubelet.backoff import BackOff
from lab.cluster.kubelet.care import Care
from lab.cluster.kubelet.errors import Unstartable
from lab.cluster.kubelet.logs import Log
from lab.cluster.kubelet.probes import Prober
from lab.cluster.kubelet.program import Program, run_command
from lab.cluster.kubelet.state import ContainerState, Running, Terminated, Waiting
from lab.cluster.objects import Obj, dig

_START_ERROR = 128  # exit code of a run whose program could not be started, as containerd has it

_log = logging.getLogger(__name__)


class Pod(Protocol):
    """What a container asks of its pod."""

    @property
    def ip(self) -> str: ...

    @property
    def grace(self) -> float:
        """Seconds between SIGTERM and SIGKILL."""
        ...

    @property
    def session(self) -> aiohttp.ClientSession: ...

    @property
    def run_directory(self) -> Path:
        """Where records of processes are."""
        ...

    def program(self, container: Obj) -> tuple[Program, str]:
        """The program and the image's id. Raises Unstartable."""
        ...

    def log_path(self, container: str, run: int) -> Path: ...

    def record_name(self, container: str) -> str: ...

    async def tell(self, kind: str, reason: str, message: str, container: str = "") -> None:
        """Write an Event."""
        ...


@dataclass
class _Run:
    """One run of the container's process."""

    child: processes.Child
    program: Program
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    care: asyncio.Task[None] | None = None
    ending: asyncio.Task[None] | None = None


class Container:
    """Call `run` once; `stop` from elsewhere. `state` is the value that status is made of."""

    def __init__(
        self,
        pod: Pod,
        spec: Obj,
        *,
        policy: str,
        changed: Callable[[], None],
        sidecar: bool = False,
        waits: str = "ContainerCreating",
    ) -> None:
        self.name: str = spec["name"]
        self.log: Log | None = None
        self.state = ContainerState(self.name, spec.get("image", ""), Waiting(waits), sidecar=sidecar)
        self._pod = pod
        self._spec = spec
        self._policy = policy
        self._changed = changed
        self._stopping = False
        self._poked = asyncio.Event()
        self._current: _Run | None = None

    async def run(self) -> None:
        """Run it until it ends for good: by its restart policy, or because of `stop`."""
        backoff = BackOff()
        while not self._stopping:
            began = time.monotonic()
            exit_code = await self._run_once()
            if self._stopping or not self._again(exit_code):
                return
            backoff = backoff.after(time.monotonic() - began)
            await self._pause(backoff.delay, crashed=exit_code is not None)

    async def stop(self, grace: float) -> None:
        """End it: preStop hook, SIGTERM, and SIGKILL once `grace` seconds have passed in all."""
        self._stopping = True
        self._poked.set()
        if self._current:
            await asyncio.shield(self._begin_end(self._current, grace))

    def hurry(self, seconds: float) -> None:
        """Less grace than `stop` was given."""
        if self._current:
            self._kill_after(self._current, seconds)

    def poke(self) -> None:
        """Something changed that may have kept the container from starting: try at once."""
        if isinstance(self.state.state, Waiting) and self.state.state.reason != "CrashLoopBackOff":
            self._poked.set()

    def execute(
        self, argv: Sequence[str], *, stdin: bool, tty: bool
    ) -> AbstractAsyncContextManager[command.RunningCommand]:
        """A command beside it, which ends with it. Raises ApiError, also when the context is entered."""
        current = self._current
        if current is None:
            raise ApiError(500, "InternalError", f'Internal error occurred: container "{self.name}" is not running')
        return command.running(
            current.program,
            argv,
            name=self._beside(),
            run=self._pod.run_directory,
            stdin=stdin,
            tty=tty,
            until=current.ended,
        )

    def _again(self, exit_code: int | None) -> bool:
        if exit_code is None or self._policy == "Always":
            return True
        return self._policy == "OnFailure" and exit_code != 0

    async def _run_once(self) -> int | None:
        """Start it and wait for its end; the exit code, None when it could not be put together."""
        try:
            program, image_id = self._pod.program(self._spec)
        except Unstartable as error:
            await self._refused(error)
            return None
        restarts = self.state.restarts + (self.state.last is not None)
        self._set(restarts=restarts, image_id=image_id, container_id=f"lab://{uuid.uuid4().hex}")
        started, message = datetime.now(UTC), ""
        self.log = log = Log(self._pod.log_path(self.name, restarts))
        try:
            exit_code = await self._execute(program, log)
        except processes.StartError as error:
            exit_code, message = _START_ERROR, str(error)
            await self._tell("Warning", "Failed", f"Error: {error}")
        finally:
            log.close()
        self._ended(exit_code, message, started)
        return exit_code

    async def _execute(self, program: Program, log: Log) -> int:
        """Start the process, look after it, and return its exit code. Raises StartError."""
        child = processes.spawn(
            self._pod.record_name(self.name),
            program.argv,
            run=self._pod.run_directory,
            output=log.fd,
            env=program.env,
            cwd=program.directory,
        )
        log.attach()
        current = self._current = _Run(child, program)
        self._set(state=Running(datetime.now(UTC)), ready=False, started=False)
        current.care = asyncio.create_task(self._care(current).run())
        try:
            await processes.ended(child.pid)
        finally:
            self._current = None
            status = processes.reap(child)
            current.ended.set()
            await self._finish_care(current.care)
        return status if status >= 0 else 128 - status

    def _care(self, current: _Run) -> Care:
        return Care(
            self._spec,
            self._prober(current),
            partial(self._command, current),
            self._tell,
            self._set,
            partial(self._kill, current),
        )

    async def _finish_care(self, care: asyncio.Task[None]) -> None:
        care.cancel()
        await asyncio.wait({care})
        if not care.cancelled() and (error := care.exception()):
            _log.error("probes of container %s failed", self.name, exc_info=error)

    def _ended(self, exit_code: int, message: str, started: datetime) -> None:
        reason = "StartError" if message else "Error" if exit_code else "Completed"
        ended = Terminated(exit_code, reason, started, datetime.now(UTC), self.state.container_id, message)
        self._set(state=ended, ready=False, started=False)

    async def _refused(self, error: Unstartable) -> None:
        """Show why it cannot start: ErrImagePull first, ImagePullBackOff from then on."""
        before = self.state.state
        reason = error.reason
        if reason == "ErrImagePull" and isinstance(before, Waiting) and "ImagePull" in before.reason:
            reason = "ImagePullBackOff"
        self._set(state=Waiting(reason, error.message))
        if before != self.state.state:
            await self._tell("Warning", error.event, f"Error: {reason}: {error.message}")

    async def _pause(self, delay: float, *, crashed: bool) -> None:
        """Wait before the next run; what ended last shows as `lastState` from now on."""
        if crashed and isinstance(self.state.state, Terminated):
            self._set(last=self.state.state)
            if delay:
                message = f"back-off {delay:g}s restarting failed container={self.name}"
                self._set(state=Waiting("CrashLoopBackOff", message))
                await self._tell("Warning", "BackOff", message)
        self._poked.clear()
        if not self._stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._poked.wait()

    def _kill(self, current: _Run, why: str, grace: float | None) -> None:
        """End this run; the restart policy says what follows."""
        self._begin_end(current, self._pod.grace if grace is None else grace, why)

    def _begin_end(self, current: _Run, grace: float, why: str = "") -> asyncio.Task[None]:
        """The task that ends this run; there is one, however often it is asked for."""
        self._kill_after(current, grace)
        if current.ending is None:
            current.ending = asyncio.create_task(self._end(current, grace, why))
        return current.ending

    async def _end(self, current: _Run, grace: float, why: str) -> None:
        if current.care:
            current.care.cancel()  # a probe is a request, too: a program that drains must see none
        message = f"Stopping container {self.name}"
        if why:
            message = f"Container {self.name} {why}, will be restarted"
            self._set(ready=False)
        await self._tell("Normal", "Killing", message)
        hook = dig(self._spec, "lifecycle", "preStop")
        if hook:
            await self._pre_stop(current, hook, grace)
        if self._current is current:
            processes.send(current.child.pid, SIGTERM)
        await current.ended.wait()

    async def _pre_stop(self, current: _Run, hook: Obj, grace: float) -> None:
        """The hook, for as long as the process is there."""
        hooking = asyncio.create_task(self._hook(current, hook, grace))
        ended = asyncio.create_task(current.ended.wait())
        await asyncio.wait({hooking, ended}, return_when=asyncio.FIRST_COMPLETED)
        hooking.cancel()
        ended.cancel()
        failure = (await asyncio.gather(hooking, ended, return_exceptions=True))[0]
        if failure and isinstance(failure, str):
            await self._tell("Warning", "FailedPreStopHook", f"PreStopHook failed: {failure}")

    async def _hook(self, current: _Run, hook: Obj, timeout: float) -> str:
        return await hooks.perform(
            hook,
            prober=self._prober(current),
            command=partial(self._command, current),
            timeout=timeout,
        )

    def _kill_after(self, current: _Run, seconds: float) -> None:
        def kill() -> None:
            if self._current is current:
                processes.send(current.child.pid, SIGKILL)

        asyncio.get_running_loop().call_later(seconds, kill)

    def _prober(self, current: _Run) -> Prober:
        return Prober(self._pod.session, self._spec, self._pod.ip, partial(self._command, current))

    async def _command(self, current: _Run, argv: list[str], seconds: float) -> tuple[int, str]:
        program, run = current.program, self._pod.run_directory
        return await run_command(program, argv, name=self._beside(), run=run, timeout=seconds)

    def _beside(self) -> str:
        """A name for the record of a process beside the container's own."""
        return f"{self._pod.record_name(self.name)}_{uuid.uuid4().hex[:6]}"

    async def _tell(self, kind: str, reason: str, message: str) -> None:
        await self._pod.tell(kind, reason, message, self.name)

    def _set(self, **fields: Any) -> None:
        changed = replace(self.state, **fields)
        if changed != self.state:
            self.state = changed
            self._changed()
