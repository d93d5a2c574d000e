"""One lab cluster's API, put together: store, admission, authentication, HTTPS server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.cluster.api import Api
from lab.cluster.auth import Authenticator, Tokens, sts_at
from lab.cluster.bootstrap import bootstrap
from lab.cluster.client import LocalClient
from lab.cluster.runtime import ApiAddress, PodRuntime
from lab.cluster.store import Store
from lab.cluster.web.routes import Routes
from lab.cluster.web.server import Server, certificates, kubeconfig, write_private
from lab.cluster.webhooks import HttpWebhooks
from lab.net import API_PORT, Block

EKS_CLUSTER = "canario"


@dataclass(frozen=True)
class Settings:
    """Where a cluster lives. `sts_endpoint` empty: no EKS tokens. `port` differs only in tests."""

    block: Block
    directory: Path
    kubeconfig: Path
    sts_endpoint: str = ""
    port: int = API_PORT
    eks_cluster: str = EKS_CLUSTER


class ApiServer:
    """The API of one cluster, with nobody to act on what is in it."""

    def __init__(self, settings: Settings) -> None:
        self.store = Store()
        self.tokens = Tokens()
        self._settings = settings
        webhooks = HttpWebhooks(self.store)
        self.api = Api(self.store, block=settings.block, webhooks=webhooks)
        bootstrap(self.api)
        host, port = settings.block.api, settings.port
        ask_sts = sts_at(settings.sts_endpoint, settings.eks_cluster) if settings.sts_endpoint else None
        authenticator = Authenticator(self.tokens, ask_sts)
        self._routes = Routes(self.api, authenticator, f"{host}:{port}")
        tls, self._ca = certificates(host, "localhost", "kubernetes.default.svc")
        self._server = Server(self._routes, host=host, port=port, tls=tls)
        self.address = ApiAddress(
            url=f"https://{host}:{port}",
            host=host,
            port=port,
            ca_file=settings.directory / "ca.crt",
            tokens=self.tokens,
        )

    def client(self, manager: str) -> LocalClient:
        """A client in this process that writes under this name."""
        return LocalClient(self.store, api=self.api, manager=manager)

    def serve_logs_of(self, runtime: PodRuntime) -> None:
        self._routes.runtime = runtime

    async def start(self) -> None:
        """Listen, and write the CA and the admin's kubeconfig; `OSError` when the address is taken."""
        await self._server.start()
        write_private(self.address.ca_file, self._ca.decode())
        text = kubeconfig(self.address.url, self._ca, self.tokens.admin)
        write_private(self._settings.kubeconfig, text)

    async def stop(self) -> None:
        await self._server.stop()
