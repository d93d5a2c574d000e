"""One Envoy's egress counters at one moment, from its `/stats` as JSON. Pure.

Why these counters, and what each was seen to count with a real Envoy: docs/telemetry.md.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from canario.telemetry.counts import Answers, Counts, Node, Reading
from lab.envoy.bootstrap import LATENCY_EDGES

_PREFIX = r"cluster\.egress/[^/]+/[^/]+/[^/]+\.upstream_rq_"
_RETRIED = r"cluster\.egress/[^/]+/[^/]+/[^/]+\.retry\.upstream_rq_5xx"
# Of the cluster that has the endpoints (lab/envoy/aggregate.py); an endpoint is `127.9.16.1_3000` there.
_POD = r"cluster\.endpoints/egress/[^/]+/[^/]+/[^/]+\.endpoint\.[^/]+\.rq_(success|error)"
FILTER = rf"^{_PREFIX}(total|completed|5xx|time|retry_success)$|^{_RETRIED}$|^{_POD}$|^server\.uptime$"  # RE2
QUERY = {"format": "json", "histogram_buckets": "cumulative", "filter": FILTER}


def parse(stats: Mapping[str, Any], now: float) -> Reading:
    """The answer to `QUERY`, read at `now`. A node that was never called is there, with zeros."""
    values = {stat["name"]: stat["value"] for stat in stats["stats"] if "value" in stat}
    histograms = {found["name"]: found for stat in stats["stats"] for found in stat.get("histograms", [])}
    pods = _pods(values)
    nodes = {
        # Every cluster has `upstream_rq_total` from its creation; `.retry` and the like never have it.
        (node := _node(name)): replace(_counts(name.removesuffix("total"), values, histograms), pods=pods.get(node, {}))
        for name in values
        if name.endswith(".upstream_rq_total")
    }
    return Reading(now - values.get("server.uptime", 0), nodes)


def _node(stat: str) -> Node:
    match = re.fullmatch(r"cluster\.egress/([^/]+)/([^/]+)/([^/]+)\.upstream_rq_total", stat)
    if match is None:
        raise ValueError(f"stat: {stat!r} is not allowed; allowed: what {FILTER} matches")
    return Node(*match.groups())


def _pods(values: Mapping[str, int]) -> dict[Node, dict[str, Answers]]:
    """Node → a pod's address → what it was asked. A pod that answers at two ports is one."""
    found: dict[Node, dict[str, Answers]] = defaultdict(dict)
    for name, value in values.items():
        match = _ENDPOINT.fullmatch(name)
        if match:
            pods, address = found[Node(*match.group("namespace", "service", "node"))], match["address"]
            pods[address] = pods.get(address, Answers()) + Answers(value, value if match["what"] == "error" else 0)
    return found


_ENDPOINT = re.compile(
    r"cluster\.endpoints/egress/(?P<namespace>[^/]+)/(?P<service>[^/]+)/(?P<node>[^/]+)"
    r"\.endpoint\.(?P<address>[0-9.]+)_\d+\.rq_(?P<what>success|error)"
)


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
