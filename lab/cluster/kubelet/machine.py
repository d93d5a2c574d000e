"""What one machine offers to all its pods: addresses, images, configuration, a place for files."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from lab.cluster.client import Client
from lab.cluster.controllers.events import Recorder
from lab.cluster.controllers.loop import Informer
from lab.cluster.kubelet.images import Images
from lab.cluster.objects import Obj, dig
from lab.cluster.runtime import ApiAddress
from lab.net import Block

NODE = "lab-node"
CONFIGURATION = ("configmaps", "secrets")


class NoAddressError(RuntimeError):
    """Every pod address of the block is taken."""


class Addresses:
    """The block's pod IPs. An address that was given back is the last to be given out again."""

    def __init__(self, block: Block) -> None:
        self._all: Iterator[str] = itertools.cycle(_pod_addresses(block))
        self._count = sum(1 for _ in _pod_addresses(block))
        self._taken: set[str] = set()

    def take(self) -> str:
        """Raises NoAddressError."""
        if len(self._taken) == self._count:
            raise NoAddressError(f"all {self._count} pod addresses of the lab are taken; delete pods")
        address = next(a for a in self._all if a not in self._taken)
        self._taken.add(address)
        return address

    def give_back(self, address: str) -> None:
        self._taken.discard(address)


def _pod_addresses(block: Block) -> Iterator[str]:
    for n in itertools.count(1):
        try:
            yield block.pod(n)
        except ValueError:
            return


@dataclass(frozen=True)
class Machine:
    """Shared by all pods of a kubelet. `informers`: pods, configmaps, secrets, endpoints."""

    client: Client
    recorder: Recorder
    session: aiohttp.ClientSession
    images: Images
    block: Block
    api: ApiAddress
    directory: Path
    informers: dict[str, Informer]
    addresses: Addresses = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "addresses", Addresses(self.block))

    @property
    def run_directory(self) -> Path:
        return self.directory / "run"

    @property
    def pods_directory(self) -> Path:
        return self.directory / "pods"

    def lookup(self, kind: str, namespace: str, name: str) -> Obj | None:
        """A ConfigMap or a Secret, as last heard of."""
        return self.informers[kind].items.get((namespace, name))

    async def out_of_endpoints(self, namespace: str, ip: str) -> None:
        """Return once no Service of the namespace sends traffic to `ip`."""
        informer = self.informers["endpoints"]
        await informer.until(lambda: not any(_lists(e, ip) for e in informer.in_namespace(namespace)))


def _lists(endpoints: Obj, ip: str) -> bool:
    subsets = dig(endpoints, "subsets", default=[])
    return any(address["ip"] == ip for subset in subsets for address in subset.get("addresses") or [])
