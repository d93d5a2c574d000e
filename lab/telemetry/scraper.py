"""Reads every caller's counters."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import time
from typing import Any

import aiohttp

from canario.telemetry.counts import Reading
from canario.telemetry.ledger import Proxy
from lab.mesh import injection
from lab.mesh.istio import injection as istio
from lab.telemetry.reading import QUERY, parse

log = logging.getLogger(__name__)

_ADMIN_PORTS = {each.CONTAINER: each.ADMIN_PORT for each in (injection, istio)}  # by the container with the Envoy
_TIMEOUT = aiohttp.ClientTimeout(total=1)


@dataclass(frozen=True)
class Caller:
    """A pod with a sidecar that may have something to tell."""

    proxy: Proxy
    name: str
    ip: str
    terminating: bool
    port: int = injection.ADMIN_PORT  # of its Envoy's administration


def callers(pods: Iterable[Mapping[str, Any]]) -> list[Caller]:
    """The callers among these Pod objects: those that run, to the last moment."""
    return [
        Caller(
            Proxy(metadata["uid"], _epoch(metadata["creationTimestamp"])),
            f"{metadata['namespace']}/{metadata['name']}",
            pod["status"]["podIP"],
            "deletionTimestamp" in metadata,
            port,
        )
        for pod in pods
        if (port := _admin_port(pod)) and (metadata := pod["metadata"])
    ]


def _admin_port(pod: Mapping[str, Any]) -> int | None:
    """None for a pod that does not run, or has no sidecar."""
    status = pod.get("status", {})
    if status.get("phase") != "Running" or not status.get("podIP"):
        return None
    containers = (container["name"] for container in pod["spec"]["containers"])
    return next((_ADMIN_PORTS[name] for name in containers if name in _ADMIN_PORTS), None)


def _epoch(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


async def scrape(session: aiohttp.ClientSession, found: Iterable[Caller]) -> dict[Proxy, Reading]:
    """The readings of those that answer, all asked at once."""
    asked = list(found)
    readings = await asyncio.gather(*(_read(session, caller) for caller in asked))
    return {caller.proxy: reading for caller, reading in zip(asked, readings, strict=True) if reading}


async def _read(session: aiohttp.ClientSession, caller: Caller) -> Reading | None:
    url = f"http://{caller.ip}:{caller.port}/stats"
    try:
        async with session.get(url, params=QUERY, timeout=_TIMEOUT) as response:
            response.raise_for_status()
            return parse(await response.json(content_type=None), time())
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        if not caller.terminating:
            log.info("no counters of %s at %s: %s", caller.name, url, error or "no answer")
        return None
