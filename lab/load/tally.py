"""What became of every request: the report's numbers. Pure; time is an argument."""

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lab.load.latency import Latencies

UNKNOWN = "unknown"  # the node of a request when no answer says it
_KEPT_FAILURES = 20


@dataclass(frozen=True)
class Outcome:
    """One request's end. `node` is the nodejs that answered (`nodejs/v1`); `node_failed` is that node's own
    failure, while `failure` (in words, None for none) is what the client got."""

    at: datetime
    latency_ms: float
    failure: str | None = None
    node: str = UNKNOWN
    node_failed: bool = False


@dataclass
class NodeCount:
    requests: int = 0
    errors: int = 0


class Tally:
    """Every request is counted once as sent, and once by node when it has ended or was dropped."""

    def __init__(self, started: datetime) -> None:
        self.started = started
        self.sent = self.failed = self.dropped = 0
        self.by_node: defaultdict[str, NodeCount] = defaultdict(NodeCount)
        self.failures: list[dict[str, str]] = []
        self._ended = 0
        self._latencies = Latencies()

    @property
    def in_flight(self) -> int:
        return self.sent - self._ended

    def begin(self) -> None:
        """A request's time has come."""
        self.sent += 1

    def end(self, outcome: Outcome) -> None:
        self._latencies.add(outcome.latency_ms)
        self._count(outcome)

    def drop(self, at: datetime, limit: int) -> None:
        """A request that had begun was not sent because `limit` were in flight. It is a failed one."""
        self.dropped += 1
        self._count(Outcome(at, 0.0, f"not sent: {limit} requests in flight", node_failed=True))

    def _count(self, outcome: Outcome) -> None:
        self._ended += 1
        node = self.by_node[outcome.node]
        node.requests += 1
        node.errors += outcome.node_failed
        if outcome.failure is not None:
            self.failed += 1
            if len(self.failures) < _KEPT_FAILURES:
                self.failures.append({"at": outcome.at.isoformat(), "node": outcome.node, "what": outcome.failure})

    def report(self, ended: datetime | None) -> dict[str, Any]:
        """The report as JSON has it; `ended` is None while the load runs."""
        p50, p95, p99 = self._latencies.quantiles((0.5, 0.95, 0.99))
        return {
            "sent": self.sent,
            "failed": self.failed,
            "dropped": self.dropped,
            "in_flight": self.in_flight,
            "by_node": {name: asdict(count) for name, count in sorted(self.by_node.items())},
            "latency_ms": {"p50": p50, "p95": p95, "p99": p99},
            "started": self.started.isoformat(),
            "ended": ended.isoformat() if ended else None,
            "failures": self.failures,
        }
