"""How whoever writes an Envoy's files tells whoever serves them: a byte through a named pipe in their directory.

Watching files would cost one of the user's inotify instances for each Envoy, of which Linux gives 128 by default;
looking at them often enough would cost an idle lab its quiet. A pipe costs neither, and a ring that nobody has
heard yet waits in it.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

_NAME = "doorbell"
_PLENTY = 65536


def ring(directory: Path) -> None:
    """Say that something in the directory changed; nothing happens where nobody listens."""
    # OSError: no pipe, nobody who reads it, or so many rings in it that another would say nothing new
    with contextlib.suppress(OSError):
        bell = os.open(directory / _NAME, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(bell, b"\0")
        finally:
            os.close(bell)


@contextlib.asynccontextmanager
async def listening(directory: Path) -> AsyncIterator[asyncio.Event]:
    """The event that is set whenever somebody rings; who waits for it clears it. The directory must be there."""
    path, rung = directory / _NAME, asyncio.Event()
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path, 0o600)
    # Opened for writing too, it never ends: a pipe whose last writer has gone would be readable for ever.
    bell = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def hear() -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(bell, _PLENTY)
        rung.set()

    loop = asyncio.get_running_loop()
    loop.add_reader(bell, hear)
    try:
        yield rung
    finally:
        loop.remove_reader(bell)
        os.close(bell)
