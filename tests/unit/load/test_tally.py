from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from lab.load.latency import Latencies
from lab.load.tally import Outcome, Tally

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)

outcomes = st.builds(
    Outcome,
    at=st.just(AT),
    latency_ms=st.floats(0, 1e5),
    failure=st.none() | st.just("no answer"),
    node=st.sampled_from(["nodejs/v1", "nodejs/v2", "unknown"]),
    node_failed=st.booleans(),
)


@given(st.lists(st.none() | outcomes), st.integers(0, 5))
def test_nothing_is_lost(ends: list[Outcome | None], unfinished: int) -> None:
    """Every request that was sent is in flight or in exactly one node's count; a dropped one is a failed one."""
    tally = Tally(AT)
    for _ in range(unfinished):
        tally.begin()
    for end in ends:
        tally.begin()
        if end is None:
            tally.drop(AT, 1)
        else:
            tally.end(end)
    report = tally.report(None)

    assert report["sent"] == len(ends) + unfinished
    assert report["sent"] == report["in_flight"] + sum(node["requests"] for node in report["by_node"].values())
    assert report["dropped"] == ends.count(None)
    assert report["failed"] == sum(end is None or end.failure is not None for end in ends)


def test_first_failures_are_kept() -> None:
    """The report has the first twenty failures, each with time, node and words."""
    tally = Tally(AT)
    for number in range(30):
        tally.begin()
        tally.end(Outcome(AT, 1.0, f"status {number}", "nodejs/v2", node_failed=True))
    report = tally.report(AT)

    assert len(report["failures"]) == 20
    assert report["failures"][0] == {"at": AT.isoformat(), "node": "nodejs/v2", "what": "status 0"}


def test_no_latency_without_answers() -> None:
    """Percentiles of nothing are None, and dropped requests have no latency."""
    tally = Tally(AT)
    tally.begin()
    tally.drop(AT, 1)

    assert tally.report(None)["latency_ms"] == {"p50": None, "p95": None, "p99": None}


@given(st.lists(st.floats(0.01, 1e6), min_size=1), st.floats(0.01, 1))
def test_quantiles(latencies: list[float], share: float) -> None:
    """A quantile is at most two per cent above the exact one, and never below it."""
    found = Latencies()
    for latency in latencies:
        found.add(latency)
    [quantile] = found.quantiles([share])
    exact = sorted(latencies)[max(0, -int(-share * len(latencies) // 1) - 1)]

    assert quantile is not None
    assert exact * 0.999 <= quantile + 0.001
    assert quantile <= exact * 1.021 + 0.001
