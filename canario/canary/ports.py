"""What a rollout needs from the world: the shell implements these, the core never calls them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from canario.canary.instructions import Instruction
from canario.canary.observation import Tally


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
    """One node's counters in one window. `slower` has one count per latency edge, in order; None: one is absent."""

    start: datetime
    requests: int
    errors: int
    slower: tuple[int, ...] | None = ()
    pods: Mapping[str, Tally] = field(default_factory=dict)  # of those asked for that have data


@dataclass(frozen=True)
class Wanted:
    """One node's windows in [start, end), for `Metrics.read_many`. `edges` in milliseconds, `pods` by name."""

    target: Target
    node: str
    start: datetime
    end: datetime
    window_seconds: int
    edges: tuple[float, ...] = ()
    pods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Readings:
    """What was wanted, in its order; None where it could not be read, which `problems` says in words."""

    answers: tuple[Sequence[NodeCounts] | None, ...]
    calls: int
    series: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lock:
    """Who holds a router: the rollout, its owner (the execution's ARN) and since when."""

    rollout: str
    owner: str
    since: datetime


@dataclass(frozen=True)
class Steered:
    """A router that rollouts steer, and its newest rollout. `outcome` None: it has not ended."""

    target: Target
    rollout: str
    owner: str
    since: datetime
    alarms: tuple[str, ...] = ()  # those that roll it back, by name
    outcome: str | None = None


@dataclass(frozen=True)
class Measure:
    """One number about the controller itself, for `Canario/Controller`."""

    name: str
    value: float
    unit: str  # CloudWatch's own: Count, Seconds, None
    dimensions: Mapping[str, str]


class Routers(Protocol):
    def read(self, target: Target) -> RouterState:
        """Raises NotThere when the router or one of its nodes is not, Drift when it splits otherwise."""

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

    def read_many(self, wanted: Sequence[Wanted]) -> Sequence[Sequence[NodeCounts]]:
        """`read` for each of them, in their order, with as few calls as there can be."""

    def read_together(self, wanted: Sequence[Wanted]) -> Readings:
        """`read_many` for very many, some of whom may go without."""


class Faults(Protocol):
    def read(self, wanted: Wanted) -> Mapping[datetime, Tally]:
        """Window's start → the node's sampled traces, and how many have a fault of it. Empty where nothing is known.

        Raises RemoteError.
        """


class Records(Protocol):
    def lock(self, target: Target, rollout: str, owner: str, now: datetime) -> None:
        """Hold the router for `rollout`; harmless when it holds it already. Raises AlreadyRunning."""

    def unlock(self, target: Target, rollout: str) -> None: ...

    def holder(self, target: Target) -> Lock | None:
        """Who holds the router now; None when nobody does."""

    def steer(self, steered: Steered) -> None:
        """Remember the router and its newest rollout; it stays after the rollout's end."""

    def settle(self, target: Target, rollout: str, outcome: str) -> None:
        """Note how the router's newest rollout ended; harmless when it is another one by now."""

    def steered(self) -> Sequence[Steered]:
        """Every router that a rollout ever steered, with its newest rollout."""

    def instruct(self, rollout: str, instruction: Instruction) -> None:
        """Add one; the same one twice is one."""

    def instructions(self, rollout: str) -> Sequence[Instruction]:
        """All that the rollout was ever told, in order of time."""

    def put(self, rollout: str, sequence: int, kind: str, body: Mapping[str, Any], now: datetime) -> None:
        """Append to the rollout's record; writing the same `sequence` twice keeps the first."""

    def entries(self, rollout: str) -> Sequence[Mapping[str, Any]]:
        """Everything recorded of the rollout, in order."""


class Workloads(Protocol):
    def set_image(self, namespace: str, deployment: str, container: str, reference: str) -> None:
        """Give the container this image; harmless when it has it. Raises RemoteError, Conflict."""

    def trouble(self, namespace: str, deployment: str) -> str | None:
        """Why not all of its pods run what was asked for; None when they do."""


class Pods(Protocol):
    def of(self, target: Target, node: str) -> Sequence[str]:
        """The names of the node's pods that run, those that are being deleted too, in order. Raises RemoteError."""

    def replace(self, target: Target, pod: str) -> None:
        """Delete the pod, so that its Deployment makes another; harmless when it is gone. Raises RemoteError."""


class Tokens(Protocol):
    """The task tokens of rollouts that wait for a person. A token ends a wait; it approves nothing."""

    def keep(self, rollout: str, token: str) -> None: ...

    def wake(self, rollout: str) -> bool:
        """End the rollout's wait; False when it does not wait (any more)."""


class Executions(Protocol):
    def is_running(self, arn: str) -> bool:
        """False also when Step Functions has forgotten it."""


class Alarms(Protocol):
    def going_off(self, names: Sequence[str], prefix: str) -> Sequence[str]:
        """Those in ALARM now, of the alarms with these names and of those whose names begin with `prefix`.

        Raises RemoteError.
        """


class Controller(Protocol):
    def put(self, measures: Sequence[Measure], now: datetime) -> None:
        """Measures of the controller itself. Never raises: no rollout fails because nobody could count it."""


class Events(Protocol):
    def put(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Put one event on the bus: source `canario`, detail-type `kind`."""
