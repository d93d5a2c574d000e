"""Probes: one attempt (HTTP, TCP, a command), and what a row of attempts says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace

import aiohttp

from lab import processes
from lab.cluster.kubelet.errors import ConfigError
from lab.cluster.objects import Obj, dig

Command = Callable[[list[str], float], Awaitable[tuple[int, str]]]  # argv, seconds → exit status, output

_AGENT = {"User-Agent": "kube-probe/1.36", "Accept": "*/*"}
_HELD_UP = 0.25  # of a probe's time-out: by how much later it is noticed when the kubelet itself had no time
_EAGER = 0.1  # seconds: how soon a container that was never ready is asked again, doubling up to its period
_SHOWN = 300  # characters of a probe's output in its event


@dataclass(frozen=True)
class Timing:
    """When to ask and what counts; seconds. Kubernetes' defaults."""

    initial_delay: float = 0.0
    period: float = 10.0
    timeout: float = 1.0
    successes: int = 1
    failures: int = 3

    @classmethod
    def of(cls, probe: Obj) -> Timing:
        return cls(
            float(probe.get("initialDelaySeconds") or 0),
            float(probe.get("periodSeconds") or 10),
            float(probe.get("timeoutSeconds") or 1),
            int(probe.get("successThreshold") or 1),
            int(probe.get("failureThreshold") or 3),
        )


@dataclass(frozen=True)
class Attempt:
    """The result of one attempt. A failure is no news when it is `early`, between the regular ones, or when the kubelet
    was `held_up`: on a busy machine the answer may have been there long before this process came to look.
    """

    passed: bool
    message: str
    early: bool = False
    held_up: bool = False


@dataclass(frozen=True)
class Tally:
    """Attempts in a row that agree."""

    successes: int = 0
    failures: int = 0

    def and_then(self, attempt: Attempt) -> Tally:
        if attempt.passed:
            return Tally(self.successes + 1, 0)
        return self if attempt.early or attempt.held_up else Tally(0, self.failures + 1)

    def verdict(self, timing: Timing) -> bool | None:
        """True or False once enough agree, None before."""
        if self.successes >= timing.successes:
            return True
        return False if self.failures >= timing.failures else None


async def attempts(
    timing: Timing, attempt: Callable[[float], Awaitable[Attempt]], *, eager: bool
) -> AsyncGenerator[Attempt, None]:
    """Ask without end, once a period; while `eager` and nothing has passed yet, more often."""
    gap = min(_EAGER, timing.period) if eager else timing.period
    await asyncio.sleep(timing.initial_delay)
    while True:
        result = await attempt(timing.timeout)
        if result.passed:
            gap = timing.period
        yield replace(result, early=gap < timing.period)
        await asyncio.sleep(gap)
        gap = min(timing.period, gap * 2)


class Prober:
    """Makes the attempts for one container: at `ip`, with the container's ports and commands."""

    def __init__(self, session: aiohttp.ClientSession, container: Obj, ip: str, command: Command) -> None:
        self._session = session
        self._container = container
        self._ip = ip
        self._command = command

    async def attempt(self, probe: Obj, timeout: float) -> Attempt:
        """One attempt of at most `timeout` seconds; it fails rather than raises."""
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            async with asyncio.timeout(timeout):
                return await self._ask(probe, timeout)
        except TimeoutError:
            return timed_out(timeout, clock() - started)
        except (aiohttp.ClientError, OSError, ConfigError, processes.StartError) as error:
            return Attempt(False, str(error) or repr(error))

    async def get(self, action: Obj) -> int:
        """Perform an httpGet action; the response's status."""
        url = self._url(action)
        headers = _AGENT | {h["name"]: h["value"] for h in action.get("httpHeaders") or []}
        async with self._session.get(url, headers=headers, allow_redirects=False, ssl=False) as response:
            return response.status

    async def _ask(self, probe: Obj, timeout: float) -> Attempt:
        if "httpGet" in probe:
            status = await self.get(probe["httpGet"])
            return Attempt(200 <= status < 400, f"HTTP probe failed with statuscode: {status}")
        if "tcpSocket" in probe:
            return await self._connect(probe["tcpSocket"])
        if "exec" in probe:
            status, output = await self._command(probe["exec"].get("command") or [], timeout)
            return Attempt(status == 0, output[:_SHOWN] or f"command ended with status {status}")
        kinds = ", ".join(k for k in probe if isinstance(probe[k], dict)) or "nothing"
        return Attempt(False, f"probe: {kinds} is not in the lab; allowed: httpGet, tcpSocket, exec")

    async def _connect(self, action: Obj) -> Attempt:
        _, writer = await asyncio.open_connection(action.get("host") or self._ip, port_number(self._container, action))
        writer.close()
        await writer.wait_closed()
        return Attempt(True, "")

    def _url(self, action: Obj) -> str:
        scheme = str(action.get("scheme") or "HTTP").lower()
        path = action.get("path") or "/"
        host = action.get("host") or self._ip
        return f"{scheme}://{host}:{port_number(self._container, action)}/{path.removeprefix('/')}"


def timed_out(timeout: float, took: float) -> Attempt:
    """An attempt whose time-out was noticed after `took` seconds."""
    held_up = took > timeout * (1 + _HELD_UP)
    noticed = f", noticed after {took:.1f} s: this machine is too busy to say" if held_up else ""
    return Attempt(False, f"timed out after {timeout:g} s{noticed}", held_up=held_up)


def port_number(container: Obj, action: Obj) -> int:
    """A probe's port: a number, or the name of one of the container's. Raises ConfigError."""
    port = action.get("port")
    if isinstance(port, int) or str(port).isdigit():
        return int(port)  # type: ignore[arg-type]
    for declared in dig(container, "ports", default=[]):
        if declared.get("name") == port:
            return int(declared["containerPort"])
    raise ConfigError(f"port: container {container['name']} has no port named {port!r}")
