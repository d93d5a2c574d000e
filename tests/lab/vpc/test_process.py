"""`python -m lab.vpc` on the lab's own Kubernetes API and MiniStack's Route 53."""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from lightkube import Client, KubeConfig
from lightkube.codecs import from_dict
from lightkube.resources.core_v1 import Service

from apps.demo import demo
from canario.adapters.cloudmap import CloudMapServices
from canario.workshop.cloud_map import ADDRESS, ServiceName
from lab import boto
from lab.net import Block, free_block
from tests.lab.cluster_api.support import served
from tests.lab.vpc.conftest import ELB
from tests.ministack import ministack

NAME = "web.appmeshworkshop.hosted.local"


@dataclass(frozen=True)
class World:
    """What the VPC watches."""

    kubernetes: Client
    kubeconfig: Path
    endpoint: str

    def load_balancer(self, block: Block, pods: list[str]) -> None:
        """The Service `web` in namespace `default` with a load balancer, and its endpoints."""
        metadata = {"name": "web", "namespace": "default"}
        service = {"metadata": metadata, "spec": {"type": "LoadBalancer", "ports": [{"port": 3000}]}}
        self.kubernetes.create(from_dict({"apiVersion": "v1", "kind": "Service", **service}))
        ingress = [{"hostname": ELB, "ip": block.load_balancer(1)}]
        self.kubernetes.patch(Service.Status, "web", {"status": {"loadBalancer": {"ingress": ingress}}})
        self.endpoints(pods)

    def endpoints(self, pods: list[str]) -> None:
        subset = {"addresses": [{"ip": pod} for pod in pods], "ports": [{"port": 3000}]}
        endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "web", "namespace": "default"}}
        self.kubernetes.apply(from_dict({**endpoints, "subsets": [subset]}), field_manager="test", force=True)

    def listening(self, name: str) -> None:
        """A Service in namespace `default`: what tells the VPC of port 3000."""
        service = {"metadata": {"name": name, "namespace": "default"}, "spec": {"ports": [{"port": 3000}]}}
        self.kubernetes.create(from_dict({"apiVersion": "v1", "kind": "Service", **service}))

    def instance(self, name: str, address: str) -> None:
        """A Cloud Map service in the namespace `pvt.local` with this one instance."""
        with closing(boto.client(self.endpoint, "servicediscovery")) as client:
            client.create_private_dns_namespace(Name="pvt.local", Vpc="vpc-1")
            cloud_map, service = CloudMapServices(client), ServiceName("pvt.local", name)
            cloud_map.create(service, "default")
            cloud_map.register(service, address, {ADDRESS: address})

    def _zone(self, route53: Any) -> str:
        """The private zone, made when it is first needed."""
        name = "appmeshworkshop.hosted.local."
        there = {each["Name"]: each["Id"] for each in route53.list_hosted_zones()["HostedZones"]}
        if name not in there:
            vpc = {"VPCRegion": "us-west-1", "VPCId": "vpc-1"}
            private = {"PrivateZone": True}
            made = route53.create_hosted_zone(Name=name, CallerReference="tests", VPC=vpc, HostedZoneConfig=private)
            return str(made["HostedZone"]["Id"])
        return str(there[name])

    def record(self, name: str, target: str) -> None:
        """A CNAME in the private zone."""
        with closing(boto.client(self.endpoint, "route53")) as route53:
            zone_id = self._zone(route53)
            records = {"Name": name, "Type": "CNAME", "TTL": 5, "ResourceRecords": [{"Value": f"{target}."}]}
            route53.change_resource_record_sets(
                HostedZoneId=zone_id,
                ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": records}]},
            )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("world")
    with served(directory) as running, ministack(directory, ["route53", "servicediscovery"]) as endpoint:
        kubeconfig = running.settings.kubeconfig
        client = Client(config=KubeConfig.from_file(kubeconfig), trust_env=False)
        yield World(client, kubeconfig, endpoint)
        client.close()


@pytest.fixture
async def pod(tmp_path: Path) -> AsyncIterator[tuple[Block, str]]:
    """A block, and the address of the one pod that runs in it."""
    block, told = free_block(random.sample(range(60, 100), 40)), asyncio.Event()
    config = demo.Settings("nodejs", node="pod", host=block.pod(1))
    running = asyncio.create_task(demo.serve(config, told, demo.Draining(quiet=0)))
    yield block, block.pod(1)
    told.set()
    await running


async def start(block: Block, directory: Path, world: World, **more: Any) -> asyncio.subprocess.Process:
    """A VPC that said `ready`."""
    options = {
        "--block": str(block.x),
        "--directory": str(directory / "vpc"),
        "--kubeconfig": str(world.kubeconfig),
        "--aws-endpoint": world.endpoint,
    }
    argv = [sys.executable, "-m", "lab.vpc", *(part for option in options.items() for part in option)]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, **more)
    assert process.stdout is not None
    async with asyncio.timeout(20):
        while (line := await process.stdout.readline()) and line != b"ready\n":
            pass
    return process


async def answer(block: Block, url: str) -> dict[str, Any]:
    """The first 200 through the VPC's proxy, with patience: the machine is shared."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            with suppress(aiohttp.ClientConnectionError):
                async with session.get(url, proxy=f"http://{block.vpc}:3128") as response:
                    if response.status == 200:
                        return json.loads(await response.text())
            await asyncio.sleep(0.02)


async def test_follows_kubernetes_and_route53(world: World, pod: tuple[Block, str], tmp_path: Path) -> None:
    """A load balancer and a record that are made while it runs work soon; SIGTERM ends it with its Envoy."""
    block, address = pod
    process = await start(block, tmp_path, world)
    world.load_balancer(block, [])
    world.record(NAME, ELB)
    world.endpoints([address])
    body = await answer(block, f"http://{NAME}:3000/")
    process.terminate()
    await process.communicate()

    assert body["node"] == "pod"
    assert process.returncode == 0
    assert not list((tmp_path / "run").iterdir())


async def test_follows_cloud_map(world: World, pod: tuple[Block, str], tmp_path: Path) -> None:
    """A record that points to a Cloud Map service leads to its instances: no load balancer is needed."""
    block, address = pod
    process = await start(block, tmp_path, world)
    await asyncio.to_thread(world.instance, "nodejs", address)
    await asyncio.to_thread(world.record, f"nodejs.{NAME}", "nodejs.pvt.local")
    await asyncio.to_thread(world.listening, "nodejs")
    bodies = [await answer(block, f"http://{name}:3000/") for name in ("nodejs.pvt.local", f"nodejs.{NAME}")]
    process.terminate()
    await process.communicate()

    assert [body["node"] for body in bodies] == ["pod", "pod"]


async def test_taken_address(world: World, pod: tuple[Block, str], tmp_path: Path) -> None:
    """A second VPC at the same address ends at once and says why."""
    block, _ = pod
    first = await start(block, tmp_path / "first", world)
    second = await start(block, tmp_path / "second", world, stderr=asyncio.subprocess.PIPE)
    _, said = await second.communicate()
    first.terminate()
    await first.communicate()

    assert second.returncode == 1
    assert f"lab.vpc: start the VPC's Envoy: {block.vpc}:3128, {block.vpc}:9901 taken" in said.decode()
