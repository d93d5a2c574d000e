"""What one of Istio's proxies has counted, as the caller's side saw it. Pure.

Istio names a callee by the Service that a route's `backendRefs` name, which is the node's own; it knows it from the
route's cluster, so also of a node that has no endpoint left. Which service a client has called it does not tell: that
is the parent of the route. docs/telemetry.md has every label that is used.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any, Protocol

from canario.telemetry.counts import Counts, Node, Reading
from canario.telemetry.ledger import Proxy

REQUESTS, BUCKET = "istio_requests_total", "istio_request_duration_milliseconds_bucket"
UPTIME = "envoy_server_uptime"  # whole seconds
CONTAINER = "istio-proxy"

# Envoy's own buckets, in milliseconds, as far as a plan's edges reach. A proxy may be told others.
EDGES: tuple[float, ...] = (0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
LONGEST_EDGE = 10_000.0

# Envoy writes its uptime when it flushes its statistics, every 5 seconds: what it tells may be so old, and a second.
SAME_PROCESS_SECONDS = 10.0

Callee = tuple[str, str]  # namespace and Service
Callees = Mapping[Callee, tuple[Node, ...]]
Manifest = Mapping[str, Any]


class Sample(Protocol):
    """One line of Prometheus' text."""

    @property
    def name(self) -> str: ...

    @property
    def labels(self) -> Mapping[str, str]: ...

    @property
    def value(self) -> float: ...


@dataclass(frozen=True)
class Caller:
    """A pod that runs, with a proxy of Istio's: a sidecar, or a gateway."""

    proxy: Proxy
    namespace: str
    name: str
    ip: str
    terminating: bool


def callees(routes: Iterable[Manifest]) -> dict[Callee, tuple[Node, ...]]:
    """The nodes behind each Service that routes inside the mesh send to (HTTPRoutes whose parents are Services).

    A node that two services send to is a node of each: Istio's counters do not tell them apart.
    """
    found: dict[Callee, dict[Node, None]] = defaultdict(dict)
    for route in routes:
        home, spec = route["metadata"]["namespace"], route["spec"]
        parents = [_named(ref, home) for ref in spec.get("parentRefs") or () if _is_service(ref, "Gateway")]
        for rule in spec.get("rules") or ():
            for ref in rule.get("backendRefs") or ():
                if _is_service(ref, "Service"):
                    callee = _named(ref, home)
                    found[callee] |= {Node(namespace, service, callee[1]): None for namespace, service in parents}
    return {callee: tuple(nodes) for callee, nodes in found.items() if nodes}


def callers(pods: Iterable[Manifest], namespaces: Iterable[str]) -> list[Caller]:
    """The callers among these Pod objects, in these namespaces: those that run, to the last moment."""
    wanted = set(namespaces)
    return [
        Caller(
            Proxy(metadata["uid"], datetime.fromisoformat(metadata["creationTimestamp"]).timestamp()),
            metadata["namespace"],
            metadata["name"],
            pod["status"]["podIP"],
            "deletionTimestamp" in metadata,
        )
        for pod in pods
        if (metadata := pod["metadata"])["namespace"] in wanted and _has_proxy(pod)
    ]


def reading(samples: Iterable[Sample], callees: Callees, namespace: str, now: float) -> Reading:
    """A proxy's counters, read at `now` (seconds of the epoch), of the nodes that it called.

    The nodes of its own `namespace` that it never called are there with zeros. What goes to no node is left out, and
    so is what another proxy's side tells. Raises ValueError when the proxy does not tell how long it has been up.
    """
    tally = _Tally()
    for sample in samples:
        tally.add(sample)
    if tally.uptime is None:
        raise ValueError(f"there is no {UPTIME}: the proxy's statistics have been told to leave it out")
    nodes: dict[Node, Counts] = {}
    for callee, behind in callees.items():
        if callee in tally.requests or any(node.namespace == namespace for node in behind):
            nodes |= dict.fromkeys(behind, tally.counts(callee))
    return Reading(now - tally.uptime, nodes)


@dataclass
class _Tally:
    """The samples of one text, added up by callee."""

    uptime: float | None = None
    requests: dict[Callee, int] = field(default_factory=lambda: defaultdict(int))
    errors: dict[Callee, int] = field(default_factory=lambda: defaultdict(int))
    buckets: dict[Callee, dict[float, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    edges: set[float] = field(default_factory=set)

    def add(self, sample: Sample) -> None:
        labels = sample.labels
        if sample.name == UPTIME:
            self.uptime = sample.value
        if sample.name not in (REQUESTS, BUCKET) or labels.get("reporter") != "source":
            return
        callee = labels.get("destination_service_namespace", ""), labels.get("destination_service_name", "")
        count = int(sample.value)
        if sample.name == REQUESTS:
            self.requests[callee] += count
            self.errors[callee] += count if _failed(labels) else 0
        else:
            edge = float(labels["le"])
            self.edges.add(edge)
            self.buckets[callee][edge] += count if _answered(labels) else 0

    def counts(self, callee: Callee) -> Counts:
        """Every proxy tells of the same edges: its own, or Envoy's before its first answer."""
        edges = sorted(edge for edge in self.edges if edge <= LONGEST_EDGE) or EDGES
        buckets = self.buckets.get(callee, {})
        answered = buckets.get(inf, 0)
        slower = {float(edge): answered - buckets.get(edge, 0) for edge in edges}
        return Counts(self.requests.get(callee, 0), self.errors.get(callee, 0), answered, slower)


def _failed(labels: Mapping[str, str]) -> bool:
    """A 5xx, or no answer: code 0, also where the client would not wait any longer."""
    return not 0 < _code(labels) < 500


def _answered(labels: Mapping[str, str]) -> bool:
    """Not what the proxy had to answer itself, by a 5xx whose response flags say why."""
    by_proxy = labels.get("response_flags", "-") != "-" and _code(labels) >= 500
    return _code(labels) > 0 and not by_proxy


def _code(labels: Mapping[str, str]) -> int:
    text = labels.get("response_code", "")
    return int(text) if text.isdecimal() else 0


def _is_service(ref: Manifest, default: str) -> bool:
    return ref.get("kind", default) == "Service" and ref.get("group", "") in ("", "core")


def _named(ref: Manifest, home: str) -> Callee:
    return str(ref.get("namespace") or home), str(ref["name"])


def _has_proxy(pod: Manifest) -> bool:
    """As a container, or as an init container that stays: a native sidecar."""
    status, spec = pod.get("status", {}), pod["spec"]
    names = {each["name"] for each in (*spec["containers"], *(spec.get("initContainers") or ()))}
    return status.get("phase") == "Running" and bool(status.get("podIP")) and CONTAINER in names
