"""Logs of containers: one file a run, each line with the time at which the kubelet read it.

The program writes into a pipe; the kubelet stamps what it reads and appends it. A whole chunk gets one time,
so a talkative program costs one call a chunk, not one a line.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 16  # bytes; a longer line is cut into several


@dataclass(frozen=True)
class Selection:
    """Which lines, and how. `since` is a time stamp as in the file; empty for all."""

    tail: int | None = None
    since: str = ""
    timestamps: bool = False

    @classmethod
    def of(cls, *, tail: int | None, since_seconds: int | None, timestamps: bool, now: datetime) -> Selection:
        since = stamp(now - timedelta(seconds=since_seconds)) if since_seconds is not None else ""
        return cls(tail, since, timestamps)

    def lines(self, stored: Iterable[bytes]) -> list[bytes]:
        """Those of the stored lines that are wanted, as they go out."""
        since = self.since.encode()
        chosen = (line for line in stored if line >= since)
        return [self.shown(line) for line in (chosen if self.tail is None else deque(chosen, maxlen=self.tail))]

    def shown(self, line: bytes) -> bytes:
        return line if self.timestamps else line.partition(b" ")[2]


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds: as text in the order of time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Log:
    """The log of one run of a container: give `fd` to the process, then `attach`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.closed = False
        self._read, self.fd = os.pipe()
        os.set_blocking(self._read, False)
        self._file = path.open("ab", buffering=0)
        self._rest = b""
        self._grown: set[asyncio.Event] = set()

    def attach(self) -> None:
        """The process has the pipe: let go of its end here, and read from the other."""
        os.close(self.fd)
        self.fd = -1
        asyncio.get_running_loop().add_reader(self._read, self._take)

    def close(self) -> None:
        """Take what is in the pipe still, and end the log."""
        if self.closed:
            return
        asyncio.get_running_loop().remove_reader(self._read)
        while self._take():
            pass
        if self._rest:
            self._append([self._rest])
        self._file.close()
        for fd in {self._read, self.fd} - {-1}:
            os.close(fd)
        self.closed = True
        self._wake()

    async def follow(self, choice: Selection) -> AsyncGenerator[bytes, None]:
        """What is there and what comes, until the log is closed."""
        grown = asyncio.Event()
        self._grown.add(grown)
        try:
            with self.path.open("rb") as file:
                yield b"".join(choice.lines(file))
                while not self.closed:
                    await grown.wait()
                    grown.clear()
                    yield b"".join(map(choice.shown, file))
        finally:
            self._grown.discard(grown)

    def _take(self) -> bool:
        """Read one chunk; False when there is none now, or never again."""
        try:
            chunk = os.read(self._read, _CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._read)
            return False
        lines, self._rest = _split(self._rest + chunk)
        self._append(lines)
        return True

    def _append(self, lines: list[bytes]) -> None:
        if lines:
            prefix = stamp(datetime.now(UTC)).encode() + b" "
            self._file.write(b"".join(prefix + line + b"\n" for line in lines))
            self._wake()

    def _wake(self) -> None:
        for grown in self._grown:
            grown.set()


def _split(data: bytes) -> tuple[list[bytes], bytes]:
    """Whole lines, and the beginning of the next one."""
    *lines, rest = data.split(b"\n")
    while len(rest) > _LONGEST_LINE:
        lines.append(rest[:_LONGEST_LINE])
        rest = rest[_LONGEST_LINE:]
    return lines, rest


def read(path: Path, choice: Selection) -> Iterator[bytes]:
    """A finished log in one piece."""
    with path.open("rb") as file:
        yield b"".join(choice.lines(file))
