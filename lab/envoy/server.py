"""Serves the files of one Envoy's directory to that Envoy, by REST over a Unix socket beside them.

A question waits until there is something new to say, so that a change is in force some milliseconds after the
doorbell rang, and nothing happens while nothing changes. Only this user can open the socket: keys go through it.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
from aiohttp import web

from lab.envoy import doorbell, offers, refusals
from lab.envoy.admin import Admin
from lab.envoy.delivery import Delivery, Name, Offer
from lab.envoy.resources import CONFIG_SERVER_SOCKET, LONGEST_POLL_SECONDS, Address

# Less than Envoy waits, so that no answer is lost between the two.
_HOLD_SECONDS = LONGEST_POLL_SECONDS - 20
_SECRETS_SECONDS = 0.5
_REMIND_SECONDS = 10.0

_log = logging.getLogger(__name__)


class Server:
    """Serves while in `running`. `admin`: where Envoy tells why it refused something."""

    def __init__(self, directory: Path, admin: Address) -> None:
        self._directory = directory
        self._admin = admin
        self._refused: Mapping[Name, str] = {}
        self._refusing = asyncio.Event()
        self._delivery = Delivery()
        self._changed = asyncio.Event()
        self._configured = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The directory must be there."""
        application = web.Application()
        application.router.add_post("/v3/discovery:{kind}", self._answer)
        # A question whose Envoy has gone must not be answered: the answer would count as refused.
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0)
        await runner.setup()
        listener = _listen(self._directory)
        async with doorbell.listening(self._directory) as rung:
            tasks = [asyncio.create_task(work) for work in (self._follow(rung), self._follow_secrets(), self._report())]
            try:
                await web.SockSite(runner, listener).start()
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await runner.cleanup()

    async def configured(self) -> None:
        """Return when the directory's files are complete for the first time."""
        while not self._configured.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_REMIND_SECONDS):
                    await self._configured.wait()
                    return
            _log.warning("nobody has written the files in %s yet: is their controller running?", self._directory)

    async def _follow(self, rung: asyncio.Event) -> None:
        while True:
            rung.clear()  # before reading: a change during it rings again
            if offers.configured(self._directory):
                self._put()
                self._configured.set()
            await rung.wait()

    async def _follow_secrets(self) -> None:
        """The files that secrets name are the kubelet's, which rings no bell."""
        seen: offers.Stamp = ()
        while True:
            changed, now = self._changed, offers.stamp(self._directory)
            if seen and now != seen:
                self._put()
            seen = now
            if seen:
                await asyncio.sleep(_SECRETS_SECONDS)
            else:
                await changed.wait()

    def _put(self) -> None:
        try:
            self._delivery.put(offers.read(self._directory))
        except FileNotFoundError:  # the pod's directory is being removed, and its Envoy ends soon too
            return
        self._note_refusals()
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _note_refusals(self) -> None:
        if self._delivery.refused != self._refused:
            self._refused = dict(self._delivery.refused)
            self._refusing.set()

    async def _report(self) -> None:
        refusals.write(self._directory, [])  # what an Envoy before this one refused
        async with aiohttp.ClientSession() as session:
            while True:
                await self._refusing.wait()
                self._refusing.clear()
                found = await refusals.described(self._refused, Admin(session, self._admin))
                for each in found:
                    _log.warning("Envoy refuses %s, version %s: %s", each["what"], each["version"], each["reason"])
                refusals.write(self._directory, found)

    async def _answer(self, request: web.Request) -> web.Response:
        asked = await request.json()
        name = Name(request.match_info["kind"], *asked.get("resource_names", [])[:1])
        offer = await self._offer(name, asked.get("version_info", ""))
        if offer is None:
            return web.Response(status=304)
        return web.Response(text=offer.body, content_type="application/json")

    async def _offer(self, name: Name, has: str) -> Offer | None:
        """What to say to the question, as soon as there is something; None when that took too long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _HOLD_SECONDS
        while (now := loop.time()) < deadline:
            changed, waited = self._changed, self._delivery.waits_for_clusters
            offer = self._delivery.answer(name, has, now)
            self._note_refusals()
            if waited and not self._delivery.waits_for_clusters:
                self._wake()
            if offer is not None:
                return offer
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min(deadline, self._delivery.retry_at(name) or deadline)):
                    await changed.wait()
        return None


def _listen(directory: Path) -> socket.socket:
    """The socket in the directory. A directory's own path may be longer than a socket's name can be (107 bytes)."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    where = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        path = Path(f"/proc/self/fd/{where}") / CONFIG_SERVER_SOCKET
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
    finally:
        os.close(where)
    return listener
