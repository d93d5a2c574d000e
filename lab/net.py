"""Loopback addresses and ports: who listens where in a lab.

One lab owns one block `127.X.0.0/16`, so several labs on one machine do not meet.
`docs/contracts.md` has the table; on Linux the whole of 127.0.0.0/8 is usable without configuration.
"""

from __future__ import annotations

import atexit
import socket
from collections.abc import Iterable
from dataclasses import dataclass

API_PORT = 6443
VPC_PROXY_PORT = 3128
_HOSTS_PER_OCTET = 254  # .0 and .255 are left out: they read like a network and a broadcast address
_APP_OFFSET = 128
_CLAIM_PORT = 6442
_CLAIMS: dict[int, socket.socket] = {}  # by block, kept open


class NoFreeBlockError(RuntimeError):
    """Every candidate block has a listener already."""


@dataclass(frozen=True)
class Block:
    """The addresses of one lab; `x` is the second octet, 1 to 254."""

    x: int

    def __post_init__(self) -> None:
        if not 1 <= self.x <= 254:
            raise ValueError(f"block: {self.x} is not between 1 and 254")

    @property
    def api(self) -> str:
        """The Kubernetes API (port 6443)."""
        return f"127.{self.x}.0.1"

    @property
    def vpc(self) -> str:
        """The VPC's Envoy (HTTP proxy 3128, admin 9901)."""
        return f"127.{self.x}.0.2"

    def load_balancer(self, n: int) -> str:
        """127.X.1.n; `n` from 1 to 254."""
        return self._address("load balancer", n, first=1, last=1)

    def cluster_ip(self, n: int) -> str:
        """127.X.2.1 to 127.X.15.254; `n` from 1."""
        return self._address("cluster IP", n, first=2, last=15)

    def pod(self, n: int) -> str:
        """127.X.16.1 to 127.X.127.254; `n` from 1."""
        return self._address("pod", n, first=16, last=127)

    def app_address(self, pod_ip: str) -> str:
        """Where the application of a pod with a sidecar listens: the pod IP, 128 added to its third octet."""
        a, b, c, d = pod_ip.split(".")
        third = int(c)
        if int(b) != self.x or not 16 <= third <= 127:
            raise ValueError(f"app_address: {pod_ip} is no pod IP of block 127.{self.x}.0.0/16")
        return f"{a}.{b}.{third + _APP_OFFSET}.{d}"

    def _address(self, what: str, n: int, *, first: int, last: int) -> str:
        octet, host = divmod(n - 1, _HOSTS_PER_OCTET)
        if n < 1 or first + octet > last:
            most = (last - first + 1) * _HOSTS_PER_OCTET
            raise ValueError(f"{what} number {n} is not between 1 and {most}")
        return f"127.{self.x}.{first + octet}.{host + 1}"


def is_free(host: str, port: int) -> bool:
    """Whether a TCP server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port of `host` that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def free_block(candidates: Iterable[int] = range(10, 255)) -> Block:
    """The first block whose API and proxy ports are free, and that no other process is about to use.

    It stays this process's until it ends; the lab that it has started by then holds the block's ports.
    """
    for x in candidates:
        block = Block(x)
        if _claimed(block) and is_free(block.api, API_PORT) and is_free(block.vpc, VPC_PROXY_PORT):
            return block
    raise NoFreeBlockError("no free block 127.X.0.0/16: stop another lab with `make lab-down` and try again")


def _claimed(block: Block) -> bool:
    """Whether the block is this process's: a bound socket says so to all others."""
    if block.x not in _CLAIMS:
        claim = socket.socket()
        try:
            claim.bind((block.api, _CLAIM_PORT))
        except OSError:
            claim.close()
            return False
        _CLAIMS[block.x] = claim
    return True


@atexit.register
def _release() -> None:
    for claim in _CLAIMS.values():
        claim.close()
