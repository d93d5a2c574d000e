"""A caller's real Envoy in front of a backend that does as it is told, and a MiniStack for its counters."""

import asyncio
import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from canario.telemetry.counts import Counts, Node, Reading
from canario.telemetry.ledger import Proxy
from lab import boto, processes
from lab.envoy import binary, bootstrap, files, resources
from lab.envoy.admin import Admin
from lab.envoy.aggregate import counted_cluster
from lab.envoy.server import Server
from lab.net import Block, is_free
from lab.telemetry.scraper import Caller, scrape
from tests.ministack import ministack

LIVE = Node("ns", "nodejs", "nodejs-app")
EMPTY = Node("ns", "nodejs", "empty")  # has no endpoints
UNUSED = Node("ns", "nodejs", "unused")


@dataclass
class Backend:
    """Answers by `mode`, the name of one of its methods."""

    address: tuple[str, int]
    mode: str = "good"
    seen: int = 0
    runner: web.ServerRunner = field(init=False)

    async def start(self) -> None:
        self.runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.01)
        await self.runner.setup()
        await web.TCPSite(self.runner, *self.address).start()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen += 1
        return await getattr(self, self.mode)(request)

    async def good(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="ok")

    async def late(self, request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(0.06)
        return web.Response(text="late")

    async def bad(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=500)

    async def bad_once(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=503 if self.seen % 2 else 200)

    async def silent(self, request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def reset(self, request: web.BaseRequest) -> web.StreamResponse:
        request.transport.abort()
        return web.Response()


@dataclass
class Calling:
    """A caller's Envoy: `/` goes to LIVE, `/retry` too with one retry, `/empty` to EMPTY."""

    block: Block
    directory: Path
    session: aiohttp.ClientSession
    backend: Backend
    run: Path
    child: processes.Child | None = None

    @property
    def caller(self) -> Caller:
        return Caller(Proxy("uid", created=time()), "ns/frontend", self.block.pod(1), terminating=False)

    async def start(self) -> None:
        argv = binary.command(self.directory / "bootstrap.json")
        self.child = processes.spawn("envoy", argv, run=self.run, output=subprocess.DEVNULL, cwd=self.directory)
        admin = Admin(self.session, (self.block.pod(1), 9901))
        async with asyncio.timeout(30):
            while not await admin.ready():
                await asyncio.sleep(0.01)

    def kill(self) -> None:
        if self.child is not None:
            processes.reap(self.child)
            self.child = None

    def point(self, endpoints: list[tuple[str, int]]) -> None:
        """Give LIVE these endpoints."""
        files.write_files(self.directory, _files(self.block, self.directory, endpoints))

    async def modified(self) -> None:
        """Return when Envoy has taken a change of its clusters."""
        admin, name = Admin(self.session, (self.block.pod(1), 9901)), "cluster_manager.cluster_modified"
        async with asyncio.timeout(3):
            while not (await admin.counters(f"^{name}$"))[name]:
                await asyncio.sleep(0.01)

    async def call(self, times: int, path: str = "/") -> list[int]:
        url = f"http://{self.block.pod(1)}:15001{path}"
        statuses = []
        for _ in range(times):
            async with self.session.get(url) as response:
                statuses.append(response.status)
        return statuses

    async def read(self) -> Reading:
        readings = await scrape(self.session, [self.caller])
        [reading] = readings.values()
        return reading

    async def until(self, node: Node, requests: int) -> Counts:
        """The node's counts once it has so many requests; then one merge of histograms later."""
        async with asyncio.timeout(3):
            while (await self.read()).nodes[node].requests < requests:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # Envoy's own clock merges histograms: four times a second
        return (await self.read()).nodes[node]


def _files(block: Block, directory: Path, endpoints: list[tuple[str, int]]) -> dict[str, list[dict[str, Any]]]:
    names = {node: f"egress/{node.namespace}/{node.service}/{node.node}" for node in (LIVE, EMPTY, UNUSED)}
    retry = {"retry_policy": {"retry_on": "5xx,reset,connect-failure", "num_retries": 1}}
    routes = [
        resources.route({"prefix": "/retry"}, {"cluster": names[LIVE], **retry}),
        resources.route({"prefix": "/empty"}, {"cluster": names[EMPTY]}),
        resources.route({"prefix": "/"}, {"cluster": names[LIVE], "timeout": "0.2s"}),
    ]
    host = resources.virtual_host("all", ["*"], routes)
    return {
        files.CDS: [
            resource
            for node, name in names.items()
            for resource in counted_cluster(name, endpoints if node == LIVE else [])
        ],
        files.rds("outbound"): [resources.route_configuration("outbound", [host])],
        files.LDS: [resources.http_listener("outbound", (block.pod(1), 15001), log=False)],
    }


@pytest.fixture
async def calling(tmp_path: Path) -> AsyncIterator[Calling]:
    candidates = map(Block, random.sample(range(120, 180), 60))
    block = next(block for block in candidates if is_free(block.pod(1), 9901))
    directory = tmp_path / "envoy"
    backend = Backend((block.pod(2), 3000))
    await backend.start()
    files.write_files(directory, _files(block, directory, [backend.address]))
    bootstrap.write_bootstrap(directory, "caller", (block.pod(1), 9901))
    async with aiohttp.ClientSession() as session:
        calling = Calling(block, directory, session, backend, tmp_path / "run")
        async with Server(directory, (block.pod(1), 9901)).running():
            await calling.start()
            yield calling
            calling.kill()
        await backend.runner.cleanup()


@pytest.fixture(scope="module")
def cloudwatch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A CloudWatch client, as the telemetry process makes it, of a MiniStack of this module's own."""
    directory, once = tmp_path_factory.mktemp("ministack"), {"total_max_attempts": 1}
    with (
        ministack(directory, ["cloudwatch"]) as endpoint,
        closing(boto.client(endpoint, "cloudwatch", retries=once)) as client,
    ):
        yield client
