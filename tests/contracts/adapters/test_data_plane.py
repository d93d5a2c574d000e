"""The port `DataPlane` against a real Envoy: what its admin interface says is what the adapter understands."""

import asyncio
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from canario.adapters.envoy_admin import AppMeshDataPlane
from canario.adapters.http import answer
from canario.canary.ports import Target
from canario.errors import RemoteError
from canario.mesh.proxies import APP_MESH
from canario.workshop.ports import Answer
from lab.envoy import binary, bootstrap, files, resources
from lab.envoy.server import Server
from tests.fakes import FakeKubernetes

SERVICE = "egress/ns/nodejs"
TARGET = Target("default", "appmesh", "ns", "nodejs-router", "nodejs", "nodejs-app", "nodejsv2-app")
POD = {
    "kind": "Pod",
    "metadata": {"name": "frontend", "namespace": "ns"},
    "spec": {"containers": [{"name": "envoy"}]},
    "status": {"phase": "Running"},
}


class Cluster(FakeKubernetes):
    """The fake cluster with one pod, whose port 9901 is a real Envoy's admin interface."""

    def __init__(self, admin: str) -> None:
        super().__init__(POD)
        self.admin = admin

    def proxy(self, namespace: str, pod: str, port: int, path: str) -> Answer:
        assert ("ns", "frontend", APP_MESH.port) == (namespace, pod, port)
        try:
            return answer(httpx2.get(self.admin + path, trust_env=False))
        except httpx2.HTTPError as error:
            raise RemoteError(str(error)) from error


def write(directory: Path, listener: int, *weights: tuple[str, int]) -> None:
    """An outbound listener whose only route splits nodejs's traffic by these weights."""
    clusters = [(f"{SERVICE}/{node}", weight) for node, weight in weights]
    route = resources.route({"prefix": "/"}, resources.weighted_clusters(clusters))
    host = resources.virtual_host("nodejs", ["*"], [route])
    files.write_files(
        directory,
        {
            files.CDS: [resources.static_cluster(name, [("127.0.0.1", 9)]) for name, _ in clusters],
            files.LDS: [resources.http_listener("outbound", ("127.0.0.1", listener))],
            files.rds("outbound"): [resources.route_configuration("outbound", [host])],
        },
    )


@pytest.fixture
def ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@contextmanager
def served(directory: Path, admin: int) -> Iterator[None]:
    """The server of the Envoy's files, in a thread of its own."""

    async def serve() -> None:
        async with Server(directory, ("127.0.0.1", admin)).running():
            started.set_result((asyncio.get_running_loop(), asyncio.current_task()))
            await asyncio.Event().wait()

    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = Future()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(asyncio.run, serve())
        loop, task = started.result(timeout=10)
        yield
        loop.call_soon_threadsafe(task.cancel)
        with suppress(asyncio.CancelledError, CancelledError):
            work.result(timeout=10)


@pytest.fixture
def envoy(tmp_path: Path, ports: tuple[int, int]) -> Iterator[Callable[..., None]]:
    """A running Envoy, which gets the weights that the function is called with."""
    admin, listener = ports
    write(tmp_path, listener, ("nodejs-app", 1))
    command = binary.command(bootstrap.write_bootstrap(tmp_path, "frontend", ("127.0.0.1", admin)))
    with (tmp_path / "envoy.log").open("wb") as log, served(tmp_path, admin):
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=tmp_path)
        yield lambda *weights: write(tmp_path, listener, *weights)
        process.terminate()
        process.wait(timeout=10)


def until_in_force(plane: AppMeshDataPlane, share: float) -> str:
    """The message that comes with the share; the last one when the share is not in force within ten seconds."""
    deadline = time.monotonic() + 10
    while True:
        [found] = plane.shares(TARGET)
        if found.share == share or time.monotonic() > deadline:
            return found.message
        time.sleep(0.02)


def test_an_envoys_share_is_read_from_its_configuration(envoy: Callable[..., None], ports: tuple[int, int]):
    """A new split is seen when Envoy has it in force, weight 0 and a first start included."""
    plane = AppMeshDataPlane(Cluster(f"http://127.0.0.1:{ports[0]}"))
    first = until_in_force(plane, 0)
    envoy(("nodejs-app", 75), ("nodejsv2-app", 25))
    second = until_in_force(plane, 0.25)
    envoy(("nodejs-app", 100), ("nodejsv2-app", 0))
    third = until_in_force(plane, 0)

    expected = ["nodejs-app 1", "nodejs-app 75, nodejsv2-app 25", "nodejs-app 100, nodejsv2-app 0"]
    assert expected == [first, second, third]
