"""The VPC's Envoy process: started, started again when it ends by itself, ended."""

import asyncio
import logging
import sys
from pathlib import Path

import aiohttp

from lab import processes
from lab.envoy import binary, bootstrap
from lab.envoy.admin import Admin
from lab.envoy.server import Server
from lab.net import VPC_PROXY_PORT, Block, is_free

log = logging.getLogger(__name__)

_ADMIN_PORT = 9901
_POLL_SECONDS = 0.02
_RESTART_SECONDS = 0.2


class Proxy:
    """An Envoy and the server of its files, which are in `directory`; its record (lab/processes.py) is in `run`."""

    def __init__(self, block: Block, directory: Path, run: Path) -> None:
        self._admin = (block.vpc, _ADMIN_PORT)
        self._directory = directory
        self._argv = binary.command(bootstrap.write_bootstrap(directory, "vpc", self._admin))
        self._run = run
        self._was_ready = False

    async def run(self) -> None:
        """Keep it running until cancelled; it has ended when this returns. Raises StartError."""
        self._check_addresses()
        async with Server(self._directory, self._admin).running():
            await self._keep()

    async def _keep(self) -> None:
        while True:
            child = processes.spawn(
                "vpc-envoy", self._argv, run=self._run, output=sys.stdout.fileno(), cwd=self._directory
            )
            try:
                await processes.ended(child.pid)
            finally:
                status = processes.stop(child)
            if not self._was_ready:
                raise processes.StartError(
                    f"start the VPC's Envoy: it ended with status {status}; its last words are above"
                )
            log.error("the VPC's Envoy ended by itself with status %s; starting it again", status)
            await asyncio.sleep(_RESTART_SECONDS)

    def _check_addresses(self) -> None:
        # Another Envoy there would say that it is ready, and share the proxy's port (SO_REUSEPORT).
        taken = [port for port in (VPC_PROXY_PORT, _ADMIN_PORT) if not is_free(self._admin[0], port)]
        if taken:
            ports = ", ".join(f"{self._admin[0]}:{port}" for port in taken)
            raise processes.StartError(f"start the VPC's Envoy: {ports} taken; end the lab that has it, or use another")

    async def ready(self) -> None:
        """Return when it takes traffic."""
        async with aiohttp.ClientSession() as session:
            while not await Admin(session, self._admin).ready():
                await asyncio.sleep(_POLL_SECONDS)
        self._was_ready = True
