"""Routers' matches and priorities, proved by where real Envoys send requests."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from canario.mesh.matches import Header, How, Match, Query, Range, Text
from canario.mesh.model import BackendGroup, Mesh, Ref, Route, Service, Target, ToNode
from tests.lab.mesh.support import CALLER, HOST, NAMESPACE, PORT, V1, V2, Cluster, Pod, mesh, saying, serving

URL = f"http://{HOST}:{PORT}"
TO_V1, TO_V2 = (Target(V1, 1),), (Target(V2, 1),)


def routed(*routes: Route) -> Mesh:
    """The mesh whose router has these routes."""
    plain = mesh(1, 0)
    return replace(plain, routers=(replace(plain.routers[0], routes=routes),))


@pytest.fixture
async def caller(cluster: Cluster) -> Pod:
    """A caller beside a pod each of v1 and v2; the latter need no sidecars, for it is the caller that routes."""
    return cluster.pod(CALLER)


async def backends(cluster: Cluster, stack: AsyncExitStack) -> None:
    for node, text in ((V1, "v1"), (V2, "v2")):
        pod = cluster.pod(node)
        await stack.enter_async_context(serving((pod.place.pod_ip, PORT), saying(text)))


async def test_matches(cluster: Cluster, caller: Pod) -> None:
    """Each kind of match takes the requests that it describes, and leaves the others to the routes after it."""
    to_v2 = {
        "exact header": Match(headers=(Header("x-user", Text(How.EXACT, "ana")),)),
        "header's prefix": Match(headers=(Header("x-user", Text(How.PREFIX, "b")),)),
        "header's suffix": Match(headers=(Header("x-user", Text(How.SUFFIX, "z")),)),
        "header's pattern": Match(headers=(Header("x-user", Text(How.REGEX, "c[0-9]+")),)),
        "header's range": Match(headers=(Header("x-age", Range(10, 20)),)),
        "header is there": Match(headers=(Header("x-beta"),)),
        "header inverted": Match(headers=(Header("x-not", Text(How.EXACT, "1"), invert=True), Header("x-not"))),
        "exact path": Match(prefix=None, path=Text(How.EXACT, "/exact")),
        "path's pattern": Match(prefix=None, path=Text(How.REGEX, "/r/[a-z]+")),
        "query": Match(query=(Query("v", "2"),)),
        "query is there": Match(query=(Query("beta"),)),
        "method": Match(method="PUT"),
        "scheme": Match(prefix="/scheme", scheme="http"),
        "all of them": Match("/both", method="GET", headers=(Header("x-both", Text(How.EXACT, "1")),)),
    }
    routes = [Route(name.replace(" ", "-"), TO_V2, match, index) for index, (name, match) in enumerate(to_v2.items())]
    cluster.mesh = routed(*routes, Route("rest", TO_V1))
    async with AsyncExitStack() as stack:
        await backends(cluster, stack)
        await cluster.start_ready(caller)

        async def where(path: str = "/", method: str = "GET", **headers: str) -> str:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            return (await cluster.get(caller, URL + path, method=method, headers=sent))[1]

        taken = {
            "exact header": await where(x_user="ana"),
            "header's prefix": await where(x_user="bia"),
            "header's suffix": await where(x_user="luiz"),
            "header's pattern": await where(x_user="c17"),
            "header's range": await where(x_age="10"),
            "header is there": await where(x_beta=""),
            "header inverted": await where(x_not="2"),
            "exact path": await where("/exact"),
            "path's pattern": await where("/r/abc"),
            "query": await where("/?v=2"),
            "query is there": await where("/?beta=7"),
            "method": await where(method="PUT"),
            "scheme": await where("/scheme"),
            "all of them": await where("/both", x_both="1"),
        }
        left = {
            "no header": await where(),
            "another header": await where(x_user="ane"),
            "half a pattern": await where(x_user="c17x"),
            "end of the range": await where(x_age="20"),
            "inverted": await where(x_not="1"),
            "longer path": await where("/exact/more"),
            "half a path": await where("/r/abc/d"),
            "another query": await where("/?v=3"),
            "another method": await where(method="POST"),
            "one of two": await where("/both"),
        }

    assert dict.fromkeys(to_v2, "v2") == taken
    assert dict.fromkeys(left, "v1") == left


async def test_priorities(cluster: Cluster, caller: Pod) -> None:
    """The lowest priority wins over a longer prefix; without priorities the longer prefix wins."""
    short, long = Route("short", TO_V1, Match("/a")), Route("long", TO_V2, Match("/a/b"))
    async with AsyncExitStack() as stack:
        await backends(cluster, stack)
        cluster.mesh = routed(short, long)
        await cluster.start_ready(caller)
        by_length = (await cluster.get(caller, f"{URL}/a/b"))[1]
        cluster.reconfigure(routed(replace(short, priority=1, name="first"), replace(long, priority=2)))
        await cluster.effective(caller, "first", "long")
        by_priority = (await cluster.get(caller, f"{URL}/a/b"))[1]
        status, text, _ = await cluster.get(caller, f"{URL}/elsewhere")

    assert ("v2", "v1") == (by_length, by_priority)
    assert (404, "service shop/nodejs has no route for this request\n") == (status, text)


async def test_backends(cluster: Cluster, caller: Pod) -> None:
    """A node that names its backends reaches those, those of its groups, and no others; one that names none, all."""
    services = {name: Service(Ref(NAMESPACE, name), f"{name}.local", ToNode(V1)) for name in ("a", "b", "c")}
    group = BackendGroup(Ref(NAMESPACE, "group"), (services["b"].ref,))
    plain = replace(mesh(1, 0), services=tuple(services.values()), groups=(group,))
    frontend, *others = plain.nodes

    def calling(*calls: Ref, groups: tuple[Ref, ...] = ()) -> Mesh:
        return replace(plain, nodes=(replace(frontend, calls=calls, groups=groups), *others))

    async def answers() -> list[int]:
        return [(await cluster.get(caller, f"http://{name}.local/"))[0] for name in services]

    async with AsyncExitStack() as stack:
        await backends(cluster, stack)
        cluster.mesh = calling()
        await cluster.start_ready(caller)
        all_of_them = await answers()
        cluster.reconfigure(calling(services["a"].ref, groups=(group.ref,)))
        await cluster.effective(caller, "to-nodejs-app", "to-nodejs-app")
        named = await answers()
        _, refusal, _ = await cluster.get(caller, "http://c.local/")
        cluster.reconfigure(calling(groups=(Ref(NAMESPACE, "*"),)))
        await cluster.effective(caller, *["to-nodejs-app"] * 3)
        everything = await answers()

    assert ([200] * 3, [200, 200, 404], [200] * 3) == (all_of_them, named, everything)
    assert f"service {NAMESPACE}/c is not among the backends of node {CALLER}\n" == refusal
