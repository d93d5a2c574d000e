import asyncio
import json
import ssl
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest
import trustme

from lab import processes
from tests.lab.vpc.conftest import ELB, Running

NAME = "nodejs.appmeshworkshop.hosted.local"


@pytest.fixture
def balanced(vpc: Running, pods: list[str]) -> str:
    """A load balancer in front of both pods, named by Route 53: its address."""
    ip = vpc.block.load_balancer(1)
    vpc.source.records[NAME] = (ELB,)
    vpc.service("nodejs-app-service", 3000, ip, pods)
    return ip


async def test_load_balancer_listens(vpc: Running, balanced: str) -> None:
    """A LoadBalancer Service answers at its ingress address and port, from its ready pods in turn."""
    await vpc.until(f"http://{balanced}:3000/", 200, direct=True)
    bodies = [json.loads((await vpc.get(f"http://{balanced}:3000/", direct=True))[2]) for _ in range(4)]

    assert {"pod-v1", "pod-v2"} == {body["node"] for body in bodies}


@pytest.mark.parametrize(
    "host",
    [NAME, NAME.upper(), ELB, "nodejs-app-service.ns.svc.cluster.local", "nodejs-app-service.ns.svc"],
)
async def test_names(vpc: Running, balanced: str, host: str) -> None:
    """The proxy reaches a Service by its Route 53, load balancer and cluster names, in any case."""
    _, body = await vpc.until(f"http://{host}:3000/", 200)

    assert json.loads(body)["service"] == "nodejs"


async def test_transparent(vpc: Running, balanced: str) -> None:
    """Answers through the VPC look like the service's own: no header of Envoy's."""
    headers, _ = await vpc.until(f"http://{NAME}:3000/", 200)

    assert "aiohttp" in headers["server"]
    assert [name for name in headers if name.startswith("x-envoy")] == []


async def test_pod_address(vpc: Running, pods: list[str]) -> None:
    """An address of the block goes to that pod, whatever Services there are."""
    _, body = await vpc.until(f"http://{pods[1]}:3000/", 200)

    assert json.loads(body)["node"] == "pod-v2"


async def test_address_records(vpc: Running, balanced: str, pods: list[str]) -> None:
    """A record of pod addresses reaches these pods, at any port that a Service has."""
    vpc.source.records["nodejs.appmesh.pvt.local"] = tuple(pods)
    vpc.changed.set()
    _, body = await vpc.until("http://nodejs.appmesh.pvt.local:3000/", 200)

    assert json.loads(body)["service"] == "nodejs"


async def test_unknown_name(vpc: Running, balanced: str) -> None:
    """A name that nobody knows is refused in one line that says where it was looked for."""
    await vpc.until(f"http://{NAME}:3000/", 200)
    status, _, body = await vpc.get("http://nowhere.example:3000/")

    assert status == 502
    assert body == (
        "lab VPC: no way to nowhere.example:3000: not among 1 records of Route 53's private zones, "
        "1 load balancers, 1 Kubernetes services and their ports\n"
    )


async def test_dangling_record(vpc: Running, balanced: str) -> None:
    """A record that leads to no load balancer is refused with the chain that was followed."""
    vpc.source.records["old.local"] = ("gone.elb.amazonaws.com",)
    vpc.changed.set()
    said = "old.local -> gone.elb.amazonaws.com: there is no host gone.elb.amazonaws.com"
    _, body = await vpc.until("http://old.local:3000/", 502, said=said)

    assert body == f"lab VPC: no way to old.local:3000: {said}\n"


async def test_no_endpoints(vpc: Running, balanced: str) -> None:
    """A load balancer without ready pods answers 503, and serves again when one is ready."""
    await vpc.until(f"http://{NAME}:3000/", 200)
    vpc.service("nodejs-app-service", 3000, balanced, [])
    await vpc.until(f"http://{NAME}:3000/", 503)
    vpc.service("nodejs-app-service", 3000, balanced, [vpc.block.pod(1)])
    await vpc.until(f"http://{NAME}:3000/", 200)


async def test_dead_pod_costs_no_request(vpc: Running, balanced: str, pods: list[str]) -> None:
    """A pod that takes no connection is passed over: every request is answered by the other ones."""
    vpc.service("nodejs-app-service", 3000, balanced, [*pods, vpc.block.pod(3)])
    await vpc.until(f"http://{NAME}:3000/", 200)
    statuses = [(await vpc.get(f"http://{NAME}:3000/"))[0] for _ in range(12)]

    assert statuses == [200] * 12


async def test_in_force_soon(vpc: Running, balanced: str, pods: list[str]) -> None:
    """A change of endpoints is in force within half a second, and the old pod gets no request after it."""
    vpc.service("nodejs-app-service", 3000, balanced, pods[:1])
    await vpc.until(f"http://{NAME}:3000/", 200)
    began = monotonic()
    vpc.service("nodejs-app-service", 3000, balanced, pods[1:])
    while json.loads((await vpc.get(f"http://{NAME}:3000/"))[2])["version"] != "v2":
        assert monotonic() - began < 0.5
    versions = {json.loads((await vpc.get(f"http://{NAME}:3000/"))[2])["version"] for _ in range(6)}

    assert {"v2"} == versions


async def test_envoy_comes_back(vpc: Running, balanced: str, tmp_path: Path) -> None:
    """An Envoy that is killed is started again and knows everything."""
    await vpc.until(f"http://{NAME}:3000/", 200)
    record = processes.Record.read(tmp_path / "run" / "vpc-envoy.json")
    assert record is not None
    processes.send(record.pid, 9)
    await processes.ended(record.pid)

    await vpc.until(f"http://{NAME}:3000/", 200)


async def test_tls_passes_through(vpc: Running) -> None:
    """What speaks TLS to a load balancer meets the pod's own certificate; plaintext goes there as before."""
    authority, pod, ip = trustme.CA(), vpc.block.pod(3), vpc.block.load_balancer(2)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("pod.example").configure_cert(context)

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, pod, 3000, ssl=context):
        vpc.service("secret", 3000, ip, [pod])
        client = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        async with asyncio.timeout(30):
            said = b""
            while not said:
                with suppress(ConnectionError):
                    reader, writer = await asyncio.open_connection(ip, 3000, ssl=client, server_hostname="pod.example")
                    said = await reader.read()
                    writer.close()

    assert b"hello" == said
