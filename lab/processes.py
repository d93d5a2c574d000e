"""The lab's processes: each leads a session of its own, writes to a log file, and is on record.

A record is `.lab/run/<name>.json` (docs/contracts.md): pid, kernel start time, argv. After a crash the next
start ends what is on record, and only where pid *and* start time match: a pid that the kernel gave to
somebody else meanwhile is left alone. Linux only, as the lab is (pidfd, /proc).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

# Fields 6 and 22 of /proc/<pid>/stat, counted after the command's closing bracket.
_STAT_SESSION, _STAT_START_TIME = 3, 19


NO_INPUT = subprocess.DEVNULL


class StartError(Exception):
    """A program could not be started; the text names it and says why."""


@dataclass(frozen=True)
class Record:
    """Who a process is: `started` is its start time in kernel clock ticks since boot."""

    pid: int
    started: int
    argv: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """The record in `path`; None when it is not there or is not whole."""
        try:
            fields = json.loads(path.read_text())
            return cls(int(fields["pid"]), int(fields["started"]), tuple(fields["argv"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def is_alive(self) -> bool:
        """Whether this very process is there still (a zombie counts until it is reaped)."""
        return start_time(self.pid) == self.started


@dataclass(frozen=True)
class Child:
    """A process that this one started, and its record's file."""

    popen: subprocess.Popen[bytes]
    path: Path

    @property
    def pid(self) -> int:
        return self.popen.pid


def start_time(pid: int) -> int | None:
    """Kernel start time of `pid` in clock ticks since boot; None when there is no such process."""
    fields = _stat(pid)
    return int(fields[_STAT_START_TIME]) if fields else None


def session(leader: int) -> dict[int, int]:
    """The processes of the session that `leader` began, also those in other groups: pid → start time."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        fields = _stat(int(name))
        if fields and int(fields[_STAT_SESSION]) == leader:
            found[int(name)] = int(fields[_STAT_START_TIME])
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the third on; none when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def spawn(
    name: str,
    argv: Sequence[str],
    *,
    run: Path,
    output: IO[bytes] | int,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL,
    errors: int = subprocess.STDOUT,
) -> Child:
    """Start `argv` as the leader of a new session, with a record in `run`. Raises StartError.

    `output` takes what it writes to stdout, and to stderr unless `errors` is another file descriptor.
    """
    run.mkdir(parents=True, exist_ok=True)
    try:
        popen = subprocess.Popen(
            list(argv),
            stdin=stdin,
            stdout=output,
            stderr=errors,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        raise StartError(f"start {name}: {argv[0]!r}: {error.strerror or error}") from error
    record = Record(popen.pid, start_time(popen.pid) or 0, tuple(argv))
    path = run / f"{name}.json"
    path.write_text(json.dumps(asdict(record)))
    return Child(popen, path)


def start(
    name: str,
    argv: Sequence[str],
    *,
    lab: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Child:
    """Start a part of the lab: output to `<lab>/logs/<name>.log`, record in `<lab>/run`. Raises StartError."""
    log = lab / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return spawn(name, argv, run=lab / "run", output=output, env=env, cwd=cwd)


def send(pid: int, sig: signal.Signals) -> None:
    """Send a signal to the whole group that `pid` leads; nothing happens when it has gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, sig)


def stop(child: Child, *, grace: float = 5.0) -> int:
    """End a child: SIGTERM to its group, up to `grace` seconds, SIGKILL to all. Returns the child's exit status."""
    send(child.pid, signal.SIGTERM)
    _wait([child.pid], grace)
    return reap(child)


def reap(child: Child) -> int:
    """Kill what is left of the session, collect its leader, remove the record. Returns the leader's exit status."""
    send(child.pid, signal.SIGKILL)
    _kill(session(child.pid))  # before the wait: until then the kernel cannot give the number away
    status = child.popen.wait()
    child.path.unlink(missing_ok=True)
    return status


async def ended(pid: int) -> None:
    """Return when the process has ended; it is not reaped by this."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop.add_reader(fd, lambda: None if done.done() else done.set_result(None))
    try:
        await done
    finally:
        loop.remove_reader(fd)
        os.close(fd)


def end_leftovers(*runs: Path, grace: float = 2.0) -> list[Record]:
    """End the processes on record in these `run` directories, and forget the records.

    For what a crashed lab left: call it before starting anything. Returns what was still alive.
    """
    paths = [path for run in runs for path in sorted(run.glob("*.json"))]
    alive = [record for path in paths if (record := Record.read(path)) and record.is_alive()]
    members = {pid: at for record in alive for pid, at in session(record.pid).items()}
    for record in alive:
        send(record.pid, signal.SIGTERM)
    _wait(members, grace)
    _kill(members)
    _wait([pid for pid, at in members.items() if start_time(pid) == at], grace)
    for path in paths:
        path.unlink(missing_ok=True)
    return alive


def _kill(members: Mapping[int, int]) -> None:
    """SIGKILL to those of `members` (pid → start time) that are still themselves."""
    for pid, at in members.items():
        if start_time(pid) == at:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _wait(pids: Iterable[int], seconds: float) -> None:
    """Wait until all have ended, at most `seconds` in all."""
    deadline = time.monotonic() + seconds
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            fd = os.pidfd_open(pid)
            try:
                waiting = select.poll()
                waiting.register(fd, select.POLLIN)
                waiting.poll(max(0.0, deadline - time.monotonic()) * 1000)
            finally:
                os.close(fd)
