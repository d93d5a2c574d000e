from dataclasses import replace

from canario.telemetry.counts import Answers, Counts, Node
from lab.envoy.bootstrap import LATENCY_EDGES
from lab.telemetry.reading import parse
from lab.telemetry.scraper import Caller, Proxy, callers

PREFIX = "cluster.egress/ns/nodejs/"


def stats(**values: int) -> dict:
    buckets = [{"upper_bound": edge, "cumulative": count} for edge, count in ((10, 3), (100, 5), (3_600_000, 6))]
    histogram = {"name": f"{PREFIX}a.upstream_rq_time", "buckets": buckets}
    counters = [{"name": name, "value": value} for name, value in values.items()]
    return {"stats": [*counters, {"histograms": [histogram]}]}


def test_parse() -> None:
    """A cluster's counters are its node's counts; the histogram's last bucket is how many were answered."""
    values = {
        f"{PREFIX}a.upstream_rq_total": 9,
        f"{PREFIX}a.upstream_rq_completed": 8,
        f"{PREFIX}a.upstream_rq_5xx": 2,
        f"{PREFIX}a.retry.upstream_rq_completed": 7,
        "server.uptime": 40,
    }
    found = parse(stats(**values), now=100.0)

    assert found.started == 60.0
    assert found.nodes == {Node("ns", "nodejs", "a"): Counts(8, 2, 6, {10.0: 3, 100.0: 1})}


def test_a_mended_answer_is_an_error() -> None:
    """A request that was answered 5xx and then, sent again, well is an error, once; a mended connection is none."""
    values = {
        f"{PREFIX}a.upstream_rq_total": 9,
        f"{PREFIX}a.upstream_rq_completed": 6,
        f"{PREFIX}a.upstream_rq_retry_success": 3,
        f"{PREFIX}a.retry.upstream_rq_5xx": 2,
    }
    found = parse(stats(**values), now=100.0).nodes[Node("ns", "nodejs", "a")]
    later = replace(found, requests=8, errors=1, retried_5xx=5)  # one more, answered 5xx until nobody asked again

    assert (6, 2) == (found.since(Counts()).requests, found.since(Counts()).errors)
    assert (2, 1) == (later.since(found).requests, later.since(found).errors)


def test_never_called() -> None:
    """A cluster without calls has no counters but its total: zeros, for every edge of the bootstrap."""
    found = parse(stats(**{f"{PREFIX}b.upstream_rq_total": 0}), now=0.0)

    assert found.nodes[Node("ns", "nodejs", "b")] == Counts(0, 0, 0, {float(edge): 0 for edge in LATENCY_EDGES})


def test_pods() -> None:
    """Each endpoint of the cluster behind is a pod by its address; what the caller forgot began again."""
    endpoint = "cluster.endpoints/egress/ns/nodejs/a.endpoint.127.9.16"
    values = {
        f"{PREFIX}a.upstream_rq_total": 9,
        f"{endpoint}.2_3000.rq_success": 7,
        f"{endpoint}.2_3000.rq_error": 1,
        f"{endpoint}.3_3000.rq_success": 0,
        f"{endpoint}.3_3000.rq_error": 4,
    }
    found = parse(stats(**values), now=0.0).nodes[Node("ns", "nodejs", "a")]
    rebuilt = replace(found, pods={"127.9.16.2": Answers(3, 0), "127.9.16.4": Answers(2, 2)})
    more = replace(found, pods={"127.9.16.2": Answers(9, 2)})

    assert {"127.9.16.2": Answers(8, 1), "127.9.16.3": Answers(4, 4)} == found.pods
    assert rebuilt.pods == rebuilt.since(found).pods
    assert {"127.9.16.2": Answers(1, 1)} == more.since(found).pods
    assert {"127.9.16.2": Answers(11, 1), "127.9.16.3": Answers(4, 4), "127.9.16.4": Answers(2, 2)} == (
        found + rebuilt
    ).pods


def pod(phase: str = "Running", container: str = "envoy", **metadata: str) -> dict:
    named = {"uid": "u", "namespace": "ns", "name": "p", "creationTimestamp": "1970-01-01T00:01:00Z", **metadata}
    status = {"phase": phase, "podIP": "127.9.16.1"}
    return {"metadata": named, "spec": {"containers": [{"name": container}]}, "status": status}


def test_callers() -> None:
    """Pods that run with a sidecar are callers, to their last moment."""
    ending = pod(deletionTimestamp="1970-01-01T00:02:00Z")
    found = callers([pod(), pod(phase="Pending"), pod(container="app"), ending])

    proxy = Proxy("u", 60.0)
    assert found == [Caller(proxy, "ns/p", "127.9.16.1", False), Caller(proxy, "ns/p", "127.9.16.1", True)]
