"""`python -m lab.mesh.sidecar`: what the container `envoy` runs. Starts Envoy, serves it the controller's files, and
ends it without losing a request.

Envoy starts once the controller has written its first files, so that it is never ready without listeners; from then
on it needs no controller, not even to start again. It has a process group of its own: a SIGTERM to the pod must reach
this launcher alone. After that Envoy goes on serving with `connection: close`, and ends when neither clients nor the
application have had a request for a second.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from canario.errors import RemoteError
from lab.envoy.admin import Admin
from lab.envoy.binary import command
from lab.envoy.bootstrap import write_bootstrap
from lab.envoy.server import Server
from lab.errors import LabError
from lab.mesh.settings import SidecarSettings
from lab.mesh.tls import link

QUIET_SECONDS = 1.0
LONGEST_DRAIN_SECONDS = 10.0

_LOOK_SECONDS = 0.05
_REQUESTS = r"^http\.(outbound|inbound_\d+|ingress_\d+)\.downstream_rq_(total|active)$"
_PROBES = r"^vhost\.application\.vcluster\.probes\.upstream_rq_total$"
_PR_SET_PDEATHSIG = 1

_log = logging.getLogger("lab.mesh.sidecar")
_libc = ctypes.CDLL(None)


async def run(settings: SidecarSettings) -> int:
    """Be the sidecar until SIGTERM; returns the exit status, Envoy's own when it ended by itself."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    admin = settings.pod_ip, settings.admin_port
    bootstrap = write_bootstrap(settings.directory, settings.node_id, admin, dump_port=settings.dump_port)
    link(settings.directory, settings.mounts)
    server = Server(settings.directory, admin)
    async with server.running():
        if not await _before(told, server.configured()):
            return 0
        return await _envoy(settings, bootstrap, told)


async def _envoy(settings: SidecarSettings, bootstrap: Path, told: asyncio.Event) -> int:
    """Envoy from its start to its end; its exit status."""
    envoy = await asyncio.create_subprocess_exec(
        *command(bootstrap), cwd=settings.directory, process_group=0, preexec_fn=_die_with_parent
    )
    if await _before(told, envoy.wait()):
        _log.error("Envoy ended by itself with status %s", envoy.returncode)
        return _exit_status(envoy)
    await _drain(settings)
    if envoy.returncode is None:
        envoy.terminate()
    await envoy.wait()
    return _exit_status(envoy)


async def quiet(
    look: Callable[[], Awaitable[tuple[int, int]]],
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
) -> bool:
    """Return when no request was seen for QUIET_SECONDS: True; or, False, when LONGEST_DRAIN_SECONDS have passed.

    `look` tells (requests so far, requests being served now).
    """
    began = last = clock()
    seen = -1
    while clock() - began < LONGEST_DRAIN_SECONDS:
        total, active = await look()
        if active or total != seen:
            seen, last = total, clock()
        elif clock() - last >= QUIET_SECONDS:
            return True
        await sleep(_LOOK_SECONDS)
    return False


async def requests(admin: Admin) -> tuple[int, int]:
    """(requests so far, being served now), inbound and outbound; the kubelet's probes are not counted."""
    counters = await admin.counters(f"{_REQUESTS}|{_PROBES}")
    total = sum(value for name, value in counters.items() if name.endswith("downstream_rq_total"))
    probes = sum(value for name, value in counters.items() if name.endswith("probes.upstream_rq_total"))
    active = sum(value for name, value in counters.items() if name.endswith("downstream_rq_active"))
    return total - probes, active


async def _drain(settings: SidecarSettings) -> None:
    async with aiohttp.ClientSession() as session:
        admin = Admin(session, (settings.pod_ip, settings.admin_port))
        try:
            await admin.drain()
            if not await quiet(lambda: requests(admin), asyncio.get_running_loop().time, asyncio.sleep):
                _log.warning("there were still requests after %s s", LONGEST_DRAIN_SECONDS)
        except RemoteError as error:
            _log.warning("draining: %s", error)


async def _before(event: asyncio.Event, work: Awaitable[object]) -> bool:
    """Whether `work` was done before the event; it is cancelled when it was not."""
    doing, waiting = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    await asyncio.wait([doing, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if doing.done():
        return True
    doing.cancel()
    return False


def _die_with_parent() -> None:
    """In the child: be killed when the launcher is, however it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _exit_status(process: asyncio.subprocess.Process) -> int:
    """As a shell would report it: 128 and the signal's number when a signal ended it."""
    status = process.returncode or 0
    return 128 - status if status < 0 else status


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        return asyncio.run(run(SidecarSettings.read(os.environ)))
    except LabError as error:
        print(f"lab.mesh.sidecar: {error}", file=sys.stderr)  # noqa: T201
        return 2


if __name__ == "__main__":
    sys.exit(main())
