"""An X-Ray, and a frontend and a nodejs with real sidecars and real daemons that forward to it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any

import pytest
from aiohttp import web

from lab.envoy.files import LDS, write_files
from lab.mesh.render import pod_files
from lab.mesh.tracing import Tracing, traced
from lab.net import API_PORT, free_block
from tests.lab.mesh.support import CALLER, HOST, PORT, V1, Cluster, Pod, running, serving
from tests.xray import client, xray


class TracedCluster(Cluster):
    """Every pod is traced: every request, but for those to /health."""

    tracing = Tracing(rate=1.0, untraced=("/health",))

    def configure(self) -> None:
        for pod in self.pods:
            node = self.mesh.node(pod.node)
            assert node is not None
            files = pod_files(self.mesh, node, pod.place, self.endpoints, (self.block.vpc, 3128))
            files[LDS] = traced(files[LDS], self.mesh, node, pod.place.pod_ip, self.tracing)
            write_files(pod.place.directory, files)


@dataclass
class Workshop:
    """A frontend that calls nodejs, both traced; `status` is what nodejs answers."""

    cluster: TracedCluster
    frontend: Pod
    nodejs: Pod
    api: Any
    daemons: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    status: int = 200

    async def ask(self, path: str = "/", **headers: str) -> int:
        """Ask the frontend from outside the mesh."""
        url = f"http://{self.frontend.place.pod_ip}:{PORT}{path}"
        async with self.cluster.session.get(url, headers=headers) as response:
            await response.read()
            return response.status

    async def answer_frontend(self, request: web.Request) -> web.Response:
        """As the demo does: hand the trace on to the upstream."""
        if request.path == "/health":
            return web.Response(text="ok")
        headers = {name: value for name, value in request.headers.items() if name.lower() == "x-amzn-trace-id"}
        url = f"http://{HOST}:{PORT}/"
        async with self.cluster.session.get(url, headers=headers, proxy=self.frontend.proxy) as response:
            await response.read()
            return web.Response(status=502 if response.status >= 500 else 200)

    async def answer_nodejs(self, _: web.Request) -> web.Response:
        return web.Response(status=self.status)

    def log(self, pod: Pod) -> str:
        return (self.cluster.directory / f"{pod.name}-xray.log").read_text()

    async def summaries(self, expression: str = "") -> list[dict[str, Any]]:
        return await asyncio.to_thread(self._summaries, expression)

    def _summaries(self, expression: str) -> list[dict[str, Any]]:
        wanted = {"FilterExpression": expression} if expression else {}
        found = self.api.get_trace_summaries(StartTime=time() - 300, EndTime=time() + 1, **wanted)
        return list(found["TraceSummaries"])


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with xray() as found:
        yield found


@pytest.fixture
async def workshop(tmp_path: Path, endpoint: str) -> AsyncIterator[Workshop]:
    block = free_block(range(200, 255))
    with socket.create_server((block.api, API_PORT)):  # the block is taken, as other labs see it
        async with AsyncExitStack() as stack:
            base = await stack.enter_async_context(running(tmp_path, block))
            cluster = TracedCluster(base.directory, base.block, base.session, base.mesh, pods=base.pods)
            found = Workshop(cluster, cluster.pod(CALLER), cluster.pod(V1), client(endpoint))
            stack.callback(found.api.close)
            for pod, handler in ((found.frontend, found.answer_frontend), (found.nodejs, found.answer_nodejs)):
                await stack.enter_async_context(serving((pod.place.app_ip, PORT), handler))
                found.daemons[pod.name] = await stack.enter_async_context(_daemon(cluster, pod, endpoint))
            await cluster.start_ready(found.frontend, found.nodejs)
            yield found


@asynccontextmanager
async def _daemon(cluster: Cluster, pod: Pod, endpoint: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The container `xray-daemon`, as the kubelet would run it."""
    environment = {
        **os.environ,
        "POD_IP": pod.place.pod_ip,
        "HOSTNAME": pod.name,
        "AWS_ENDPOINT_URL_XRAY": endpoint,
    }
    with (cluster.directory / f"{pod.name}-xray.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lab.telemetry.xray.daemon"), env=environment, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
