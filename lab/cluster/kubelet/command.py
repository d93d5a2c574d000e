"""What `kubectl exec` runs: a process beside the container's own, with pipes or a terminal.

It leads a session of its own, so that all it started can be ended with it: when its context ends (the connection has
gone), or when the container does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import termios
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from lab import processes
from lab.cluster.errors import ApiError
from lab.cluster.kubelet.program import Program
from lab.cluster.kubelet.stdio import Files

_CHUNK = 32 * 1024
_END_OF_INPUT = b"\x04"  # what a terminal makes of Ctrl-D
# A session's leader gets the first terminal that it opens as its controlling one: then Ctrl-C and job control work.
_IN_TERMINAL = ("/bin/sh", "-c", ': <>"$0"; exec "$@"')


class RunningCommand:
    """Implements `runtime.Command`. Made by `running`."""

    def __init__(self, child: processes.Child, files: Files) -> None:
        self._child, self._files = child, files
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def channels(self) -> Sequence[int]:
        return tuple(self._files.outputs)

    async def read(self, channel: int) -> AsyncIterator[bytes]:
        fd = self._files.outputs[channel]
        while True:
            try:
                data = os.read(fd, _CHUNK)
            except BlockingIOError:
                if self._status.done():  # what holds the pipe still is no longer of this session
                    return
                await self._until_ready(fd, writing=False)
                continue
            except OSError:  # a terminal's end, on Linux
                return
            if not data:
                return
            yield data

    async def write(self, data: bytes) -> None:
        while data and self._files.input is not None and not self._status.done():
            try:
                data = data[os.write(self._files.input, data) :]
            except BlockingIOError:
                await self._until_ready(self._files.input, writing=True)
            except OSError:
                return

    def end_input(self) -> None:
        if self._files.terminal and self._files.input is not None:
            with contextlib.suppress(OSError):
                os.write(self._files.input, _END_OF_INPUT)
        else:
            self._files.close_input()

    def resize(self, columns: int, rows: int) -> None:
        if self._files.terminal and self._files.input is not None:
            termios.tcsetwinsize(self._files.input, (rows, columns))

    async def exit_code(self) -> int:
        status = await asyncio.shield(self._status)
        return status if status >= 0 else 128 - status

    async def watch(self, until: asyncio.Event) -> None:
        """Return when it has ended; `until`, or to be cancelled, ends it. Nothing of its session is left then."""
        ended = asyncio.ensure_future(processes.ended(self._child.pid))
        told = asyncio.ensure_future(until.wait())
        try:
            await asyncio.wait((ended, told), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            told.cancel()
            self._status.set_result(processes.reap(self._child))

    async def _until_ready(self, fd: int, *, writing: bool) -> None:
        """Return when `fd` can be read or written, or the process has ended."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        add, remove = (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
        add(fd, lambda: None if ready.done() else ready.set_result(None))
        try:
            await asyncio.wait((ready, self._status), return_when=asyncio.FIRST_COMPLETED)
        finally:
            remove(fd)


@contextlib.asynccontextmanager
async def running(
    program: Program, argv: Sequence[str], *, name: str, run: Path, stdin: bool, tty: bool, until: asyncio.Event
) -> AsyncIterator[RunningCommand]:
    """Start `argv` in a container's surroundings; it ends with the context, and with `until`. Raises ApiError."""
    env = dict(program.env) | ({"TERM": "xterm"} if tty else {})
    wanted = program.relocated(argv)
    _require(wanted[0], env.get("PATH"), program.directory)
    files = Files(stdin=stdin, tty=tty)
    try:
        whole = [*_IN_TERMINAL, files.terminal, *wanted] if tty else wanted
        given, output, errors = files.child
        child = processes.spawn(
            name, whole, run=run, output=output, errors=errors, stdin=given, env=env, cwd=program.directory
        )
        files.given()
        command = RunningCommand(child, files)
        watching = asyncio.create_task(command.watch(until))
        try:
            await asyncio.sleep(0)  # a task that never began would not end what it is to watch
            yield command
        finally:
            watching.cancel()
            await asyncio.wait({watching})
    except processes.StartError as error:
        raise _cannot_start(f"{wanted[0]!r}: {error}") from error
    finally:
        files.close()


def _require(program: str, path: str | None, directory: Path) -> None:
    """A program that is not there is told before anything is started: in a terminal, a shell would swallow it."""
    where = str(directory / program) if "/" in program else program
    if shutil.which(where, path=path) is None:
        found = "no such executable file" if "/" in program else "executable file not found in $PATH"
        raise _cannot_start(f'exec: "{program}": {found}')


def _cannot_start(why: str) -> ApiError:
    return ApiError(500, "InternalError", f"Internal error occurred: failed to start the command: {why}")
