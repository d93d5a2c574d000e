"""The workshop's demo service: one program, told by its environment which of the services it is.

`frontend` calls its upstreams concurrently and reports what each answered; `nodejs` and `crystal` are
leaves. The contract (environment, bodies, headers, SIGTERM) is in docs/contracts.md, "The demo service".
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

SERVICES = ("frontend", "nodejs", "crystal")
TRACE_HEADERS = ("x-amzn-trace-id", "x-request-id")  # handed on, so that a trace has edges
IDLE_SECONDS = 4000.0  # above Envoy's own idle time of an hour: the caller closes idle connections, never we


class SettingsError(Exception):
    """A variable of the environment is not allowed; the text names it, its value and what is allowed."""


@dataclass(frozen=True)
class Settings:
    """What the environment says. Times are in seconds, rates from 0 to 1."""

    service: str
    version: str = "v1"
    node: str = "unknown"
    host: str = "0.0.0.0"  # noqa: S104  a container has no other address to name
    port: int = 3000
    health_host: str = "0.0.0.0"  # noqa: S104
    health_port: int | None = None  # answers probes only, beside whatever proxy is in front of `port`
    upstreams: tuple[tuple[str, str], ...] = ()
    error_rate: float = 0.0
    empty_rate: float = 0.0
    hang_rate: float = 0.0
    slow: float = 0.0
    leak: int = 0  # bytes that every request leaves behind
    memory_limit: float = float("inf")  # bytes of them at which it dies, as a container does at its limit
    degrade_after: float = 0.0
    upstream_timeout: float = 20.0  # above the 15 s after which a proxy gives up: it is to count the failure
    seed: str | None = None  # None: other failures in every process


def settings(environment: Mapping[str, str]) -> Settings:
    """Read the environment. Raises SettingsError."""
    return Settings(
        service=_one_of(environment, "SERVICE", SERVICES),
        version=environment.get("VERSION", "v1"),
        node=environment.get("HOSTNAME", "unknown"),
        host=environment.get("HOST") or Settings.host,
        port=int(_number(environment, "PORT", 3000, 0, 65535)),
        health_host=environment.get("POD_IP") or environment.get("HOST") or Settings.health_host,
        health_port=int(_number(environment, "HEALTH_PORT", 0, 0, 65535)) or None,
        upstreams=_upstreams(environment.get("UPSTREAMS", "")),
        error_rate=_number(environment, "ERROR_RATE", 0, 0, 1),
        empty_rate=_number(environment, "EMPTY_RATE", 0, 0, 1),
        hang_rate=_number(environment, "HANG_RATE", 0, 0, 1),
        slow=_number(environment, "SLOW_MS", 0, 0, 600_000) / 1000,
        leak=int(_number(environment, "LEAK_KB", 0, 0, 1e6) * 1024),
        memory_limit=_number(environment, "MEMORY_LIMIT_MB", 0, 0, 1e6) * 1024**2 or Settings.memory_limit,
        degrade_after=_number(environment, "DEGRADE_AFTER_S", 0, 0, 1e9),
        upstream_timeout=_number(environment, "UPSTREAM_TIMEOUT_MS", 20_000, 1, 600_000) / 1000,
        seed=environment.get("ERROR_SEED"),
    )


def _one_of(environment: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = environment.get(name, "")
    if value not in allowed:
        raise SettingsError(f"{name}: {value!r} is not allowed; allowed: {', '.join(allowed)}")
    return value


def _number(environment: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    text = environment.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise SettingsError(f"{name}: {text!r} is not allowed; allowed: {low:g} to {high:g}")
    return value


def _upstreams(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    for name, _, url in pairs:
        if not name or urlsplit(url).scheme != "http" or not urlsplit(url).hostname:
            raise SettingsError(
                f"UPSTREAMS: {name + '=' + url!r} is not allowed; allowed: name=http://host:port/, by commas"
            )
    return tuple((name, url) for name, _, url in pairs)


@dataclass
class Draining:
    """When a process that was told to end may do so. `now` is any clock in seconds that never goes back.

    After `begin` it ends once no request has come for `quiet` seconds and none is in flight; after `limit`
    seconds in any case.
    """

    quiet: float = 1.0
    limit: float = 10.0
    since: float | None = None
    last_request: float = float("-inf")
    in_flight: int = 0

    def begin(self, now: float) -> None:
        self.since = now if self.since is None else self.since

    def arrived(self, now: float) -> None:
        self.last_request = now
        self.in_flight += 1

    def answered(self) -> None:
        self.in_flight -= 1

    def ends_at(self) -> float:
        """When it ends if nothing more happens; infinity while nobody asked for the end."""
        if self.since is None:
            return float("inf")
        end = self.since + self.limit
        return end if self.in_flight else min(end, max(self.since, self.last_request) + self.quiet)


@dataclass(frozen=True)
class Upstream:
    """One service that the frontend calls, through `proxy` when the environment names one."""

    name: str
    url: str
    proxy: str | None


def upstreams(pairs: tuple[tuple[str, str], ...]) -> tuple[Upstream, ...]:
    """Resolve `http_proxy` and `no_proxy` once: aiohttp's `trust_env` would do it again for every request."""
    proxy = urllib.request.getproxies().get("http")
    bypass = urllib.request.proxy_bypass
    return tuple(Upstream(name, url, None if bypass(urlsplit(url).netloc) else proxy) for name, url in pairs)


class Demo:
    """The request handler. `clock` is a monotonic time in seconds."""

    def __init__(self, config: Settings, clock: Callable[[], float], draining: Draining) -> None:
        self.config, self.clock, self.draining = config, clock, draining
        self.changed = asyncio.Event()
        self.upstreams = upstreams(config.upstreams)
        self.session: aiohttp.ClientSession | None = None
        self._chance = random.Random(config.seed)  # noqa: S311
        self._leaked: list[bytes] = []
        self._started = clock()
        self._headers = {"x-canario-version": f"{config.service}/{config.version}"}
        self._good = json.dumps(self._body(self._greeting, {})).encode()
        self._bad = json.dumps(self._body(f"{self._greeting}, which fails on purpose", {})).encode()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/health":  # a probe is no request that draining waits for
            return self._response(200, b'{"status": "ok"}')
        self.draining.arrived(self.clock())
        try:
            return await self._answer(request)
        finally:
            self.draining.answered()
            self.changed.set()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return self._response(405, b'{"message": "GET only"}', {"allow": "GET, HEAD"})
        trouble = await self._degrade()
        if trouble:
            return trouble
        if not self.upstreams:
            return self._response(200, self._good)
        answers = dict(zip((u.name for u in self.upstreams), await self._call(request), strict=True))
        complaint = _complaint(answers)
        body = json.dumps(self._body(complaint or self._greeting, answers)).encode()
        return self._response(502 if complaint else 200, body, _nodejs_header(answers))

    async def _degrade(self) -> web.Response | None:
        """Leak, be slow, and draw whether to hang, fail or say nothing, when the environment asks for it by now."""
        config = self.config
        if self.clock() - self._started < config.degrade_after:
            return None
        self._leak()
        if config.slow:
            await asyncio.sleep(config.slow)
        if self._draw(config.hang_rate):
            await asyncio.Event().wait()  # until the caller goes away
        if self._draw(config.error_rate):
            return self._response(500, self._bad)
        return self._response(200, b"") if self._draw(config.empty_rate) else None

    def _draw(self, rate: float) -> bool:
        return bool(rate) and self._chance.random() < rate

    def _leak(self) -> None:
        if not self.config.leak:
            return
        self._leaked.append(random.randbytes(self.config.leak))  # noqa: S311  pages that are really written
        if len(self._leaked) * self.config.leak > self.config.memory_limit:
            print("out of memory", file=sys.stderr, flush=True)  # noqa: T201
            os._exit(137)  # no answer, no clean-up: what the kernel does to a container at its limit

    async def _call(self, request: web.BaseRequest) -> list[dict[str, Any]]:
        headers = {name: request.headers[name] for name in TRACE_HEADERS if name in request.headers}
        return await asyncio.gather(*(self._ask(upstream, headers) for upstream in self.upstreams))

    async def _ask(self, upstream: Upstream, headers: dict[str, str]) -> dict[str, Any]:
        assert self.session is not None  # noqa: S101
        try:
            async with self.session.get(upstream.url, headers=headers, proxy=upstream.proxy) as response:
                return _answer_of(response, await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return {"status": None, "version": None, "message": f"{type(error).__name__}: {error}"[:200]}

    @property
    def _greeting(self) -> str:
        who = f"{self.config.service} {self.config.version}"
        return f"Canary! Hello from {who}" if self.config.version == "v2" else f"Hello from {who}"

    def _body(self, message: str, answers: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "service": self.config.service,
            "version": self.config.version,
            "node": self.config.node,
            "message": message,
            "upstreams": answers,
        }

    def _response(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> web.Response:
        # Headers and a body given at once leave in one write: two would cost 40 ms behind Envoy (Nagle).
        response = web.Response(
            status=status,
            body=body,
            headers=self._headers if headers is None else {**self._headers, **headers},
            content_type="application/json",
        )
        if self.draining.since is not None:
            response.force_close()
        return response


def _answer_of(response: aiohttp.ClientResponse, body: bytes) -> dict[str, Any]:
    version = response.headers.get("x-canario-version", "").partition("/")[2] or None
    answer: dict[str, Any] = {"status": response.status, "version": version}
    if version is None:  # not the demo's answer but a proxy's own words
        return {**answer, "message": body[:200].decode(errors="replace")}
    said = json.loads(body)
    return {**answer, "node": said["node"], "message": said["message"]}


def _complaint(answers: Mapping[str, Mapping[str, Any]]) -> str:
    """Which upstreams did not answer below 500, in words; empty when all did."""
    said = {name: answer["status"] for name, answer in answers.items()}
    return ", ".join(
        f"{name} did not answer" if status is None else f"{name} answered {status}"
        for name, status in said.items()
        if status is None or status >= 500
    )


def _nodejs_header(answers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    version = answers.get("nodejs", {}).get("version")
    return {"x-canario-nodejs": version} if version else {}


async def drained(demo: Demo) -> None:
    """Return when the process may end."""
    while (wait := demo.draining.ends_at() - demo.clock()) > 0:
        demo.changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await demo.changed.wait()


async def serve(config: Settings, told: asyncio.Event, draining: Draining | None = None) -> None:
    """Serve until `told`, then until drained."""
    loop = asyncio.get_running_loop()
    demo = Demo(config, loop.time, draining or Draining())
    timeout = aiohttp.ClientTimeout(total=config.upstream_timeout)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=timeout, auto_decompress=False
    ) as demo.session:
        runner = web.ServerRunner(
            web.Server(demo.handle, access_log=None, keepalive_timeout=IDLE_SECONDS), shutdown_timeout=1.0
        )
        await runner.setup()
        await web.TCPSite(runner, config.host, config.port, backlog=1024).start()
        if config.health_port:
            await web.TCPSite(runner, config.health_host, config.health_port).start()
        print(f"{config.service} {config.version} serves at {_address(runner)}", flush=True)  # noqa: T201
        await told.wait()
        print("told to end; serving until it is quiet", flush=True)  # noqa: T201
        demo.draining.begin(loop.time())
        await drained(demo)
        await runner.cleanup()


def _address(runner: web.ServerRunner) -> str:
    return ", ".join(f"{host}:{port}" for host, port in runner.addresses)


async def main() -> None:
    told = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, told.set)
    await serve(settings(os.environ), told)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (SettingsError, OSError) as error:
        sys.exit(f"demo: {error}")
