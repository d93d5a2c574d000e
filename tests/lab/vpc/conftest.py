"""A VPC with real Envoy in front of demo services, with the cluster and Route 53 as plain lists."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from apps.demo import demo
from lab.net import Block, free_block
from lab.vpc.controller import Controller
from lab.vpc.proxy import Proxy
from lab.vpc.resources import Vpc

ELB = "internal-0123456789abcdef0123456789abcdef-1.us-west-1.elb.amazonaws.com"


@dataclass
class Listed:
    """What an Informer would know."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    synced: bool = True


@dataclass
class Source:
    records: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class Running:
    """A VPC that runs; change the lists, then call `changed.set()`."""

    block: Block
    proxy: Proxy
    session: aiohttp.ClientSession
    services: Listed = field(default_factory=Listed)
    endpoints: Listed = field(default_factory=Listed)
    source: Source = field(default_factory=Source)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def service(self, name: str, port: int, ip: str, pods: list[str], hostname: str = ELB) -> None:
        """A LoadBalancer Service in namespace `ns` with these ready pods, instead of any former one."""
        metadata = {"namespace": "ns", "name": name}
        spec = {"ports": [{"port": port}], "clusterIP": self.block.cluster_ip(1)}
        status = {"loadBalancer": {"ingress": [{"hostname": hostname, "ip": ip}]}}
        subset = {"addresses": [{"ip": pod} for pod in pods], "ports": [{"port": 3000}]}
        self._put(self.services, {"metadata": metadata, "spec": spec, "status": status})
        self._put(self.endpoints, {"metadata": metadata, "subsets": [subset] if pods else []})

    def _put(self, listed: Listed, obj: dict[str, Any]) -> None:
        others = [other for other in listed.objects if other["metadata"] != obj["metadata"]]
        listed.objects = [*others, obj]
        self.changed.set()

    async def get(self, url: str, *, direct: bool = False) -> tuple[int, dict[str, str], str]:
        """Status, headers, body; through the VPC's proxy unless `direct`."""
        proxy = None if direct else f"http://{self.block.vpc}:3128"
        async with self.session.get(url, proxy=proxy) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return response.status, headers, await response.text()

    async def until(self, url: str, status: int, *, direct: bool = False, said: str = "") -> tuple[dict[str, str], str]:
        """The first answer with this status that `said` this; fails after three seconds."""
        async with asyncio.timeout(3):
            while True:
                with suppress(aiohttp.ClientConnectionError):
                    found, headers, body = await self.get(url, direct=direct)
                    if found == status and said in body:
                        return headers, body
                await asyncio.sleep(0.01)


@pytest.fixture
async def vpc(tmp_path: Path) -> AsyncIterator[Running]:
    block, directory = free_block(random.sample(range(60, 100), 40)), tmp_path / "vpc"
    async with aiohttp.ClientSession() as session:
        running = Running(block, Proxy(block, directory, tmp_path / "run"), session)
        lists = (running.services, running.endpoints, running.source)
        controller = Controller(Vpc(block, directory), *lists, running.changed)
        running.changed.set()
        controlling = asyncio.create_task(controller.run())
        await controller.written.wait()
        proxying = asyncio.create_task(running.proxy.run())
        await running.proxy.ready()
        yield running
        for task in (controlling, proxying):
            task.cancel()
        await asyncio.gather(controlling, proxying, return_exceptions=True)


@pytest.fixture
async def pods(vpc: Running) -> AsyncIterator[list[str]]:
    """Two running demo pods, `nodejs` v1 and v2: their addresses."""
    addresses = [vpc.block.pod(1), vpc.block.pod(2)]
    told = asyncio.Event()
    running = []
    for version, address in zip(("v1", "v2"), addresses, strict=True):
        config = demo.Settings("nodejs", version, node=f"pod-{version}", host=address)
        running.append(asyncio.create_task(demo.serve(config, told, demo.Draining(quiet=0))))
    yield addresses
    told.set()
    await asyncio.gather(*running)
