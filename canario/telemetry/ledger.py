"""What the callers' counters say is new since they were last read. Pure.

Every request is counted once, however scrapes, restarts and the ends of pods interleave: a delta is taken
against the same process's last reading, or against zero where the process is known to have begun there.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from canario.telemetry.counts import Counts, Node, Reading

SAME_PROCESS_SECONDS = 1.5  # Envoy tells its uptime in whole seconds


@dataclass(frozen=True)
class Proxy:
    """A caller: the Envoy of one pod, over restarts. `created` is the pod's, in seconds of the epoch."""

    uid: str
    created: float


@dataclass(frozen=True)
class Ledger:
    """The last reading of every caller. `since` is when the collector began, in seconds of the epoch.

    A process is another one when it `started` more than `same_process` seconds later: as exact as its uptime is.
    """

    since: float
    last: Mapping[Proxy, Reading] = field(default_factory=dict)
    same_process: float = SAME_PROCESS_SECONDS

    def advance(self, readings: Mapping[Proxy, Reading]) -> tuple["Ledger", dict[Node, Counts]]:
        """What is new in `readings`, the callers that answered: node → counts, all zero for a node that a
        caller knows and did not call. A node that no caller told of is absent."""
        new: dict[Node, Counts] = {}
        for proxy, reading in readings.items():
            for node, counts in reading.nodes.items():
                new[node] = new.get(node, Counts()) + counts.since(self._base(proxy, reading, node))
        return replace(self, last={**self.last, **readings}), new

    def keep(self, uids: Collection[str]) -> "Ledger":
        """Without the callers whose pods are not among these: they are gone and never come back."""
        return replace(self, last={proxy: last for proxy, last in self.last.items() if proxy.uid in uids})

    def _base(self, proxy: Proxy, reading: Reading, node: Node) -> Counts:
        """What of the node's counts in `reading` is old."""
        last = self.last.get(proxy)
        if last is None:
            # Whatever an older pod has counted may have been told by an earlier collector.
            return Counts() if proxy.created >= self.since else reading.nodes[node]
        if reading.started - last.started > self.same_process:
            return Counts()
        return last.nodes.get(node, Counts())
