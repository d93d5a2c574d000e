"""Retries, timeouts, outlier detection, pools, health checks and access logs, proved with real Envoys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from aiohttp import web

from canario.mesh.model import Mesh, Port, Route, Target
from canario.mesh.policies import (
    AccessLog,
    ConnectionPool,
    HealthCheck,
    ListenerPolicies,
    OutlierDetection,
    Retry,
    RetryOn,
    Timeout,
)
from lab.mesh.logs import log_file
from tests.lab.mesh.support import CALLER, HOST, PORT, V1, Cluster, Pod, eventually, mesh, saying, serving
from tests.lab.mesh.support import cluster as cluster_stat

URL = f"http://{HOST}:{PORT}"
Handler = Callable[[web.Request], Awaitable[web.Response]]


def routed(**route: object) -> Mesh:
    """The mesh whose router has one route to v1."""
    plain = mesh(1, 0)
    only = Route(**{"name": "all", "targets": (Target(V1, 1),), **route})  # type: ignore[arg-type]
    return replace(plain, routers=(replace(plain.routers[0], routes=(only,)),))


def listening(plain: Mesh, policies: ListenerPolicies) -> Mesh:
    """The mesh, v1's listener with these policies."""
    nodes = [replace(node, ports=(Port(PORT, policies=policies),)) if node.ref == V1 else node for node in plain.nodes]
    return replace(plain, nodes=tuple(nodes))


async def bare(cluster: Cluster, stack: AsyncExitStack, handler: Handler) -> Pod:
    """A pod of v1 that has no sidecar."""
    pod = cluster.pod(V1)
    await stack.enter_async_context(serving((pod.place.pod_ip, PORT), handler))
    return pod


class Failing:
    """Answers each of these statuses in turn, then 200; `seen` is how many requests came."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.seen = list(statuses), 0

    async def answer(self, _: web.Request) -> web.Response:
        self.seen += 1
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


async def test_retries(cluster: Cluster) -> None:
    """A written retry policy is honoured as it is written; without one an answer is never asked for again."""
    failing = Failing()

    async def asked(*statuses: int) -> tuple[int, int]:
        failing.statuses, failing.seen = list(statuses), 0
        return (await cluster.get(caller))[0], failing.seen

    async with AsyncExitStack() as stack:
        caller = cluster.pod(CALLER)
        await bare(cluster, stack, failing.answer)
        cluster.mesh = routed(name="default")
        await cluster.start_ready(caller)
        by_default = await asked(503)
        cluster.reconfigure(routed(name="server", retry=Retry(2, 5000, (RetryOn.SERVER_ERROR,))))
        await cluster.effective(caller, "server")
        mended, too_many, not_an_error = await asked(500, 500), await asked(500, 500, 500), await asked(409)
        cluster.reconfigure(routed(name="gateway", retry=Retry(1, 5000, (RetryOn.GATEWAY_ERROR, RetryOn.CLIENT_ERROR))))
        await cluster.effective(caller, "gateway")
        gateway_error, plain_error, conflict = await asked(503), await asked(500), await asked(409)
        name = cluster_stat(V1)
        counted = await cluster.admin(caller).counters(f"^{name}.(upstream_rq_|retry.upstream_rq_5xx)")

    assert (503, 1) == by_default
    assert [(200, 3), (500, 3), (409, 1)] == [mended, too_many, not_an_error]
    assert [(200, 2), (500, 1), (200, 2)] == [gateway_error, plain_error, conflict]
    # A request counts once, as its last attempt ended; what was retried is counted apart.
    assert 7 == counted[f"{name}.upstream_rq_completed"]
    assert 3 == counted[f"{name}.upstream_rq_5xx"]
    assert 5 == counted[f"{name}.retry.upstream_rq_5xx"]
    assert 3 == counted[f"{name}.upstream_rq_retry_success"]


async def test_timeouts(cluster: Cluster) -> None:
    """A request ends with 504 at its route's limit, at its node's, and at each attempt's."""
    release = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async def status(took_less_than: float = 10) -> tuple[int, bool]:
        began = asyncio.get_running_loop().time()
        found = (await cluster.get(caller))[0]
        return found, asyncio.get_running_loop().time() - began < took_less_than

    async with AsyncExitStack() as stack:
        caller, callee = cluster.pod(CALLER), cluster.pod(V1)
        await stack.enter_async_context(serving((callee.place.app_ip, PORT), wait))
        cluster.mesh = routed(name="route", timeout=Timeout(100))
        await cluster.start_ready(caller, callee)
        by_route = await status()
        cluster.reconfigure(routed(name="attempt", retry=Retry(1, 100, (RetryOn.SERVER_ERROR,))))
        await cluster.effective(caller, "attempt")
        by_attempt = await status()
        cluster.reconfigure(listening(routed(name="node"), ListenerPolicies(Timeout(100))))
        await cluster.effective(caller, "node")
        by_node = await status()
        release.set()

    assert [(504, True)] * 3 == [by_route, by_attempt, by_node]


async def test_outlier_detection(cluster: Cluster) -> None:
    """An endpoint that fails so often in a row is left out, while the other one answers everything."""
    policies = ListenerPolicies(outliers=OutlierDetection(3, 100, 60_000, 50))
    bad = Failing(*[500] * 1000)
    async with AsyncExitStack() as stack:
        caller = cluster.pod(CALLER)
        await bare(cluster, stack, bad.answer)
        await bare(cluster, stack, saying("good"))
        cluster.mesh = listening(routed(), policies)
        await cluster.start_ready(caller)

        async def ejected() -> bool:
            await cluster.get(caller)
            stat = f"cluster.endpoints/{cluster_stat(V1).removeprefix('cluster.')}.outlier_detection.ejections_active"
            return (await cluster.admin(caller).counters(f"^{stat}$")).get(stat) == 1

        await eventually(ejected)
        before = bad.seen
        statuses = {(await cluster.get(caller))[0] for _ in range(40)}

    assert {200} == statuses
    assert before == bad.seen
    assert before >= 3


async def test_connection_pool(cluster: Cluster) -> None:
    """What is beyond a node's pool is refused by its own proxy, and nothing of it reaches the application."""
    release, active = asyncio.Event(), asyncio.Event()
    seen = 0

    async def wait(_: web.Request) -> web.Response:
        nonlocal seen
        seen += 1
        active.set()
        await release.wait()
        return web.Response()

    async with AsyncExitStack() as stack:
        caller, callee = cluster.pod(CALLER), cluster.pod(V1)
        await stack.enter_async_context(serving((callee.place.app_ip, PORT), wait))
        cluster.mesh = listening(routed(), ListenerPolicies(pool=ConnectionPool(connections=1, pending=1)))
        await cluster.start_ready(caller, callee)
        first = asyncio.create_task(cluster.get(caller))
        await active.wait()
        second = asyncio.create_task(cluster.get(caller))

        async def pending() -> bool:
            stat = f"cluster.ingress/{PORT}.upstream_rq_pending_active"
            return (await cluster.admin(callee).counters(f"^{stat}$")).get(stat) == 1

        await eventually(pending)
        status, _, headers = await cluster.get(caller)
        seen_meanwhile = seen
        release.set()
        others = [(await each)[0] for each in (first, second)]

    assert (503, "true", 1) == (status, headers.get("x-envoy-overloaded"), seen_meanwhile)
    assert [200, 200] == others


async def test_health_checks(cluster: Cluster) -> None:
    """Callers ask an endpoint after its health at the path that its node says, before they send it anything."""
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.path, request.headers.get("user-agent")))
        return web.Response()

    policies = ListenerPolicies(health=HealthCheck("http", 5000, 2000, 2, 2, "/ping"))
    async with AsyncExitStack() as stack:
        caller = cluster.pod(CALLER)
        await bare(cluster, stack, answer)
        cluster.mesh = listening(routed(), policies)
        await cluster.start_ready(caller)
        status = (await cluster.get(caller))[0]

    assert 200 == status
    assert ("/ping", "Envoy/HC") == asked[0]
    assert "/" == asked[-1][0]


async def test_access_logs(cluster: Cluster) -> None:
    """An access log is written where and as its node says: below the pod's directory, as text or as JSON."""
    caller, callee = cluster.pod(CALLER), cluster.pod(V1)
    logs = {
        CALLER: AccessLog("/var/log/calls.txt", text="%REQ(:METHOD)% %RESPONSE_CODE%"),
        V1: AccessLog("/served.json", json=(("path", "%REQ(:PATH)%"), ("status", "%RESPONSE_CODE%"))),
    }
    cluster.mesh = replace(
        cluster.mesh, nodes=tuple(replace(node, log=logs.get(node.ref)) for node in cluster.mesh.nodes)
    )
    async with serving((callee.place.app_ip, PORT), saying("v1")):
        await cluster.start_ready(caller, callee)
        await cluster.get(caller, f"{URL}/x")
        files = [log_file(logs[pod.node].path, pod.place.directory) for pod in (caller, callee)]

        async def written() -> bool:
            return all(file.exists() and file.read_text() for file in files)

        await eventually(written)

    assert "GET 200\n" == files[0].read_text()
    assert {"path": "/x", "status": 200} == json.loads(files[1].read_text())
    assert files[0].is_relative_to(caller.place.directory)
