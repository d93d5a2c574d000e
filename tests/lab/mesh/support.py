"""Real sidecars in front of tiny servers, configured by the pure renderer, without a cluster."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import aiohttp
from aiohttp import web

from canario.mesh.model import Mesh, Node, Port, Ref, Route, Router, Selector, Service, Target, ToRouter
from lab.envoy.admin import Admin
from lab.envoy.files import LDS, write_files
from lab.mesh.endpoints import Endpoints
from lab.mesh.ingress import gateway_files
from lab.mesh.logs import make_log_directories
from lab.mesh.render import OUTBOUND_PORT, Place, pod_files
from lab.net import Block

NAMESPACE = "shop"
HOST = "nodejs.example.local"
PORT = 3000
START_SECONDS = 30.0  # a busy machine starts three Pythons and three Envoys slowly
CALLER, V1, V2 = (Ref(NAMESPACE, name) for name in ("frontend-app", "nodejs-app", "nodejsv2-app"))


def cluster(node: Ref) -> str:
    return f"cluster.egress/{NAMESPACE}/nodejs/{node.name}"


def mesh(v1_weight: int, v2_weight: int) -> Mesh:
    """A frontend that calls nodejs, which a router splits between two nodes."""
    targets = (Target(V1, v1_weight), Target(V2, v2_weight))
    router = Router(Ref(NAMESPACE, "nodejs-router"), "nodejs-router", (Port(PORT),), (Route("all", targets),))
    return Mesh(
        "test",
        "test",
        nodes=tuple(Node(ref, ref.name, Selector((("app", ref.name),)), (Port(PORT),)) for ref in (CALLER, V1, V2)),
        routers=(router,),
        services=(Service(Ref(NAMESPACE, "nodejs"), HOST, ToRouter(router.ref)),),
    )


@dataclass
class Pod:
    """One pod's place, and its sidecar's process once it runs."""

    name: str
    node: Ref
    place: Place
    process: asyncio.subprocess.Process | None = None
    mounts: dict[str, str] = field(default_factory=dict)  # what the kubelet mounts into the sidecar

    @property
    def admin_address(self) -> tuple[str, int]:
        return self.place.pod_ip, 9901

    @property
    def proxy(self) -> str:
        return f"http://{self.place.app_ip}:{OUTBOUND_PORT}"


@dataclass
class Cluster:
    """What the tests stand in for: the controller's files, the kubelet's processes, a client."""

    directory: Path
    block: Block
    session: aiohttp.ClientSession
    mesh: Mesh
    endpoints: dict[Ref, Endpoints] = field(default_factory=dict)
    pods: list[Pod] = field(default_factory=list)

    def pod(self, node: Ref) -> Pod:
        """A new pod of the node, without its sidecar; it is among the node's endpoints."""
        number = len(self.pods) + 1
        name, ip = f"pod-{number}", self.block.pod(number)
        pod = Pod(name, node, Place(self.directory / NAMESPACE / name, ip, self.block.app_address(ip)))
        self.pods.append(pod)
        self.endpoints[node] = Endpoints((*self.endpoints.get(node, Endpoints()).addresses, (ip, PORT)))
        return pod

    def mount(self, pod: Pod, path: str, directory: Path) -> None:
        """Mount a directory into the pod's sidecar, which has not started yet."""
        pod.mounts[path] = str(directory)
        pod.place = replace(pod.place, mounts=tuple(pod.mounts))

    def leave_endpoints(self, pod: Pod) -> None:
        before = self.endpoints[pod.node].addresses
        self.endpoints[pod.node] = Endpoints(tuple(each for each in before if each[0] != pod.place.pod_ip))
        self.configure()

    def configure(self) -> None:
        """Write every pod's files, as the controller does. A gateway takes every gateway route of the mesh."""
        vpc = (self.block.vpc, 3128)
        for pod in self.pods:
            proxied = self.mesh.node(pod.node) or self.mesh.gateway(pod.node)
            assert proxied is not None
            make_log_directories(proxied.log, pod.place.directory)
            if isinstance(proxied, Node):
                files = pod_files(self.mesh, proxied, pod.place, self.endpoints, vpc)
            else:
                routes = self.mesh.gateway_routes
                files = gateway_files(self.mesh, proxied, routes, pod.place, self.endpoints, vpc)
            write_files(pod.place.directory, files)

    def reconfigure(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.configure()

    async def start(self, pod: Pod) -> None:
        """Launch the pod's sidecar, as the kubelet would."""
        environment = {
            **os.environ,
            "LAB_MESH_DIR": str(self.directory),
            "POD_IP": pod.place.pod_ip,
            "APP_IP": pod.place.app_ip,
            "HOSTNAME": pod.name,
            "POD_NAMESPACE": NAMESPACE,
            "LAB_MOUNTS": json.dumps(pod.mounts),
        }
        with (self.directory / f"{pod.name}.log").open("ab") as log:
            pod.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "lab.mesh.sidecar"),
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def start_ready(self, *pods: Pod) -> None:
        self.configure()
        await asyncio.gather(*(self.start(pod) for pod in pods))
        for pod in pods:
            await eventually(partial(self._ready, pod), START_SECONDS)

    async def _ready(self, pod: Pod) -> bool:
        if pod.process and pod.process.returncode is not None:
            raise AssertionError((self.directory / f"{pod.name}.log").read_text())
        return await self.admin(pod).ready()

    def admin(self, pod: Pod) -> Admin:
        return Admin(self.session, pod.admin_address)

    async def get(
        self,
        caller: Pod,
        url: str = f"http://{HOST}:{PORT}/",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, str, Mapping[str, str]]:
        """Ask as the pod's application would: by its sidecar."""
        async with self.session.request(method, url, proxy=caller.proxy, headers=headers) as response:
            return response.status, await response.text(), response.headers

    async def effective(self, caller: Pod, *routes: str) -> None:
        """Return when these routes (their names) are in force at the caller's Envoy, and no others.

        Then every Envoy has its listeners too, which may ask for other timeouts.
        """

        async def in_force() -> bool:
            found = []
            for each in await self.admin(caller).config_dump("dynamic_route_configs"):
                for host in each["route_config"]["virtual_hosts"]:
                    found += [route["name"] for route in host["routes"] if "name" in route]
            return sorted(found) == sorted(routes)

        await eventually(in_force)
        for pod in self.pods:
            if pod.process and pod.process.returncode is None:
                await eventually(partial(self._has_its_listeners, pod))

    async def _has_its_listeners(self, pod: Pod) -> bool:
        url = f"{self.admin(pod).url}/stats?filter=^listener_manager.lds.version_text$"
        async with self.session.get(url) as response:
            return str(json.loads((pod.place.directory / LDS).read_text())["version_info"]) in await response.text()


@asynccontextmanager
async def running(directory: Path, block: Block) -> AsyncIterator[Cluster]:
    """A cluster whose sidecars are gone at the end."""
    async with aiohttp.ClientSession() as session:
        cluster = Cluster(directory, block, session, mesh(1, 0))
        try:
            yield cluster
        finally:
            await asyncio.gather(*map(kill, cluster.pods))


async def kill(pod: Pod) -> None:
    """End the launcher, and wait for its Envoy, which ends by itself a moment later, to leave its addresses."""
    if pod.process is None:
        return
    with suppress(ProcessLookupError):
        os.killpg(pod.process.pid, signal.SIGKILL)
    await pod.process.wait()

    async def gone() -> bool:
        try:
            _, writer = await asyncio.open_connection(*pod.admin_address)
        except OSError:
            return True
        writer.close()
        return False

    await eventually(gone)


@asynccontextmanager
async def serving(
    address: tuple[str, int], handler: Callable[[web.Request], Awaitable[web.Response]]
) -> AsyncIterator[None]:
    """A tiny HTTP server; its connections are closed at the end."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, *address).start()
        yield
    finally:
        await runner.cleanup()


def saying(text: str, status: int = 200) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    return answer


async def eventually(condition: Callable[[], Awaitable[bool]], timeout_seconds: float = 30) -> None:
    """Return when the condition holds; fail when it does not in time."""
    async with asyncio.timeout(timeout_seconds):
        while not await condition():
            await asyncio.sleep(0.01)
