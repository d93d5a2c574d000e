"""The HTTPS server, its own certificate authority, and the kubeconfig that leads to it."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
import tempfile
from pathlib import Path

import trustme
import yaml
from aiohttp import web

from lab.cluster.web.routes import Routes

_CLOSE_SECONDS = 2.0


class Server:
    """Serves `routes` at one address until stopped."""

    def __init__(self, routes: Routes, *, host: str, port: int, tls: ssl.SSLContext) -> None:
        self._routes = routes
        self._host, self._port, self._tls = host, port, tls
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; `OSError` when the address is taken."""
        self._runner = web.AppRunner(
            self._routes.application(), access_log=None, handler_cancellation=True, shutdown_timeout=_CLOSE_SECONDS
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, ssl_context=self._tls)
        await site.start()

    async def stop(self) -> None:
        """End the watches, finish what is being answered, close."""
        self._routes.closing.set()
        if self._runner and self._runner.server:
            open_ones = [connection.transport for connection in self._runner.server.connections]
            await self._runner.cleanup()
            # TLS would wait for the other side's good-bye, and the event loop may end before it comes.
            for transport in filter(None, open_ones):
                transport.abort()
            await asyncio.sleep(0)


def certificates(*names: str) -> tuple[ssl.SSLContext, bytes]:
    """A server's TLS context for `names` (host names and addresses), and the PEM of the authority behind it."""
    authority = trustme.CA(organization_name="Canario's lab")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, organization_name="Canario's lab").configure_cert(context)
    return context, authority.cert_pem.bytes()


def kubeconfig(url: str, ca: bytes, token: str) -> str:
    """The text of a kubeconfig whose only user holds `token`."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "lab",
                "cluster": {"server": url, "certificate-authority-data": base64.b64encode(ca).decode()},
            }
        ],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "admin"}}],
        "current-context": "lab",
    }
    return yaml.safe_dump(config, sort_keys=False)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.replace(temporary, path)
