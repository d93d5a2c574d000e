"""What a rollout asks the shared observer to read for it, window after window (decision 0140)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from canario.canary.ports import Target, Wanted

LIFE = timedelta(hours=1)  # of a subscription that nobody renews: its rollout was killed


@dataclass(frozen=True)
class Subscription:
    """The windows from `start` on, one after the other, until it ends or is made anew."""

    rollout: str
    target: Target
    start: datetime
    window_seconds: int
    until: datetime
    edges: tuple[float, ...] = ()
    pods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by node

    def wanted(self, start: datetime, windows: int = 1) -> tuple[Wanted, Wanted]:
        """The canary's and the baseline's `windows` from `start` on: what the rollout would ask for itself."""
        end, target = start + windows * self._window, self.target
        canary, baseline = (
            Wanted(target, node, start, end, self.window_seconds, self.edges, self.pods.get(node, ()))
            for node in (target.canary, target.baseline)
        )
        return canary, baseline

    def due(self, after: datetime, now: datetime) -> tuple[Wanted, Wanted] | None:
        """The newest window that can be read, one whole window after its end, if that is so since `after`."""
        number = (now - self.start) // self._window - 2
        start = self.start + number * self._window
        return self.wanted(start) if number >= 0 and start + 2 * self._window > after else None

    def next_due(self, now: datetime) -> datetime:
        """When the next window after `now` can be read."""
        number = max(2, (now - self.start) // self._window + 1)
        return self.start + number * self._window

    @property
    def _window(self) -> timedelta:
        return timedelta(seconds=self.window_seconds)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "rollout": self.rollout,
            "target": dict(vars(self.target)),
            "start": self.start.isoformat(),
            "window_seconds": self.window_seconds,
            "until": self.until.isoformat(),
            "edges": list(self.edges),
            "pods": {node: list(names) for node, names in self.pods.items()},
        }

    @staticmethod
    def from_dict(given: Mapping[str, Any]) -> "Subscription":
        return Subscription(
            rollout=given["rollout"],
            target=Target(**given["target"]),
            start=datetime.fromisoformat(given["start"]),
            window_seconds=given["window_seconds"],
            until=datetime.fromisoformat(given["until"]),
            edges=tuple(given["edges"]),
            pods={node: tuple(names) for node, names in given["pods"].items()},
        )


def question(wanted: Sequence[Wanted]) -> str:
    """One text for one question: an answer is taken by whoever would ask the very same, and by nobody else."""
    parts = [
        [
            vars(each.target),
            each.node,
            each.start.astimezone(UTC).isoformat(),
            each.end.astimezone(UTC).isoformat(),
            each.window_seconds,
            [float(edge) for edge in each.edges],
            list(each.pods),
        ]
        for each in wanted
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
