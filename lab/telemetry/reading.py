"""One Envoy's egress counters at one moment, from its `/stats` as JSON. Pure.

Why these counters, and what each was seen to count with a real Envoy: docs/telemetry.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.envoy.bootstrap import LATENCY_EDGES

_PREFIX = r"cluster\.egress/[^/]+/[^/]+/[^/]+\.upstream_rq_"
_RETRIED = r"cluster\.egress/[^/]+/[^/]+/[^/]+\.retry\.upstream_rq_5xx"
FILTER = rf"^{_PREFIX}(total|completed|5xx|time|retry_success)$|^{_RETRIED}$|^server\.uptime$"  # RE2, for Envoy
QUERY = {"format": "json", "histogram_buckets": "cumulative", "filter": FILTER}


@dataclass(frozen=True, order=True)
class Node:
    """A node as its callers name it: the parts of `egress/<namespace>/<service>/<node>`."""

    namespace: str
    service: str
    node: str


@dataclass(frozen=True)
class Counts:
    """Requests, those that failed, and those slower than each edge (milliseconds).

    `retried_well` are requests that ended well when they were sent again, `retried_5xx` the answers that made a
    proxy send one again. What `since` returns has none of either: those that they tell of are among its errors.

    `slower` is of answered requests only: what was never answered is an error and has no time.
    """

    requests: int = 0
    errors: int = 0
    answered: int = 0
    slower: Mapping[float, int] = field(default_factory=dict)
    retried_well: int = 0
    retried_5xx: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        edges = {**other.slower, **self.slower}
        return Counts(
            self.requests + other.requests,
            self.errors + other.errors,
            self.answered + other.answered,
            {edge: self.slower.get(edge, 0) + other.slower.get(edge, 0) for edge in edges},
        )

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
        )


def _since(counter: int, old: int) -> int:
    return counter - old if counter >= old else counter


@dataclass(frozen=True)
class Reading:
    """What an Envoy has counted since it `started` (seconds of the epoch, within a second or so)."""

    started: float
    nodes: Mapping[Node, Counts]


def parse(stats: Mapping[str, Any], now: float) -> Reading:
    """The answer to `QUERY`, read at `now`. A node that was never called is there, with zeros."""
    values = {stat["name"]: stat["value"] for stat in stats["stats"] if "value" in stat}
    histograms = {found["name"]: found for stat in stats["stats"] for found in stat.get("histograms", [])}
    nodes = {
        # Every cluster has `upstream_rq_total` from its creation; `.retry` and the like never have it.
        _node(name): _counts(name.removesuffix("total"), values, histograms)
        for name in values
        if name.endswith(".upstream_rq_total")
    }
    return Reading(now - values.get("server.uptime", 0), nodes)


def _node(stat: str) -> Node:
    match = re.fullmatch(r"cluster\.egress/([^/]+)/([^/]+)/([^/]+)\.upstream_rq_total", stat)
    if match is None:
        raise ValueError(f"stat: {stat!r} is not allowed; allowed: what {FILTER} matches")
    return Node(*match.groups())


def _counts(prefix: str, values: Mapping[str, int], histograms: Mapping[str, Any]) -> Counts:
    buckets = histograms.get(f"{prefix}time", {}).get("buckets", [])
    answered = buckets[-1]["cumulative"] if buckets else 0  # the last bucket holds everything
    slower = {float(bucket["upper_bound"]): answered - bucket["cumulative"] for bucket in buckets[:-1]}
    return Counts(
        values.get(f"{prefix}completed", 0),
        values.get(f"{prefix}5xx", 0),
        answered,
        # There is no histogram before the first answer; a node that never answered has zeros all the same.
        slower or {float(edge): 0 for edge in LATENCY_EDGES},
        values.get(f"{prefix}retry_success", 0),
        values.get(f"{prefix.removesuffix('upstream_rq_')}retry.upstream_rq_5xx", 0),
    )

