"""A lab cluster without its HTTP server: store, controllers and kubelet in this process, pods as real processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from lab.cluster.client import LocalClient
from lab.cluster.controllers import run_controllers
from lab.cluster.kubelet import Kubelet
from lab.cluster.objects import Obj, dig, is_deleting, name_of
from lab.cluster.runtime import ApiAddress
from lab.cluster.store import Store
from lab.net import API_PORT, Block, free_block
from lab.processes import Record

NAMESPACE = "shop"
PORT = 3000
_PROGRAM = Path(__file__).with_name("program.py")
_SECONDS = 20.0  # the most that a test waits for a condition


class Tokens:
    def issue_token(self, namespace: str, service_account: str) -> str:
        return f"token-of-{namespace}-{service_account}"


@dataclass
class Cluster:
    """What the tests drive."""

    client: LocalClient
    kubelet: Kubelet
    block: Block
    directory: Path
    session: aiohttp.ClientSession

    async def until(self, what: str, holds: Callable[[], Awaitable[Any]], *resources: str) -> Any:
        """The first true value of `holds`, asked again after every change of one of `resources`."""
        changed = asyncio.Event()
        watching = [asyncio.create_task(self._watch(r, changed)) for r in resources or ("pods",)]
        try:
            async with asyncio.timeout(_SECONDS):
                while not (found := await holds()):
                    await changed.wait()
                    changed.clear()
                return found
        except TimeoutError:
            raise AssertionError(f"not within {_SECONDS} s: {what}\n{await self.describe()}") from None
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def _watch(self, resource: str, changed: asyncio.Event) -> None:
        _, version = await self.client.list(resource)
        changed.set()
        async for _ in self.client.watch(resource, since=version):
            changed.set()

    async def describe(self) -> str:
        """Pods and events, for a failure's message."""
        pods, _ = await self.client.list("pods", NAMESPACE)
        events, _ = await self.client.list("events", NAMESPACE)
        told = [f"{dig(e, 'involvedObject', 'name')}: {e['reason']}: {e['message']}" for e in events]
        return json.dumps([{name_of(p): p.get("status")} for p in pods], indent=1) + "\n" + "\n".join(told)

    async def pods(self, app: str = "web") -> list[Obj]:
        found, _ = await self.client.list("pods", NAMESPACE, labels=f"app={app}")
        return found

    async def live(self, app: str = "web") -> list[Obj]:
        return [p for p in await self.pods(app) if not is_deleting(p)]

    async def ready(self, count: int, app: str = "web") -> list[Obj]:
        """Wait for exactly so many pods, all ready."""

        async def holds() -> list[Obj]:
            pods = await self.pods(app)
            return pods if len(pods) == count and all(map(is_ready, pods)) else []

        return await self.until(f"{count} ready pods of {app}", holds)

    async def pod(self, name: str, holds: Callable[[Obj], Any], what: str) -> Obj:
        async def found() -> Obj | None:
            pod = await self.client.get("pods", name, NAMESPACE)
            return pod if holds(pod) else None

        return await self.until(f"pod {name}: {what}", found)

    async def gone(self, name: str) -> None:
        async def holds() -> bool:
            pods, _ = await self.client.list("pods", NAMESPACE)
            return name not in map(name_of, pods)

        await self.until(f"pod {name} gone", holds)

    async def endpoints(self, service: str = "web") -> list[str]:
        found = await self.client.get("endpoints", service, NAMESPACE)
        return [a["ip"] for s in found.get("subsets") or [] for a in s.get("addresses") or []]

    async def log(self, pod: str, container: str = "app", **options: Any) -> str:
        wanted = {
            "follow": False,
            "previous": False,
            "tail": None,
            "since_seconds": None,
            "timestamps": False,
        } | options
        chunks = [c async for c in self.kubelet.logs(NAMESPACE, pod, container, **wanted)]
        return b"".join(chunks).decode()

    def record(self, pod: Obj, container: str = "app") -> Record:
        """The process of a container."""
        found = Record.read(self.directory / "run" / f"{pod['metadata']['uid']}_{container}.json")
        assert found is not None
        return found

    async def events(self, reason: str) -> list[Obj]:
        found, _ = await self.client.list("events", NAMESPACE)
        return [e for e in found if e["reason"] == reason]


def is_ready(pod: Obj) -> bool:
    conditions = dig(pod, "status", "conditions", default=[])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions) and not is_deleting(pod)


def state_of(pod: Obj, index: int = 0) -> Obj:
    found: Obj = dig(pod, "status", "containerStatuses", index, default={})
    return found


def images(path: Path) -> Path:
    """An `images.json` with the tests' program."""
    entry = {"repository": "test/web", "argv": [sys.executable, str(_PROGRAM)], "env": {"COLOUR": "blue"}}
    path.write_text(json.dumps([entry]))
    return path


@contextlib.asynccontextmanager
async def cluster(directory: Path) -> AsyncIterator[Cluster]:
    block = free_block(range(150, 200))
    with socket.create_server((block.api, API_PORT)):  # the block is taken, as other labs see it
        async with _running(directory, block) as running:
            yield running


@contextlib.asynccontextmanager
async def _running(directory: Path, block: Block) -> AsyncIterator[Cluster]:
    client = LocalClient(Store())
    for namespace in ("default", NAMESPACE):
        await client.create("namespaces", {"metadata": {"name": namespace}})
    api = ApiAddress(f"https://{block.api}:{API_PORT}", block.api, API_PORT, directory / "ca.pem", Tokens())
    kubelet = Kubelet(client, directory=directory, images=images(directory / "images.json"), block=block, api=api)
    running = [asyncio.create_task(run_controllers(client, block=block)), asyncio.create_task(kubelet.run())]
    try:
        async with aiohttp.ClientSession() as session:
            yield Cluster(client, kubelet, block, directory, session)
    finally:
        await kubelet.stop()
        await running[1]
        running[0].cancel()
        await asyncio.gather(*running, return_exceptions=True)


def probe(path: str = "/health", **more: Any) -> Obj:
    return {"httpGet": {"path": path, "port": "http"}, "periodSeconds": 1, **more}


def container(name: str = "app", **more: Any) -> Obj:
    ports = [{"name": "http", "containerPort": PORT}]
    return {"name": name, "image": "registry.example/test/web:latest", "ports": ports, **more}


def pod(name: str, *containers: Obj, **spec: Any) -> Obj:
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": name}},
        "spec": {"containers": list(containers) or [container()], **spec},
    }


def deployment(replicas: int, *containers: Obj, app: str = "web", **spec: Any) -> Obj:
    template = {
        "metadata": {"labels": {"app": app}},
        "spec": {"containers": list(containers) or [container(readinessProbe=probe())]},
    }
    return {
        "metadata": {"name": app, "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": app}},
            "template": template,
            **spec,
        },
    }


def service(app: str = "web") -> Obj:
    return {
        "metadata": {"name": app, "namespace": NAMESPACE},
        "spec": {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": "http"}]},
    }
