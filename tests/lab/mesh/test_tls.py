"""TLS between real Envoys: who is served, who is refused, and certificates that change under load."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from canario.adapters.certificates import X509Certificates
from canario.adapters.tls import TlsClient
from canario.errors import RemoteError
from canario.mesh.model import Mesh
from canario.mesh.tls import CertificateFiles, ClientTls, ListenerTls, TlsMode, Validation
from canario.workshop.ports import KeyPair, TlsAnswer
from lab.cluster.kubelet import volumes
from tests.lab.mesh.support import CALLER, HOST, PORT, V1, Cluster, Pod, eventually, mesh, saying, serving

FRONTEND = "frontend.example.local"
FILES = CertificateFiles("/certs/tls.crt", "/certs/tls.key")
CA = "/certs/ca.crt"
DAYS = 1.0

MAKER = X509Certificates()


@dataclass
class Shop:
    """A caller and a callee with certificates of one authority."""

    cluster: Cluster
    caller: Pod
    callee: Pod
    authority: KeyPair
    caller_directory: Path
    callee_directory: Path

    def issue(self, name: str) -> KeyPair:
        return MAKER.issue(self.authority, [name], datetime.now(UTC), DAYS)

    async def probe(self, *, identity: KeyPair | None = None, plaintext: bool = False) -> TlsAnswer:
        """One connection to the callee's listener."""
        trust = None if plaintext else self.authority.certificate
        return await asyncio.to_thread(
            TlsClient().get, self.callee.place.pod_ip, PORT, host=HOST, trust=trust, identity=identity
        )

    async def serves(self, mode: TlsMode, *, policy: ClientTls | None = None) -> None:
        """The callee's listener in this mode, and the caller's policy; returns when both are in force."""
        self.cluster.reconfigure(secured(mode, policy))

        async def in_force() -> bool:
            plain = await self.probe(plaintext=True)
            secret = await self.tried(self.issue(FRONTEND))
            return (plain.status == 200, secret == 200) == (mode is not TlsMode.STRICT, mode is not TlsMode.DISABLED)

        await eventually(in_force)

    async def tried(self, identity: KeyPair | None) -> int | None:
        try:
            return (await self.probe(identity=identity)).status
        except RemoteError:
            return None


def secured(mode: TlsMode, policy: ClientTls | None) -> Mesh:
    """nodejs listens by TLS and asks for the frontend's certificate; the frontend calls by its policy."""
    found = mesh(1, 0)
    tls = ListenerTls(mode, FILES, Validation(CA, (FRONTEND,)))
    nodes = []
    for node in found.nodes:
        if node.ref == CALLER:
            nodes.append(replace(node, default_tls=policy))
        else:
            nodes.append(replace(node, ports=(replace(node.ports[0], tls=tls),)))
    return replace(found, nodes=tuple(nodes))


def policy(*names: str, **fields: object) -> ClientTls:
    return ClientTls(Validation(CA, names), FILES, **fields)  # type: ignore[arg-type]


def write(directory: Path, authority: KeyPair, identity: KeyPair) -> None:
    """As the kubelet writes a Secret's volume."""
    texts = {"ca.crt": authority.certificate, "tls.crt": identity.certificate, "tls.key": identity.key}
    directory.mkdir(parents=True, exist_ok=True)
    volumes.write(directory, {name: volumes.File(text.encode(), 0o600) for name, text in texts.items()})


@pytest.fixture
async def shop(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Shop]:
    """Plaintext to begin with."""
    caller, callee = cluster.pod(CALLER), cluster.pod(V1)
    found = Shop(
        cluster,
        caller,
        callee,
        MAKER.authority("shop", datetime.now(UTC), DAYS),
        tmp_path / "secrets" / "caller",
        tmp_path / "secrets" / "callee",
    )
    write(found.caller_directory, found.authority, found.issue(FRONTEND))
    write(found.callee_directory, found.authority, found.issue(HOST))
    cluster.mount(caller, "/certs", found.caller_directory)
    cluster.mount(callee, "/certs", found.callee_directory)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving((callee.place.app_ip, PORT), saying("v1")))
        await cluster.start_ready(caller, callee)
        yield found


async def test_five_connections(shop: Shop) -> None:
    """A STRICT listener serves the right certificate, and refuses plaintext, none, a stranger's, and a wrong name."""
    await shop.serves(TlsMode.STRICT, policy=policy(HOST))
    stranger = MAKER.authority("stranger", datetime.now(UTC), DAYS)
    wrong = MAKER.issue(stranger, [FRONTEND], datetime.now(UTC), DAYS)

    right = await shop.probe(identity=shop.issue(FRONTEND))
    refusals = {
        "plaintext": await shop.probe(plaintext=True),
        "no certificate": await shop.probe(),
        "stranger": await shop.probe(identity=wrong),
        "wrong name": await shop.probe(identity=shop.issue("crystal.example.local")),
    }

    assert 200 == right.status
    assert {"plaintext": None, "no certificate": None, "stranger": None, "wrong name": None} == {
        name: answer.status for name, answer in refusals.items()
    }
    assert all(answer.refusal for answer in refusals.values()), refusals
    assert 200 == (await shop.cluster.get(shop.caller))[0]


@pytest.mark.parametrize(
    ("client", "status"),
    [
        (policy("elsewhere.example.local"), 503),
        (ClientTls(Validation(CA, (HOST,))), 503),
        (policy(HOST, ports=(PORT + 1,)), 503),
        (policy(HOST, enforce=False), 200),
        (None, 503),
    ],
    ids=["wrong server name", "no client certificate", "other port", "not enforced", "no policy"],
)
async def test_client_policies(shop: Shop, client: ClientTls | None, status: int) -> None:
    """A call by the sidecar goes through as far as its policy and the STRICT listener agree."""
    await shop.serves(TlsMode.STRICT, policy=client)

    async def seen() -> bool:
        return (await shop.cluster.get(shop.caller))[0] == status

    await eventually(seen)


async def test_enforced_towards_plaintext(shop: Shop) -> None:
    """An enforced policy does not fall back to plaintext for a node without TLS; one that is not enforced does."""
    shop.cluster.reconfigure(secured(TlsMode.DISABLED, policy(HOST)))

    async def refused() -> bool:
        return (await shop.cluster.get(shop.caller))[0] == 503

    await eventually(refused)
    shop.cluster.reconfigure(secured(TlsMode.DISABLED, policy(HOST, enforce=False)))

    async def served() -> bool:
        return (await shop.cluster.get(shop.caller))[0] == 200

    await eventually(served)


async def test_from_plaintext_to_strict(shop: Shop) -> None:
    """The way to STRICT by PERMISSIVE loses no request, and neither does a rotation of every certificate."""
    async with under_load(shop) as failures:
        await shop.serves(TlsMode.PERMISSIVE)
        await shop.serves(TlsMode.PERMISSIVE, policy=policy(HOST))
        await encrypted(shop)
        await shop.serves(TlsMode.STRICT, policy=policy(HOST))
        before = (await shop.probe(identity=shop.issue(FRONTEND))).fingerprint
        write(shop.callee_directory, shop.authority, shop.issue(HOST))
        write(shop.caller_directory, shop.authority, shop.issue(FRONTEND))

        async def rotated() -> bool:
            return (await shop.probe(identity=shop.issue(FRONTEND))).fingerprint != before

        await eventually(rotated)

    assert [] == failures


async def test_an_old_plaintext_connection_ends(shop: Shop) -> None:
    """A connection from before STRICT is told to close with its next answer."""
    await shop.serves(TlsMode.PERMISSIVE)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        url = f"http://{shop.callee.place.pod_ip}:{PORT}/"
        async with session.get(url) as before:
            await before.read()
        await shop.serves(TlsMode.STRICT, policy=policy(HOST))
        async with session.get(url) as after:
            await after.read()

    assert (200, None) == (before.status, before.headers.get("connection"))
    assert (200, "close") == (after.status, after.headers.get("connection"))


async def encrypted(shop: Shop) -> None:
    """Return when the caller's calls go by TLS."""
    handshakes = r"endpoints/egress/.*ssl\.handshake$"

    async def shaken() -> bool:
        await shop.cluster.get(shop.caller)
        return sum((await shop.cluster.admin(shop.caller).counters(handshakes)).values()) > 0

    await eventually(shaken)


class under_load:  # noqa: N801
    """Calls one after the other, four at a time, while the block runs; what failed is in the list."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._failures: list[object] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> list[object]:
        self._ended = asyncio.Event()
        self._tasks = [asyncio.create_task(self._call()) for _ in range(4)]
        return self._failures

    async def __aexit__(self, *_: object) -> None:
        self._ended.set()
        await asyncio.gather(*self._tasks)

    async def _call(self) -> None:
        while not self._ended.is_set():
            status, text, _ = await self._shop.cluster.get(self._shop.caller)
            if status != 200:
                self._failures.append((status, text))
