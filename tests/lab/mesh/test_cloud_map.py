"""The controller with a real Cloud Map: pods are registered as they come and go, and endpoints are its answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from canario.adapters.cloudmap import CloudMapServices
from canario.workshop.cloud_map import ADDRESS, Instance, ServiceName
from lab import boto
from lab.envoy.files import CDS, LDS
from lab.net import free_block
from tests.lab.mesh.kubernetes import Kubernetes, kubernetes
from tests.lab.mesh.support import START_SECONDS, eventually
from tests.lab.mesh.test_controller import INJECTED, NAMESPACE, pod, run, workshop
from tests.ministack import ministack

SERVICE = ServiceName("appmesh.pvt.local", "nodejsv2")  # as tests/unit/mesh/workshop.yaml has it


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    with ministack(tmp_path, ["servicediscovery", "route53"]) as endpoint:
        yield endpoint


@pytest.fixture
def cloud(endpoint: str) -> Iterator[CloudMapServices]:
    client = boto.client(endpoint, "servicediscovery")
    client.create_private_dns_namespace(Name=SERVICE.namespace, Vpc="vpc-1")
    yield CloudMapServices(client)
    client.close()


@pytest.fixture
async def api(tmp_path: Path, endpoint: str, cloud: CloudMapServices) -> AsyncIterator[Kubernetes]:
    async with kubernetes(tmp_path, free_block(range(200, 255)), LAB_AWS=endpoint) as api:
        await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": INJECTED}})
        yield api


async def registered(cloud: CloudMapServices, *addresses: str) -> dict[str, Instance]:
    """Cloud Map's instances, once they are these."""

    async def so() -> bool:
        return set(await asyncio.to_thread(cloud.discover, SERVICE)) == set(addresses)

    await eventually(so, START_SECONDS)
    return dict(await asyncio.to_thread(cloud.discover, SERVICE))


async def told(directory: Path, *there: str, gone: str = "none") -> None:
    """Wait until a sidecar's clusters name these addresses and not that one."""

    async def so() -> bool:
        text = (directory / CDS).read_text() if (directory / LDS).exists() else ""
        return bool(text) and all(f'"{each}"' in text for each in there) and f'"{gone}"' not in text

    await eventually(so, START_SECONDS)


async def active(api: Kubernetes) -> None:
    """Make the workshop's objects, and wait until the controller has taken them: pods may come then."""
    objects = workshop()
    await api.create(*objects.values())
    for each in objects.values():
        await api.active(each)


async def test_pods_come_and_go(api: Kubernetes, cloud: CloudMapServices) -> None:
    """A ready pod is registered and every sidecar is told; one on its way out is taken out, and they are told."""
    first, second = api.block.pod(3), api.block.pod(4)
    await active(api)
    directory = await run(api, pod("nodejs-1", "nodejs-app"), 2)
    await run(api, pod("nodejsv2-1", "nodejsv2-app"), 3)
    await run(api, pod("nodejsv2-2", "nodejsv2-app"), 4)
    found = await registered(cloud, first, second)
    await told(directory, first, second)

    attributes = found[first].attributes
    assert ("nodejsv2-1", NAMESPACE) == (attributes["k8s.io/pod"], attributes["k8s.io/namespace"])
    assert "app-mesh" == attributes["appmesh.k8s.aws/mesh"]
    assert f"nodejsv2-app_{NAMESPACE}" == attributes["appmesh.k8s.aws/virtualNode"]

    await api.client.delete("pods", "nodejsv2-1", NAMESPACE, grace_seconds=30)

    await told(directory, second, gone=first)
    await registered(cloud, second)


async def test_what_cloud_map_says_counts(api: Kubernetes, cloud: CloudMapServices) -> None:
    """An instance that somebody registers by hand is an endpoint within a second or so, and is not taken out again."""
    by_hand = api.block.pod(99)
    await active(api)
    directory = await run(api, pod("nodejsv2-1", "nodejsv2-app"), 3)
    await registered(cloud, api.block.pod(3))
    await asyncio.to_thread(cloud.register, SERVICE, "mine", {ADDRESS: by_hand})

    await told(directory, by_hand, api.block.pod(3))
    await run(api, pod("nodejsv2-2", "nodejsv2-app"), 4)
    await registered(cloud, "mine", api.block.pod(3), api.block.pod(4))
