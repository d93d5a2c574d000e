"""What one Istio proxy's text says (tests/istio_text.py: the shape of recordings, no Istio's own)."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.collector.proxies import samples
from canario.telemetry.counts import Counts, Node, Reading
from canario.telemetry.istio import EDGES, SAME_PROCESS_SECONDS, callees, callers, reading
from canario.telemetry.ledger import Ledger, Proxy
from tests.istio_text import IstioProxy, Series
from tests.unit.collector.objects import pod, routes

BASELINE, CANARY = Node("ns", "nodejs", "nodejs-app"), Node("ns", "nodejs", "nodejsv2-app")
NOW = 10_000.0


def read(*series: Series, uptime: int = 100, now: float = NOW, **proxy: object) -> Reading:
    text = IstioProxy(uptime, list(series), **proxy).text()
    return reading(samples(text), callees(routes()), "ns", now)


def test_nodes_are_the_routes() -> None:
    """A node is the Service that a route sends to; its service is the route's parent: the contract's dimensions."""
    found = callees(routes())

    assert found["ns", "nodejsv2-app"] == (CANARY,)
    assert found["ns", "crystal-app"] == (Node("ns", "crystal", "crystal-app"),)
    assert set(found) == {("ns", f"{each}-app") for each in ("frontend", "nodejs", "nodejsv2", "crystal")}


def test_a_gateways_route_makes_no_service() -> None:
    """Its parent is a Gateway; what it sends to is a node by the service's own route."""
    route = {
        "metadata": {"name": "in", "namespace": "ns"},
        "spec": {"parentRefs": [{"name": "ingress-gw"}], "rules": [{"backendRefs": [{"name": "nodejs-app"}]}]},
    }

    assert callees([route]) == {}
    assert callees([*routes(), route]) == callees(routes())


@pytest.mark.parametrize(
    ("code", "flags", "errors", "answered"),
    [
        pytest.param(200, "-", 0, 1, id="answered"),
        pytest.param(404, "-", 0, 1, id="not found"),
        pytest.param(500, "-", 1, 1, id="answered with 500"),
        pytest.param(503, "UF,URX", 1, 0, id="nobody listens"),
        pytest.param(503, "UH", 1, 0, id="no endpoints"),
        pytest.param(504, "UT", 1, 0, id="no answer in time"),
        pytest.param(0, "DC", 1, 0, id="the client would not wait"),
        pytest.param(200, "UC", 0, 1, id="broke off after its headers"),
    ],
)
def test_how_a_request_ends(code: int, flags: str, errors: int, answered: int) -> None:
    """An error is a 5xx or no answer; what was never answered has no time."""
    counts = read(Series("nodejsv2-app", code, flags, workload="unknown")).nodes[CANARY]

    assert (1, errors, answered) == (counts.requests, counts.errors, counts.answered)


def test_slower() -> None:
    """Requests over an edge, summed over all series of a node; only edges that are buckets are there."""
    counts = read(
        Series("nodejs-app", times=(0.4, 7, 30)), Series("nodejs-app", 500, times=(80.0,)), Series("crystal-app")
    ).nodes[BASELINE]

    assert {0.5: 3, 10: 2, 50: 1, 100: 0}.items() <= counts.slower.items()
    assert set(counts.slower) == set(EDGES)


def test_a_proxy_with_buckets_of_its_own() -> None:
    """Its edges are those, also for a node that it did not call."""
    found = read(Series("nodejs-app", times=(7.0,)), buckets=(5, 20)).nodes

    assert found[BASELINE].slower == {5: 1, 20: 0}
    assert found[CANARY].slower == {5: 0, 20: 0}


def test_what_others_report_and_what_is_no_node_is_left_out() -> None:
    """The callee's own side, traffic that passes through, and another namespace's nodes."""
    found = read(
        Series("nodejs-app"),
        Series("nodejs-app", reporter="destination"),
        Series("PassthroughCluster"),
        Series("nodejs-app", namespace="other"),
    ).nodes

    assert found[BASELINE].requests == 1
    assert sum(counts.requests for counts in found.values()) == 1


def test_never_called() -> None:
    """A proxy that has called nobody tells zeros of its namespace's nodes, and nothing of another's."""
    text = IstioProxy().text()

    assert reading(samples(text), callees(routes()), "ns", NOW).nodes[CANARY] == Counts(slower=dict.fromkeys(EDGES, 0))
    assert reading(samples(text), callees(routes()), "other", NOW).nodes == {}


def test_without_uptime_nothing_is_believed() -> None:
    """A restart could not be told."""
    with pytest.raises(ValueError, match="envoy_server_uptime"):
        reading(samples("istio_requests_total{} 1\n"), {}, "ns", NOW)


def test_callers() -> None:
    """Pods with a sidecar of either kind, in the workshops' namespaces, that run; the ending ones too."""
    ending = pod("ending", deletionTimestamp="2026-01-01T00:00:00Z")
    pending = {**pod("pending"), "status": {"phase": "Pending"}}
    bare = {**pod("bare"), "spec": {"containers": [{"name": "frontend-app"}]}}
    found = callers([pod("a"), pod("b", native=True), ending, pending, bare], ["ns"])

    assert [(each.name, each.terminating) for each in found] == [("a", False), ("b", False), ("ending", True)]
    assert callers([pod("a")], ["other"]) == []


@dataclass
class Life:
    """A model of a proxy: requests by node in its present life, and what nobody could have read."""

    started: float
    counted: dict[str, list[float]] = field(default_factory=lambda: {"nodejs-app": [], "nodejsv2-app": []})
    read: int = 0

    @property
    def total(self) -> int:
        return sum(map(len, self.counted.values()))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.sampled_from(["nodejs-app", "nodejsv2-app"]), st.floats(0.1, 9000)),
        st.tuples(st.just("scrape"), st.floats(0, 5)),
        st.tuples(st.just("restart")),
    ),
    max_size=25,
)


@given(steps)
def test_resets(steps: list[tuple]) -> None:
    """However calls, readings and restarts interleave, and however old the uptime that a proxy tells is (up to a
    flush), every request is told once, but for what a proxy had counted after its last reading."""
    ledger, now, lost, called, told = Ledger(since=0.0, same_process=SAME_PROCESS_SECONDS), 100.0, 0, 0, 0
    life, proxy, known = Life(now), Proxy("uid", 50.0), callees(routes())
    for step in [*steps, ("scrape", 0.0)]:
        now += SAME_PROCESS_SECONDS + 6  # a life is longer than what tells two apart
        match step:
            case ("call", node, milliseconds):
                life.counted[node].append(milliseconds)
                called += 1
            case ("restart",):
                lost += life.total - life.read
                life = Life(now)
            case ("scrape", old):
                series = [Series(node, times=times) for node, times in life.counted.items() if times]
                text = IstioProxy(int(max(0.0, now - life.started - old)), series).text()
                ledger, new = ledger.advance({proxy: reading(samples(text), known, "ns", now)})
                life.read = life.total
                told += sum(counts.requests for counts in new.values())
                assert all(0 <= slow <= counts.answered for counts in new.values() for slow in counts.slower.values())

    assert told == called - lost
