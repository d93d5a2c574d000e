"""Sends requests on schedule and counts what became of them."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

import aiohttp

from lab.load import answer
from lab.load.tally import Outcome, Tally


def now() -> datetime:
    return datetime.now(UTC)


class Generator:
    """GETs `url`; at most `limit` requests at once, each given up after `timeout` seconds."""

    def __init__(self, session: aiohttp.ClientSession, url: str, tally: Tally, *, limit: int, timeout: float) -> None:
        self._session, self._url, self._tally = session, url, tally
        self._limit = limit
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._in_flight: set[asyncio.Task[None]] = set()

    async def send(self, starts: Iterable[float]) -> None:
        """Start a request at each of `starts` (seconds from now); cancel it to stop."""
        clock = asyncio.get_running_loop().time
        began = clock()
        for start in starts:
            await asyncio.sleep(max(0.0, began + start - clock()))
            self._begin(began + start)

    async def finish(self) -> None:
        """Wait for the answers to what was sent; the timeout bounds it."""
        await asyncio.gather(*self._in_flight)

    def _begin(self, scheduled: float) -> None:
        self._tally.begin()
        if len(self._in_flight) >= self._limit:
            self._tally.drop(now(), self._limit)
            return
        task = asyncio.create_task(self._request(scheduled))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _request(self, scheduled: float) -> None:
        failure, node, node_failed = None, answer.UNKNOWN, False
        try:
            async with self._session.get(self._url, timeout=self._timeout) as response:
                body = await response.read()
            node = answer.node(response.headers)
            failure = answer.failure(response.status, body)
            node_failed = answer.node_failed(response.status, body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failure, node_failed = f"no answer: {type(error).__name__} {error}".strip(), True
        latency = (asyncio.get_running_loop().time() - scheduled) * 1000
        self._tally.end(Outcome(now(), latency, failure, node, node_failed))
