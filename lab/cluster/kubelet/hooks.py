"""Lifecycle hooks: exec, httpGet, sleep."""

from __future__ import annotations

import asyncio

import aiohttp

from lab import processes
from lab.cluster.kubelet.errors import ConfigError
from lab.cluster.kubelet.probes import Command, Prober
from lab.cluster.objects import Obj


async def perform(hook: Obj, *, prober: Prober, command: Command, timeout: float) -> str:
    """Perform a postStart or preStop hook; empty when it succeeded, else why it did not. Never raises."""
    try:
        async with asyncio.timeout(timeout):
            return await _perform(hook, prober, command, timeout)
    except TimeoutError:
        return f"not done after {timeout:g} s"
    except (aiohttp.ClientError, OSError, ConfigError, processes.StartError) as error:
        return str(error) or repr(error)


async def _perform(hook: Obj, prober: Prober, command: Command, timeout: float) -> str:
    if "sleep" in hook:
        await asyncio.sleep(float(hook["sleep"]["seconds"]))
        return ""
    if "httpGet" in hook:
        status = await prober.get(hook["httpGet"])
        return "" if status < 400 else f"HTTP status {status}"
    if "exec" in hook:
        status, output = await command(hook["exec"].get("command") or [], timeout)
        return "" if status == 0 else f"command ended with status {status}: {output}"
    return f"{', '.join(hook) or 'nothing'} is not in the lab; allowed: exec, httpGet, sleep"
