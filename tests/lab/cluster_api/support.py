"""The lab's API in a thread of this process, for tests that speak to it over HTTPS."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lab.cluster.cluster import ApiServer, Settings
from lab.net import Block, free_block


@dataclass(frozen=True)
class Running:
    """A served API. `server` lives in another thread: tests read from it only what does not change."""

    server: ApiServer
    settings: Settings

    @property
    def url(self) -> str:
        return self.server.address.url

    @property
    def token(self) -> str:
        return self.server.tokens.admin


def any_block() -> Block:
    candidates = list(range(100, 255))
    random.shuffle(candidates)
    return free_block(candidates)


@contextlib.contextmanager
def served(directory: Path, *, sts_endpoint: str = "") -> Iterator[Running]:
    """Serve until the block ends; another block of addresses when somebody was faster."""
    settings = Settings(any_block(), directory / "cluster", directory / "kubeconfig", sts_endpoint)
    ready, stop, failed = threading.Event(), threading.Event(), []
    running: list[Running] = []

    async def serve() -> None:
        server = await _started(settings)
        running.append(server)
        ready.set()
        await asyncio.to_thread(stop.wait)
        await server.server.stop()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        if failed:
            raise failed[0]
        yield running[0]
    finally:
        stop.set()
        thread.join()


async def _started(settings: Settings) -> Running:
    while True:
        server = ApiServer(settings)
        try:
            await server.start()
            return Running(server, settings)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            settings = replace(settings, block=any_block())
