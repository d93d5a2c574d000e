"""The load generator against real servers."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from lab.load.__main__ import arguments, run
from lab.load.generator import Generator, now
from lab.load.schedule import Spacing, starts
from lab.load.tally import Tally


class Frontend:
    """Answers as the demo's frontend does; `stalled` until that event is set."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.status, self.nodejs = 200, 200
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.Response:
        await self.go_on.wait()
        body = {"message": "hello", "upstreams": {"nodejs": {"status": self.nodejs}}}
        return web.json_response(body, status=self.status, headers={"x-canario-nodejs": "v2"})


@pytest.fixture
async def frontend() -> AsyncIterator[Frontend]:
    frontend = Frontend()
    runner = web.ServerRunner(web.Server(frontend.handle), shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    frontend.url = "http://{}:{}/".format(*runner.addresses[0])
    yield frontend
    await runner.cleanup()


async def load(frontend: Frontend, tmp_path: Path, *more: str) -> dict[str, Any]:
    """The report of a load of 200 a second over 0.3 seconds."""
    report = tmp_path / "load.json"
    common = ["--url", frontend.url, "--rate", "200", "--spacing", "constant", "--seconds", "0.3"]
    await run(arguments([*common, "--report", str(report), *more]), asyncio.Event())
    found: dict[str, Any] = json.loads(report.read_text())
    return found


async def test_counts(frontend: Frontend, tmp_path: Path) -> None:
    """Every request is sent on schedule, and counted by the node that answered."""
    report = await load(frontend, tmp_path)

    assert 55 <= report["sent"] <= 61
    assert (0, 0) == (report["failed"], report["in_flight"])
    assert {"nodejs/v2": {"requests": report["sent"], "errors": 0}} == report["by_node"]


async def test_failures(frontend: Frontend, tmp_path: Path) -> None:
    """A 5xx is a failed request, and the node's error when the node's own answer was one."""
    frontend.status, frontend.nodejs = 502, 500
    report = await load(frontend, tmp_path)

    assert report["sent"] == report["failed"]
    assert {"nodejs/v2": {"requests": report["sent"], "errors": report["sent"]}} == report["by_node"]
    assert report["failures"][0]["what"] == "status 502: hello"


async def test_no_answer(tmp_path: Path) -> None:
    """Requests to a target that is not there fail, of an unknown node."""
    nobody = Frontend()
    nobody.url = "http://127.255.0.1:9/"
    report = await load(nobody, tmp_path)

    assert report["sent"] == report["failed"] == report["by_node"]["unknown"]["errors"]
    assert "no answer: ClientConnectorError" in report["failures"][0]["what"]


async def test_open_loop(frontend: Frontend, tmp_path: Path) -> None:
    """A stalled service is sent requests all the same; those over the limit are dropped, failed and told."""
    frontend.go_on.clear()
    report = await load(frontend, tmp_path, "--limit", "5", "--timeout", "0.5")

    assert report["sent"] >= 55
    assert report["dropped"] == report["sent"] - 5
    assert report["failed"] == report["sent"]
    assert "not sent: 5 requests in flight" in {failure["what"] for failure in report["failures"]}


async def test_latency_counts_from_the_schedule(frontend: Frontend) -> None:
    """A request that starts late has waited since its time came (no coordinated omission)."""
    tally = Tally(now())
    async with aiohttp.ClientSession() as session:
        generator = Generator(session, frontend.url, tally, limit=100, timeout=5)
        late = [-2.0 + start for start in next_starts(20)]
        await generator.send(late)
        await generator.finish()

    assert tally.report(None)["latency_ms"]["p50"] > 1900


def next_starts(count: int) -> list[float]:
    found = starts(1000, Spacing.CONSTANT, 1)
    return [next(found) for _ in range(count)]


async def test_sigterm(frontend: Frontend, tmp_path: Path) -> None:
    """On SIGTERM it waits for what is in flight, writes the whole report and exits 0."""
    report = tmp_path / "load.json"
    argv = [sys.executable, "-m", "lab.load", "--url", frontend.url, "--rate", "100", "--report", str(report)]
    frontend.go_on.clear()
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(10):
        while not report.exists() or json.loads(report.read_text())["sent"] < 10:
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    frontend.go_on.set()
    await process.communicate()
    found = json.loads(report.read_text())

    assert (0, 0, 0) == (process.returncode, found["in_flight"], found["failed"])
    assert found["ended"] is not None


@pytest.mark.parametrize(("option", "value"), [("--rate", "0"), ("--rate", "fast"), ("--url", "ftp://a/")])
def test_refused(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An option that is not allowed is refused by name, with its value."""
    options = {"--url": "http://a/", "--rate": "1", "--report": "r", option: value}
    with pytest.raises(SystemExit):
        arguments([part for pair in options.items() for part in pair])

    message = capsys.readouterr().err
    assert f"argument {option}: {value!r} is not allowed" in message
