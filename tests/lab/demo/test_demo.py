"""The demo service as docs/contracts.md promises it, over real connections."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from apps.demo import demo
from lab.net import free_port

HOST = "127.0.0.1"


@asynccontextmanager
async def serving(config: demo.Settings) -> AsyncIterator[str]:
    """The service with these settings: its URL."""
    told, port = asyncio.Event(), free_port()
    task = asyncio.create_task(demo.serve(replace(config, host=HOST, port=port), told, demo.Draining(quiet=0)))
    await _until_listening(port)
    try:
        yield f"http://{HOST}:{port}/"
    finally:
        told.set()
        await task


async def _until_listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def get(session: aiohttp.ClientSession, url: str, **headers: str):
    async with session.get(url, headers=headers) as response:
        return response.status, response.headers, json.loads(await response.read())


async def test_leaf(session: aiohttp.ClientSession) -> None:
    """A leaf says which service, version and node answered."""
    async with serving(demo.Settings("nodejs", "v1", node="pod-1")) as url:
        status, headers, body = await get(session, url)

    assert (200, "nodejs/v1") == (status, headers["x-canario-version"])
    assert ("nodejs", "v1", "pod-1", {}) == (body["service"], body["version"], body["node"], body["upstreams"])


async def test_canary_says_so(session: aiohttp.ClientSession) -> None:
    """Version 2 says Canary."""
    async with serving(demo.Settings("nodejs", "v2")) as url:
        _, _, body = await get(session, url)

    assert "Canary" in body["message"]


async def test_health_has_a_port_of_its_own(session: aiohttp.ClientSession) -> None:
    """Where HEALTH_PORT says so, probes are answered beside the service's own port."""
    port = free_port()
    config = demo.settings({"SERVICE": "nodejs", "POD_IP": "127.0.0.2", "HEALTH_PORT": str(port)})
    async with serving(config):
        status, _, body = await get(session, f"http://127.0.0.2:{port}/health")

    assert (200, {"status": "ok"}) == (status, body)


async def test_health_never_fails_on_purpose(session: aiohttp.ClientSession) -> None:
    """At an error rate of 1 every answer is a 500, but /health."""
    async with serving(demo.Settings("nodejs", error_rate=1.0)) as url:
        statuses = [(await get(session, url))[0], (await get(session, f"{url}health"))[0]]

    assert [500, 200] == statuses


async def test_errors_are_drawn_for_each_request(session: aiohttp.ClientSession) -> None:
    """An error rate holds for each request on its own, and a seed repeats the draws."""
    runs = []
    for _ in range(2):
        async with serving(demo.Settings("nodejs", error_rate=0.3, seed="7")) as url:
            runs.append([(await get(session, url))[0] for _ in range(200)])

    assert runs[0] == runs[1]
    assert 30 <= runs[0].count(500) <= 90


async def test_other_troubles(session: aiohttp.ClientSession) -> None:
    """It says nothing with a 200, never answers, or leaves memory behind, each as the environment asks."""
    async with serving(demo.Settings("nodejs", empty_rate=1.0, leak=1024)) as url, session.get(url) as empty:
        assert (200, b"") == (empty.status, await empty.read())
    async with serving(demo.Settings("nodejs", hang_rate=1.0)) as url:
        with pytest.raises(TimeoutError):
            async with session.get(url, timeout=aiohttp.ClientTimeout(total=0.2)):
                pass


def test_dies_of_its_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """At its limit it ends as a container does that the kernel kills: at once, with 137."""
    ends: list[int] = []
    monkeypatch.setattr(demo.os, "_exit", ends.append)
    service = demo.Demo(demo.Settings("nodejs", leak=1024, memory_limit=3000), lambda: 0.0, demo.Draining())
    for _ in range(3):
        service._leak()

    assert [137] == ends


async def test_degrades_later(session: aiohttp.ClientSession) -> None:
    """With DEGRADE_AFTER_S the service is good until then."""
    async with serving(demo.Settings("nodejs", error_rate=1.0, degrade_after=0.2)) as url:
        before = (await get(session, url))[0]
        async with asyncio.timeout(30):
            while (await get(session, url))[0] != 500:
                await asyncio.sleep(0.02)

    assert before == 200


@asynccontextmanager
async def application(**nodejs: object) -> AsyncIterator[tuple[str, str]]:
    """A frontend in front of nodejs (v2, with these settings) and crystal: the URLs of frontend and nodejs."""
    async with AsyncExitStack() as stack:
        leaf = await stack.enter_async_context(serving(demo.Settings("nodejs", "v2", **nodejs)))
        other = await stack.enter_async_context(serving(demo.Settings("crystal")))
        config = demo.Settings("frontend", upstreams=(("nodejs", leaf), ("crystal", other)), upstream_timeout=0.3)
        yield await stack.enter_async_context(serving(config)), leaf


async def test_frontend(session: aiohttp.ClientSession) -> None:
    """The frontend tells what each upstream answered, and the version of nodejs in a header."""
    async with application() as (url, _):
        status, headers, body = await get(session, url)

    assert (200, "v2") == (status, headers["x-canario-nodejs"])
    assert [(200, "v2"), (200, "v1")] == [(up["status"], up["version"]) for up in body["upstreams"].values()]


async def test_failing_upstream(session: aiohttp.ClientSession) -> None:
    """An upstream that answers 500 makes the frontend answer 502; the header still names the version."""
    async with application(error_rate=1.0) as (url, _):
        status, headers, body = await get(session, url)

    assert (502, "v2") == (status, headers["x-canario-nodejs"])
    assert body["message"] == "nodejs answered 500"


async def test_silent_upstream(session: aiohttp.ClientSession) -> None:
    """An upstream that does not answer in time makes the frontend answer 502, without a version."""
    async with application(slow=1.0) as (url, _):
        status, headers, body = await get(session, url)

    assert status == 502
    assert "x-canario-nodejs" not in headers
    assert body["message"] == "nodejs did not answer"


async def test_traces_are_handed_on(session: aiohttp.ClientSession) -> None:
    """The frontend gives its upstreams the trace that it was given, and no other of its headers."""
    seen: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(answer, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        config = demo.Settings("frontend", upstreams=(("nodejs", f"http://{HOST}:{port}/"),))
        async with serving(config) as url:
            await get(session, url, **{"X-Amzn-Trace-Id": "Root=1-2-3;Parent=4;Sampled=1", "X-Other": "mine"})

    assert ["x-amzn-trace-id: root=1-2-3;parent=4;sampled=1"] == [
        line for line in seen[0].splitlines() if line.startswith("x-")
    ]


async def test_one_write() -> None:
    """Headers and body of an answer come in one piece: two would cost 40 ms behind Envoy."""
    async with serving(demo.Settings("nodejs")) as url:
        reader, writer = await asyncio.open_connection(HOST, int(url.rstrip("/").rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        first = await reader.read(65536)
        writer.close()

    assert first.endswith(b'"upstreams": {}}')


async def test_sigterm(session: aiohttp.ClientSession) -> None:
    """After SIGTERM it serves on with `Connection: close`, and exits 0 when a second has brought no request."""
    port = free_port()
    environment = {**os.environ, "SERVICE": "nodejs", "HOST": HOST, "PORT": str(port)}
    program = Path(demo.__file__)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    await process.stdout.readline()
    status, headers, _ = await get(session, f"http://{HOST}:{port}/")
    await process.communicate()

    assert (200, "close", 0) == (status, headers["connection"], process.returncode)
