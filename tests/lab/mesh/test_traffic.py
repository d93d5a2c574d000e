"""Sidecars with real Envoys: where requests go, and what the callers' counters say of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace

from aiohttp import web

from canario.mesh.model import Egress
from tests.lab.mesh.support import CALLER, PORT, V1, V2, Cluster, Pod, eventually, mesh, saying, serving
from tests.lab.mesh.support import cluster as cluster_stat


async def backends(cluster: Cluster, stack: AsyncExitStack, v2_status: int = 200) -> tuple[Pod, Pod, Pod]:
    """A caller and one pod each of v1 and v2, all with sidecars."""
    pods = cluster.pod(CALLER), cluster.pod(V1), cluster.pod(V2)
    for pod, handler in zip(pods[1:], (saying("v1"), saying("v2", v2_status)), strict=True):
        await stack.enter_async_context(serving((pod.place.app_ip, PORT), handler))
    await cluster.start_ready(*pods)
    return pods


async def test_split_and_move(cluster: Cluster) -> None:
    """Requests are split as the weights say, and new weights are in force at Envoy within a second."""
    async with AsyncExitStack() as stack:
        caller, *_ = await backends(cluster, stack)
        cluster.reconfigure(mesh(75, 25))
        loop = asyncio.get_running_loop()

        async def v2_answers() -> bool:
            return (await cluster.get(caller))[1] == "v2"

        await eventually(v2_answers, 5)
        seen = Counter([(await cluster.get(caller))[1] for _ in range(400)])
        cluster.reconfigure(mesh(100, 0))
        moved = loop.time()
        while loop.time() - moved < 1:
            await cluster.get(caller)
        after = Counter([(await cluster.get(caller))[1] for _ in range(100)])

    assert 400 == seen.total()
    assert 48 <= seen["v2"] <= 152  # 100 expected, six standard deviations either way
    assert {"v1": 100} == after


async def test_counters_of_the_caller(cluster: Cluster) -> None:
    """The caller's proxy counts each node's answers under a name made of namespace, service and node."""
    async with AsyncExitStack() as stack:
        caller, *_ = await backends(cluster, stack, v2_status=500)
        cluster.reconfigure(mesh(50, 50))
        seen: Counter[int] = Counter()
        while len(seen) < 2 or seen.total() < 40:
            seen[(await cluster.get(caller))[0]] += 1
        counters = await cluster.admin(caller).counters("upstream_rq_(completed|5xx)$")

    assert seen[200] == counters[f"{cluster_stat(V1)}.upstream_rq_completed"]
    assert seen[500] == counters[f"{cluster_stat(V2)}.upstream_rq_completed"]
    assert seen[500] == counters[f"{cluster_stat(V2)}.upstream_rq_5xx"]
    assert 0 == counters.get(f"{cluster_stat(V1)}.upstream_rq_5xx", 0)


async def test_counters_outlive_endpoints(cluster: Cluster) -> None:
    """Errors and answer times that were counted stay counted when a node's endpoints change."""
    async with AsyncExitStack() as stack:
        caller, _, v2 = await backends(cluster, stack, v2_status=500)
        cluster.reconfigure(mesh(0, 1))

        async def fails() -> bool:
            return (await cluster.get(caller))[0] == 500

        async def merged() -> bool:  # histograms reach the admin's answers a moment later
            return (await counted(cluster, caller))[1] > 0

        await eventually(fails)
        await eventually(merged)
        before = await counted(cluster, caller)
        cluster.leave_endpoints(v2)

        async def unreachable() -> bool:
            return (await cluster.get(caller))[0] == 503

        await eventually(unreachable)
        after = await counted(cluster, caller)

    assert 0 < before[0] < after[0]
    assert 0 < before[1] <= after[1]


async def counted(cluster: Cluster, caller: Pod) -> tuple[int, int]:
    """(errors, answers whose time is known) of v2, as the caller's proxy counts them."""
    name = f"{cluster_stat(V2)}.upstream_rq_5xx"
    errors = (await cluster.admin(caller).counters(f"^{name}$"))[name]
    times = (await cluster.admin(caller).histograms(f"^{cluster_stat(V2)}.upstream_rq_time$")).values()
    return errors, max((max(each.values()) for each in times), default=0)


async def test_dead_node(cluster: Cluster) -> None:
    """A node that does not answer is a 503 to the client and in the caller's counters, once for each request."""
    caller, _ = cluster.pod(CALLER), cluster.pod(V2)  # the latter without a sidecar: nobody listens there
    cluster.mesh = mesh(0, 1)
    await cluster.start_ready(caller)

    statuses = [(await cluster.get(caller))[0] for _ in range(5)]
    counters = await cluster.admin(caller).counters("upstream_rq_(completed|5xx)$")

    assert [503] * 5 == statuses
    assert 5 == counters[f"{cluster_stat(V2)}.upstream_rq_5xx"]
    assert 5 == counters[f"{cluster_stat(V2)}.upstream_rq_completed"]


async def test_node_without_endpoints(cluster: Cluster) -> None:
    """A node none of whose pods is ready gets 503s that its counters show."""
    caller = cluster.pod(CALLER)
    cluster.mesh = mesh(0, 1)
    await cluster.start_ready(caller)

    status, _, _ = await cluster.get(caller)
    counters = await cluster.admin(caller).counters("upstream_rq_(completed|5xx)$")

    assert 503 == status
    assert 1 == counters[f"{cluster_stat(V2)}.upstream_rq_5xx"]


async def test_answers_show_envoy(cluster: Cluster) -> None:
    """Answers through sidecars say so, and every request has an id of its own."""
    ids = []

    async def remember(request: web.Request) -> web.Response:
        ids.append(request.headers["x-request-id"])
        return web.Response(text="v1")

    caller, callee = cluster.pod(CALLER), cluster.pod(V1)
    async with serving((callee.place.app_ip, PORT), remember):
        await cluster.start_ready(caller, callee)
        _, _, headers = await cluster.get(caller)
        await cluster.get(caller)

    assert "envoy" == headers["server"]
    assert headers["x-envoy-upstream-service-time"].isdigit()
    assert 2 == len(set(ids))


async def test_strangers_are_refused(cluster: Cluster) -> None:
    """A name that no service has is refused with a reason while the mesh's egress is DROP_ALL."""
    caller = cluster.pod(CALLER)
    await cluster.start_ready(caller)

    status, text, _ = await cluster.get(caller, "http://elsewhere.example/")

    assert (404, "no service of mesh test has this name, and its egress is DROP_ALL\n") == (status, text)


async def test_strangers_leave_by_the_vpc(cluster: Cluster) -> None:
    """A mesh whose egress is ALLOW_ALL sends other names to the VPC's proxy, their host unchanged."""

    async def name(request: web.Request) -> web.Response:
        return web.Response(text=request.headers["host"])

    caller = cluster.pod(CALLER)
    cluster.mesh = replace(cluster.mesh, egress=Egress.ALLOW_ALL)
    async with serving((cluster.block.vpc, 3128), name):
        await cluster.start_ready(caller)
        status, text, _ = await cluster.get(caller, "http://elsewhere.example:81/")

    assert (200, "elsewhere.example:81") == (status, text)
