"""What a caller's proxy has counted of the nodes that it calls, and what two of its counts say together. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, order=True)
class Node:
    """A node as its callers name it: the parts of `egress/<namespace>/<service>/<node>`."""

    namespace: str
    service: str
    node: str


@dataclass(frozen=True)
class Answers:
    """What one pod of a node was asked, each attempt by itself, and how much of it failed or found nobody there."""

    requests: int = 0
    errors: int = 0

    def __add__(self, other: "Answers") -> "Answers":
        return Answers(self.requests + other.requests, self.errors + other.errors)

    def since(self, old: "Answers") -> "Answers":
        """What came after `old`. A proxy that forgets a pod forgets both numbers."""
        same = self.requests >= old.requests and self.errors >= old.errors
        return Answers(self.requests - old.requests, self.errors - old.errors) if same else self


@dataclass(frozen=True)
class Counts:
    """Requests, those that failed, and those slower than each edge (milliseconds).

    `retried_well` are requests that ended well when they were sent again, `retried_5xx` the answers that made a
    proxy send one again. What `since` returns has none of either: those that they tell of are among its errors.

    `slower` is of answered requests only: what was never answered is an error and has no time. `pods` is by the pods'
    addresses, of the pods that the proxy knows now; by their names in what is put (`named`).
    """

    requests: int = 0
    errors: int = 0
    answered: int = 0
    slower: Mapping[float, int] = field(default_factory=dict)
    retried_well: int = 0
    retried_5xx: int = 0
    pods: Mapping[str, Answers] = field(default_factory=dict)

    def __add__(self, other: "Counts") -> "Counts":
        edges = {**other.slower, **self.slower}
        return Counts(
            self.requests + other.requests,
            self.errors + other.errors,
            self.answered + other.answered,
            {edge: self.slower.get(edge, 0) + other.slower.get(edge, 0) for edge in edges},
            pods={
                pod: self.pods.get(pod, Answers()) + other.pods.get(pod, Answers())
                for pod in {**other.pods, **self.pods}
            },
        )

    def named(self, pod_of: Mapping[str, str]) -> "Counts":
        """With the pods by name. `pod_of` has it by address; what is nobody's address is told of the node alone."""
        pods = {pod_of[address]: answers for address, answers in self.pods.items() if address in pod_of}
        return replace(self, pods=pods)

    def since(self, old: "Counts") -> "Counts":
        """What was counted after `old`, of the same node in the same Envoy.

        A request that was answered 5xx is an error even when a written retry policy mended it: the proxy saw the
        node fail. A retry may also have been of a connection that failed, of which no answer is counted, and one
        request may have had several bad answers; so as many were mended as the smaller of the two numbers says.
        Counters only grow while Envoy keeps them. One that is lower than it was has been forgotten meanwhile,
        which Envoy does to some and not to others (lab/envoy/aggregate.py), and began again at zero.
        """
        same_histogram = self.answered >= old.answered and all(
            count >= old.slower.get(edge, 0) for edge, count in self.slower.items()
        )
        requests = _since(self.requests, old.requests)
        mended = min(_since(self.retried_well, old.retried_well), _since(self.retried_5xx, old.retried_5xx))
        return Counts(
            requests,
            min(requests, _since(self.errors, old.errors) + mended) if mended else _since(self.errors, old.errors),
            self.answered - old.answered if same_histogram else self.answered,
            {edge: count - (old.slower.get(edge, 0) if same_histogram else 0) for edge, count in self.slower.items()},
            pods={pod: each.since(old.pods.get(pod, Answers())) for pod, each in self.pods.items()},
        )


def _since(counter: int, old: int) -> int:
    return counter - old if counter >= old else counter


@dataclass(frozen=True)
class Reading:
    """What an Envoy has counted since it `started` (seconds of the epoch, within a second or so)."""

    started: float
    nodes: Mapping[Node, Counts]
