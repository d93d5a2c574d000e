"""Gateways with real Envoys: what gets in, as what, and who counts it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace

from aiohttp import web

from canario.mesh.gateways import Gateway, GatewayRoute, Rewrite
from canario.mesh.matches import Header, How, Match, Query, Text
from canario.mesh.model import Mesh, Port, Ref
from tests.lab.mesh.support import HOST, NAMESPACE, PORT, V1, Cluster, Pod, mesh, serving
from tests.lab.mesh.support import cluster as cluster_stat

INGRESS = Ref(NAMESPACE, "ingress-gw")
NODEJS = Ref(NAMESPACE, "nodejs")
LISTENER = 8088


def open_to(*routes: GatewayRoute) -> Mesh:
    """The mesh with a gateway that has these routes."""
    gateway = Gateway(INGRESS, "ingress-gw", ports=(Port(LISTENER),))
    return replace(mesh(1, 0), gateways=(gateway,), gateway_routes=routes)


def to_nodejs(name: str, match: Match, rewrite: Rewrite | None = None, priority: int | None = None) -> GatewayRoute:
    return GatewayRoute(Ref(NAMESPACE, name), name, NODEJS, match, rewrite or Rewrite(), priority)


async def echo(request: web.Request) -> web.Response:
    """What arrived: host and path, with the query."""
    kept = "kept " if "x-canario-host" in request.headers else ""
    return web.Response(text=f"{kept}{request.host} {request.path_qs}")


async def start(cluster: Cluster, stack: AsyncExitStack, *, sidecar: bool = False) -> Pod:
    gateway, node = cluster.pod(INGRESS), cluster.pod(V1)
    address = node.place.app_ip if sidecar else node.place.pod_ip
    await stack.enter_async_context(serving((address, PORT), echo))
    await cluster.start_ready(gateway, *([node] if sidecar else []))
    return gateway


async def ask(cluster: Cluster, gateway: Pod, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """As a client outside the mesh does; `(status, what arrived)`."""
    url = f"http://{gateway.place.pod_ip}:{LISTENER}{path}"
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with cluster.session.request(method, url, headers=sent) as response:
        assert response.headers["server"] == "envoy"
        return response.status, await response.text()


async def test_the_workshops_gateway(cluster: Cluster) -> None:
    """A request below the prefix reaches the service's node without it, under the service's name; others are 404.

    It is counted as every caller's is.
    """
    cluster.mesh = open_to(to_nodejs("eks", Match("/eks/")))
    async with AsyncExitStack() as stack:
        gateway = await start(cluster, stack)
        at_prefix = await ask(cluster, gateway, "/eks/")
        below = await ask(cluster, gateway, "/eks/a/b?c=d")
        elsewhere = [(await ask(cluster, gateway, path))[0] for path in ("/", "/eks", "/other/eks/")]
        name = f"{cluster_stat(V1)}.upstream_rq_completed"
        counted = (await cluster.admin(gateway).counters(f"^{name}$"))[name]

    assert (200, f"{HOST} /") == at_prefix
    assert (200, f"{HOST} /a/b?c=d") == below
    assert [404] * 3 == elsewhere
    assert 2 == counted


async def test_rewrites(cluster: Cluster) -> None:
    """Prefix, path and host become what the route says, or stay."""
    exact = Match(prefix=None, path=Text(How.EXACT, "/exact"))
    cluster.mesh = open_to(
        to_nodejs("chapter", Match("/chapter")),
        to_nodejs("as-it-is", Match("/kept/"), Rewrite(prefix=None)),
        to_nodejs("new", Match("/old/"), Rewrite(prefix="/new/")),
        to_nodejs("path", exact, Rewrite(path="/whole")),
        to_nodejs("host", Match("/host/"), Rewrite(keep_host=True)),
    )
    async with AsyncExitStack() as stack:
        gateway = await start(cluster, stack, sidecar=True)
        seen = [await ask(cluster, gateway, path) for path in ("/chapter/1", "/chapter", "/kept/1", "/old/1", "/exact")]
        kept = await ask(cluster, gateway, "/host/1", Host="shop.example:81")

    assert [f"{HOST} {path}" for path in ("/1", "/", "/kept/1", "/new/1", "/whole")] == [text for _, text in seen]
    assert (200, "shop.example:81 /1") == kept  # and the header that carried it is gone


async def test_matches(cluster: Cluster) -> None:
    """Hostname, header, method, query and port decide; the lowest priority first."""
    cluster.mesh = open_to(
        to_nodejs("host", Match(host=Text(How.EXACT, "a.example")), Rewrite(prefix="/host/"), 1),
        to_nodejs("suffix", Match(host=Text(How.SUFFIX, ".b.example")), Rewrite(prefix="/suffix/"), 2),
        to_nodejs("header", Match(headers=(Header("x-beta", Text(How.EXACT, "1")),)), Rewrite(prefix="/header/"), 3),
        to_nodejs("method", Match(method="PUT"), Rewrite(prefix="/method/"), 4),
        to_nodejs("query", Match(query=(Query("v", "2"),)), Rewrite(prefix="/query/"), 5),
        to_nodejs("port", Match(port=LISTENER + 1), Rewrite(prefix="/port/"), 6),
    )
    async with AsyncExitStack() as stack:
        gateway = await start(cluster, stack)
        seen = [
            await ask(cluster, gateway, "/", Host="A.example:8080"),
            await ask(cluster, gateway, "/", Host="x.b.example"),
            await ask(cluster, gateway, "/", x_beta="1"),
            await ask(cluster, gateway, "/", "PUT"),
            await ask(cluster, gateway, "/?v=2"),
            await ask(cluster, gateway, "/", Host="a.example", x_beta="1"),
        ]
        nobody = (await ask(cluster, gateway, "/", Host="b.example"))[0]

    expected = ("/host/", "/suffix/", "/header/", "/method/", "/query/?v=2", "/host/")
    assert [f"{HOST} {path}" for path in expected] == [text for _, text in seen]
    assert 404 == nobody


async def test_new_routes(cluster: Cluster) -> None:
    """A gateway route that is added is in force at once, and requests under way are not lost."""
    cluster.mesh = open_to(to_nodejs("one", Match("/one/")))
    async with AsyncExitStack() as stack:
        gateway = await start(cluster, stack)
        before = (await ask(cluster, gateway, "/two/"))[0]
        cluster.reconfigure(open_to(to_nodejs("one", Match("/one/")), to_nodejs("two", Match("/two/"))))
        statuses = set()
        while (await ask(cluster, gateway, "/two/"))[0] != 200:
            statuses.add((await ask(cluster, gateway, "/one/"))[0])

    assert 404 == before
    assert statuses <= {200}
