"""Routers, the proxies that follow them, and what the nodes behind them did."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from canario.canary.ports import NodeCounts, ProxyShare, Readings, RouterState, Target, Wanted
from canario.errors import Conflict, NotThere


@dataclass
class FakeRouters:
    """The weights by `Target.key`; `smallest` is the least share above zero that the dialect can write."""

    routers: dict[str, RouterState] = field(default_factory=dict)
    smallest: float = 0.01
    version: int = 0

    def read(self, target: Target) -> RouterState:
        if target.key not in self.routers:
            raise NotThere(f"reading the router {target.key}: it is not there")
        return self.routers[target.key]

    def write(self, target: Target, share: float, expected_version: str) -> RouterState:
        if self.read(target).version != expected_version:
            raise Conflict(f"the router {target.key} changed since it was read")
        return self.set(target, share)

    def withdraw(self, target: Target) -> None:
        if target.key in self.routers and self.read(target).share:
            self.set(target, 0.0)

    def set(self, target: Target, share: float, manager: str = "canario") -> RouterState:
        """Write without compare-and-set, as somebody else would."""
        self.version += 1
        canary = round(share / self.smallest) or (1 if share else 0)
        weights = {target.baseline: round(1 / self.smallest) - canary, target.canary: canary}
        state = RouterState(canary * self.smallest, weights, str(self.version), manager)
        self.routers[target.key] = state
        return state


@dataclass
class FakeDataPlane:
    proxies: list[ProxyShare] = field(default_factory=list)

    def shares(self, target: Target) -> Sequence[ProxyShare]:
        return list(self.proxies)


@dataclass
class FakeMetrics:
    """Each node's windows; those without counts are simply not there."""

    nodes: dict[str, list[NodeCounts]] = field(default_factory=dict)

    def read(
        self,
        target: Target,
        node: str,
        start: datetime,
        end: datetime,
        window_seconds: int,
        edges: Sequence[float],
    ) -> Sequence[NodeCounts]:
        last = end - timedelta(seconds=window_seconds)
        return [counts for counts in self.nodes.get(node, []) if start <= counts.start <= last]

    def read_many(self, wanted: Sequence[Wanted]) -> Sequence[Sequence[NodeCounts]]:
        return [
            self.read(each.target, each.node, each.start, each.end, each.window_seconds, each.edges) for each in wanted
        ]

    def read_together(self, wanted: Sequence[Wanted]) -> Readings:
        return Readings(tuple(self.read_many(wanted)), calls=1 if wanted else 0, series=len(wanted))
