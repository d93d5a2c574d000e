"""A real kube-apiserver with its etcd, from the binaries in `KUBEBUILDER_ASSETS`."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lab.net import free_port

TOKEN = "contract-tests"
_READY_SECONDS = 60.0


def assets() -> Path | None:
    """The directory with `kube-apiserver` and `etcd`, when there is one."""
    named = os.environ.get("KUBEBUILDER_ASSETS", "")
    directory = Path(named)
    found = named and all((directory / name).is_file() for name in ("kube-apiserver", "etcd"))
    return directory if found else None


@contextmanager
def apiserver(binaries: Path, directory: Path, authorization: str = "AlwaysAllow") -> Iterator[str]:
    """Run both on free ports of loopback; the API's URL. Whoever has TOKEN may do everything by RBAC too."""
    port, key = free_port(), directory / "accounts.key"
    key.write_bytes(_private_key())
    (directory / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
    with ExitStack() as stack:
        etcd = stack.enter_context(_etcd(binaries, directory))
        flags = [
            f"--etcd-servers={etcd}",
            f"--secure-port={port}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={directory / 'certificates'}",
            f"--token-auth-file={directory / 'tokens.csv'}",
            f"--authorization-mode={authorization}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--disable-admission-plugins=ServiceAccount",
        ]
        stack.enter_context(_process([str(binaries / "kube-apiserver"), *flags], directory / "kube-apiserver.log"))
        url = f"https://127.0.0.1:{port}"
        _wait_until_ready(f"{url}/readyz")
        yield url


@contextmanager
def _etcd(binaries: Path, directory: Path) -> Iterator[str]:
    clients, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    flags = [
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        "--unsafe-no-fsync",
    ]
    with _process([str(binaries / "etcd"), *flags], directory / "etcd.log"):
        yield clients


@contextmanager
def _process(argv: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as output, subprocess.Popen(argv, stdout=output, stderr=output) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    with httpx2.Client(verify=False, trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        while time.monotonic() < deadline:
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.2)
    raise TimeoutError(f"kube-apiserver was not ready within {_READY_SECONDS:.0f} s: {url}")


def _private_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
