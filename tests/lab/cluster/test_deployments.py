"""Deployments whose pods are processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator

from lab.cluster.objects import Obj, dig, name_of
from tests.lab.cluster.support import (
    NAMESPACE,
    PORT,
    Cluster,
    container,
    deployment,
    probe,
    service,
    state_of,
)


async def _scale(cluster: Cluster, replicas: int) -> None:
    await cluster.client.patch("deployments.apps", "web", NAMESPACE, {"spec": {"replicas": replicas}})


async def _rolled_out(cluster: Cluster, replicas: int) -> None:
    async def done() -> bool:
        found = await cluster.client.get("deployments.apps", "web", NAMESPACE)
        status = found.get("status", {})
        names = ("updatedReplicas", "replicas", "availableReplicas")
        current = status.get("observedGeneration") == found["metadata"]["generation"]
        return current and all(status[n] == replicas for n in names) and len(await cluster.pods()) == replicas

    await cluster.until(f"rollout of {replicas}", done, "deployments.apps", "pods")


def _changed(**variables: str) -> Obj:
    """A patch that gives the Deployment's container these variables."""
    env = [{"name": name, "value": value} for name, value in variables.items()]
    spec = {"containers": [container(env=env, readinessProbe=probe())]}
    return {"spec": {"template": {"spec": spec}}}


async def test_a_deployment_is_scaled_up_and_down(cluster: Cluster) -> None:
    """A Deployment of 1, scaled to 4 and back to 1, has so many answering pods, each at its own address."""
    await cluster.client.create("deployments.apps", deployment(1))
    await cluster.ready(1)
    await _scale(cluster, 4)
    pods = await cluster.ready(4)
    answers = {await _get(cluster, dig(p, "status", "podIP")) for p in pods}
    await _scale(cluster, 1)
    await cluster.ready(1)

    assert {f"{name_of(p)} v1" for p in pods} == answers


async def test_a_restart_under_load_loses_no_request(cluster: Cluster) -> None:
    """A rolling restart is not seen by a client that calls the addresses in the Service's endpoints."""
    await cluster.client.create("services", service())
    await cluster.client.create("deployments.apps", deployment(2))
    await cluster.ready(2)
    async with _calling(cluster) as answers:
        await cluster.client.patch("deployments.apps", "web", NAMESPACE, _changed(VERSION="v2"))
        await _rolled_out(cluster, 2)

    assert {"v1", "v2"} == {answer.split()[-1] for answer in answers}


async def test_a_deployment_that_does_not_get_ready_stops(cluster: Cluster) -> None:
    """A new version whose readiness fails takes no pod of the old one away, and the Deployment says it is late."""
    await cluster.client.create("deployments.apps", deployment(2, progressDeadlineSeconds=1))
    old = await cluster.ready(2)
    await cluster.client.patch("deployments.apps", "web", NAMESPACE, _changed(READY="no"))

    async def late() -> bool:
        found = await cluster.client.get("deployments.apps", "web", NAMESPACE)
        conditions = {c["type"]: c for c in found["status"]["conditions"]}
        return conditions["Progressing"]["reason"] == "ProgressDeadlineExceeded"

    await cluster.until("the progress deadline", late, "deployments.apps")
    pods = {name_of(p): p for p in await cluster.live()}

    assert {name_of(p) for p in old} < pods.keys()
    assert len(pods) == 3


async def test_a_killed_process_is_started_again(cluster: Cluster) -> None:
    """After kill -9 of a pod's process the same pod serves again, with one restart and the signal on record."""
    await cluster.client.create("deployments.apps", deployment(1))
    pod = (await cluster.ready(1))[0]
    os.kill(cluster.record(pod).pid, signal.SIGKILL)
    again = await cluster.pod(
        name_of(pod), lambda p: state_of(p)["restartCount"] == 1 and state_of(p)["ready"], "restarted"
    )

    assert dig(state_of(again), "lastState", "terminated", "exitCode") == 137
    assert f"{name_of(pod)} v1" == await _get(cluster, dig(again, "status", "podIP"))


async def _get(cluster: Cluster, ip: str) -> str:
    async with cluster.session.get(f"http://{ip}:{PORT}/") as response:
        return await response.text()


@contextlib.asynccontextmanager
async def _calling(cluster: Cluster) -> AsyncIterator[list[str]]:
    """Call the endpoints in turn, without a pause, while the block runs; a failed call fails the test."""
    answers: list[str] = []

    async def call() -> None:
        turn = 0
        while True:
            addresses = await cluster.endpoints()
            turn += 1
            answers.append(await _get(cluster, addresses[turn % len(addresses)]))
            await asyncio.sleep(0.005)

    calling = asyncio.create_task(call())
    try:
        yield answers
    finally:
        calling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await calling
