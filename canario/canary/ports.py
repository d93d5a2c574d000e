"""What a rollout needs from the world: the shell implements these, the core never calls them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class Target:
    """The router of one rollout and its two nodes, by their names in the dialect's objects."""

    workshop: str
    mesh: str  # the dialect: "appmesh" or "gateway"
    namespace: str
    router: str
    service: str  # the `Service` dimension of the telemetry contract
    baseline: str  # the `Node` dimension
    canary: str

    @property
    def key(self) -> str:
        """One rollout per router: what the lock is held on."""
        return f"{self.namespace}/{self.router}"


@dataclass(frozen=True)
class RouterState:
    """The router as the cluster has it now."""

    share: float  # of the canary, 0 to 1, as written (weights are relative)
    weights: Mapping[str, int]  # node → weight, as written
    version: str  # resourceVersion, for compare-and-set
    manager: str  # the field manager that last wrote the weights


@dataclass(frozen=True)
class ProxyShare:
    """What one caller's proxy really does with the router's traffic."""

    proxy: str  # the pod
    share: float | None  # None: the proxy has no such route yet, or did not answer
    message: str


@dataclass(frozen=True)
class NodeCounts:
    """One node's counters in one window. `slower` has one count per latency edge, in the edges' order."""

    start: datetime
    requests: int
    errors: int
    slower: tuple[int, ...] = ()


class Routers(Protocol):
    def read(self, target: Target) -> RouterState:
        """Raises RemoteError when the router or one of its nodes is not there, Drift when it splits otherwise."""

    def write(self, target: Target, share: float, expected_version: str) -> RouterState:
        """Set the canary's share by compare-and-set; returns the state with the share really written.

        Raises Conflict when the router is no longer at `expected_version`.
        """

    def withdraw(self, target: Target) -> None:
        """Take all traffic from the canary, whoever wrote the router last and whatever else it sends to.

        Needs neither node to be there; harmless when the canary has none, or when there is no router. Raises Conflict
        when the router changed meanwhile.
        """


class DataPlane(Protocol):
    def shares(self, target: Target) -> Sequence[ProxyShare]:
        """The share in force at every proxy that calls the router's service. Empty: there is no caller."""


class Metrics(Protocol):
    def read(
        self,
        target: Target,
        node: str,
        start: datetime,
        end: datetime,
        window_seconds: int,
        edges: Sequence[float],
    ) -> Sequence[NodeCounts]:
        """The node's counters for the whole windows in [start, end), by metric timestamp.

        A window without data is absent from the result, never zero.
        """


@dataclass(frozen=True)
class Lock:
    """Who holds a router: the rollout, its owner (the execution's ARN) and since when."""

    rollout: str
    owner: str
    since: datetime


class Records(Protocol):
    def lock(self, target: Target, rollout: str, owner: str, now: datetime) -> None:
        """Hold the router for `rollout`; harmless when it holds it already. Raises AlreadyRunning."""

    def unlock(self, target: Target, rollout: str) -> None: ...

    def holder(self, target: Target) -> Lock | None:
        """Who holds the router now; None when nobody does."""

    def put(self, rollout: str, sequence: int, kind: str, body: Mapping[str, Any], now: datetime) -> None:
        """Append to the rollout's record; writing the same `sequence` twice keeps the first."""

    def entries(self, rollout: str) -> Sequence[Mapping[str, Any]]:
        """Everything recorded of the rollout, in order."""


class Events(Protocol):
    def put(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Put one event on the bus: source `canario`, detail-type `kind`."""
