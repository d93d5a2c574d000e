"""Two Envoys, a tiny server for each node, and the same requests to both."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from canario.mesh.gateway_renaming import kubernetes_names
from canario.mesh.gateways import Gateway
from canario.mesh.listeners import Port
from canario.mesh.model import Mesh, Ref
from lab.envoy.admin import Admin
from lab.envoy.files import write_files
from lab.errors import LabError
from lab.mesh.endpoints import Endpoints
from lab.mesh.ingress import gateway_files
from lab.mesh.injection import ADMIN_PORT
from lab.mesh.render import OUTBOUND_PORT, Place
from lab.net import VPC_PROXY_PORT, Block, free_block
from lab.verify.asked import OUTSIDE, Asked
from lab.verify.meshes import after, before

INGRESS_PORT = 8080
TRIES_PER_TARGET = 12  # all but one in 4,000 of an even split between two meet both
START_SECONDS = 60.0

Answers = frozenset[str]  # what a request was answered, over all tries


@dataclass(frozen=True)
class Difference:
    """A request that the two answer differently."""

    asked: Asked
    before: Answers
    after: Answers

    def __str__(self) -> str:
        one, two = (", ".join(sorted(found)) for found in (self.before, self.after))
        return f"{self.asked} (route {self.asked.of}): App Mesh: {one}; Istio: {two}"


@dataclass
class Side:
    """One mesh's Envoy: a gateway of it, which is also a caller within it."""

    place: Place
    process: asyncio.subprocess.Process


async def compared(mesh: Mesh, requests: Iterable[Asked], directory: Path) -> list[Difference]:
    """The requests that are answered differently. Raises LabError when an Envoy does not start."""
    block = free_block(range(200, 255))
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        servers = {node.ref: await stack.enter_async_context(_serving(str(node.ref))) for node in mesh.nodes}
        names = kubernetes_names(mesh)
        renamed = {names.node(ref): address for ref, address in servers.items()}
        sides = [
            await stack.enter_async_context(_side(each, known, directory / name, block, number, session))
            for number, (name, each, known) in enumerate(
                [("before", before(mesh), servers), ("after", after(mesh), renamed)], start=1
            )
        ]
        tries = TRIES_PER_TARGET * max((len(route.targets) for r in mesh.routers for route in r.routes), default=1)
        found = []
        for asked in requests:
            one, two = [await _answers(session, side, asked, tries) for side in sides]
            if one != two:
                found.append(Difference(asked, one, two))
        return found


@asynccontextmanager
async def _serving(name: str) -> AsyncIterator[tuple[str, int]]:
    """A node: it says its name, and what it was asked."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f"{name} {request.method} {request.path_qs}")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield str(host), int(port)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _side(
    mesh: Mesh,
    servers: Mapping[Ref, tuple[str, int]],
    directory: Path,
    block: Block,
    number: int,
    session: aiohttp.ClientSession,
) -> AsyncIterator[Side]:
    ip = block.pod(number)
    place = Place(directory / "verify" / "gateway", ip, block.app_address(ip))
    gateway = Gateway(Ref("verify", "gateway"), "gateway", ports=(Port(INGRESS_PORT),))
    endpoints = {ref: Endpoints((address,)) for ref, address in servers.items()}
    files = gateway_files(mesh, gateway, mesh.gateway_routes, place, endpoints, (block.vpc, VPC_PROXY_PORT))
    place.directory.mkdir(parents=True, exist_ok=True)
    write_files(place.directory, files)
    process = await _started(directory, place)
    try:
        await _ready(Admin(session, (ip, ADMIN_PORT)), process, directory)
        yield Side(place, process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()  # its Envoy dies with it
        await process.wait()


async def _started(directory: Path, place: Place) -> asyncio.subprocess.Process:
    environment = {
        **os.environ,
        "LAB_MESH_DIR": str(directory),
        "POD_IP": place.pod_ip,
        "APP_IP": place.app_ip,
        "HOSTNAME": "gateway",
        "POD_NAMESPACE": "verify",
        "LAB_MOUNTS": json.dumps({}),
    }
    with (directory / "envoy.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lab.mesh.sidecar"), env=environment, stdout=log, stderr=log
        )


async def _ready(admin: Admin, process: asyncio.subprocess.Process, directory: Path) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            while process.returncode is None and not await admin.ready():
                await asyncio.sleep(0.05)
            if process.returncode is None:
                return
    raise LabError(f"starting Envoy for {directory.name}: {(directory / 'envoy.log').read_text()[-2000:]}")


async def _answers(session: aiohttp.ClientSession, side: Side, asked: Asked, tries: int) -> Answers:
    found = Counter([await _answer(session, side, asked) for _ in range(tries)])
    return frozenset(found)


async def _answer(session: aiohttp.ClientSession, side: Side, asked: Asked) -> str:
    """A node's words, or that none was reached: who refuses says 404 in App Mesh, 500 or 503 in Istio.

    A slash at the end of the path is left aside: App Mesh and Gateway API differ in whether a rewrite keeps it. What
    no node answered of a gRPC call is a 200 without a word, whose status is in a trailer.
    """
    proxy, url = f"http://{side.place.app_ip}:{OUTBOUND_PORT}", f"http://{asked.at}{asked.path}"
    if asked.at == OUTSIDE:
        proxy, url = "", f"http://{side.place.pod_ip}:{INGRESS_PORT}{asked.path}"
    async with session.request(asked.method, url, proxy=proxy or None, headers=dict(asked.headers)) as response:
        text = await response.text()
        return text.rstrip("/") if response.status == 200 and text else "no node"
