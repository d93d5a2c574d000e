"""The sidecar launcher: when Envoy starts, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack

import aiohttp

from lab.mesh.sidecar import requests
from tests.lab.mesh.support import CALLER, PORT, V1, Cluster, Pod, eventually, kill, saying, serving
from tests.lab.mesh.support import cluster as cluster_stat


async def test_waits_for_its_files(cluster: Cluster) -> None:
    """A sidecar is not ready until the controller has written its files, and then it is."""
    pod = cluster.pod(CALLER)
    await cluster.start(pod)

    async def launched() -> bool:
        return (pod.place.directory / "bootstrap.json").exists()

    await eventually(launched)

    assert not await cluster.admin(pod).ready()
    cluster.configure()
    await eventually(cluster.admin(pod).ready)


async def test_ends_while_waiting(cluster: Cluster) -> None:
    """A sidecar that is told to end before it had any files ends at once, without an error."""
    pod = cluster.pod(CALLER)
    await cluster.start(pod)

    async def launched() -> bool:
        return (pod.place.directory / "bootstrap.json").exists()

    await eventually(launched)
    assert pod.process
    pod.process.terminate()

    assert 0 == await asyncio.wait_for(pod.process.wait(), 5)


async def test_envoy_dies_with_its_launcher(cluster: Cluster) -> None:
    """Killing the launcher leaves no Envoy behind."""
    pod = cluster.pod(CALLER)
    await cluster.start_ready(pod)

    await kill(pod)

    async def gone() -> bool:
        return not await cluster.admin(pod).ready()

    await eventually(gone)


async def test_envoys_end_is_the_sidecars(cluster: Cluster) -> None:
    """When Envoy is killed the launcher ends with its status, so that the kubelet starts the container again."""
    pod = cluster.pod(CALLER)
    await cluster.start_ready(pod)
    assert pod.process

    os.kill(_child(pod.process.pid), signal.SIGKILL)

    assert 128 + signal.SIGKILL == await asyncio.wait_for(pod.process.wait(), 5)


async def test_probes_are_no_traffic(cluster: Cluster) -> None:
    """The kubelet's probes, which go on while a pod ends, do not keep its sidecar from ending."""
    pod = cluster.pod(V1)
    async with serving((pod.place.app_ip, PORT), saying("v1")):
        await cluster.start_ready(pod)
        url, agent = f"http://{pod.place.pod_ip}:{PORT}/health", {"User-Agent": "kube-probe/1.36"}
        for headers in (agent, agent, {}):
            async with cluster.session.get(url, headers=headers) as response:
                await response.read()
        total, active = await requests(cluster.admin(pod))

    assert (1, 0) == (total, active)


async def test_termination_loses_nothing(cluster: Cluster) -> None:
    """Terminating a pod under load, as its endpoints change only a moment later, fails no request.

    Nor does any request go missing in the caller's counters, though the change makes Envoy build its cluster anew.
    """
    caller, old, new = cluster.pod(CALLER), cluster.pod(V1), cluster.pod(V1)
    failed: list[str] = []
    sent = 0
    done = asyncio.Event()

    async def client() -> None:
        nonlocal sent
        while not done.is_set():
            sent += 1
            try:
                status, text, _ = await cluster.get(caller)
                if status != 200:
                    failed.append(f"{status} {text}")
            except aiohttp.ClientError as error:
                failed.append(repr(error))

    async with AsyncExitStack() as stack:
        for pod in (old, new):
            await stack.enter_async_context(serving((pod.place.app_ip, PORT), saying("v1")))
        await cluster.start_ready(caller, old, new)
        async with asyncio.TaskGroup() as clients:
            for _ in range(4):
                clients.create_task(client())
            status = await _roll(cluster, old)
            done.set()
        name = f"{cluster_stat(V1)}.upstream_rq_completed"
        counted = (await cluster.admin(caller).counters(name))[name]

    assert 0 == status
    assert sent == counted
    assert sent > 100
    assert [] == failed


async def _roll(cluster: Cluster, pod: Pod) -> int:
    """Terminate the pod as Kubernetes does, the endpoints following a little late; its exit status."""
    assert pod.process
    os.killpg(pod.process.pid, signal.SIGTERM)
    admin = cluster.admin(pod)

    async def draining() -> bool:
        return not await admin.ready()

    await eventually(draining)
    cluster.leave_endpoints(pod)
    return await asyncio.wait_for(pod.process.wait(), 10)


def _child(parent: int) -> int:
    """The process id of the launcher's Envoy."""
    with open(f"/proc/{parent}/task/{parent}/children") as children:
        return int(children.read().split()[0])
