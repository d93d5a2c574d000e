"""Asks Istio's proxies what they have counted: `/stats/prometheus`, read by Prometheus' own parser."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from time import time

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from canario.telemetry.istio import BUCKET, REQUESTS, UPTIME, Callees, Caller, reading
from canario.telemetry.ledger import Proxy, Reading

log = logging.getLogger(__name__)

_TIMEOUT = aiohttp.ClientTimeout(total=3)
_AT_ONCE = 50


def samples(text: str) -> Iterator[Sample]:
    """The samples that a reading is made of; the many others are not parsed. Raises ValueError."""
    wanted = [line for line in text.splitlines() if line.startswith((REQUESTS, BUCKET, UPTIME))]
    for family in text_string_to_metric_families("\n".join(wanted) + "\n"):
        yield from family.samples


class Proxies:
    """Readings over HTTP, at the pods' own addresses."""

    def __init__(self, session: aiohttp.ClientSession, port: int, clock: Callable[[], float] = time) -> None:
        self._session, self._port, self._clock = session, port, clock
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def read(self, callers: Iterable[Caller], callees: Callees) -> dict[Proxy, Reading]:
        """The readings of those that answer."""
        asked = list(callers)
        answers = await asyncio.gather(*(self._read(caller, callees) for caller in asked))
        return {caller.proxy: each for caller, each in zip(asked, answers, strict=True) if each}

    async def _read(self, caller: Caller, callees: Callees) -> Reading | None:
        url = f"http://{caller.ip}:{self._port}/stats/prometheus"
        try:
            async with self._places, self._session.get(url, timeout=_TIMEOUT) as response:
                response.raise_for_status()
                now = self._clock()
                return reading(samples(await response.text()), callees, caller.namespace, now)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            if not caller.terminating:
                fields = {"namespace": caller.namespace, "pod": caller.name, "url": url}
                log.warning("a proxy tells nothing", extra={**fields, "error": str(error) or "no answer in time"})
            return None
