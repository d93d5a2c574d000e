"""Counts and response times."""

from hypothesis import given
from hypothesis import strategies as st

from lab.telemetry.xray.hops import Hop, Service
from lab.telemetry.xray.segments import Segment
from lab.telemetry.xray.statistics import histogram, series, summary
from tests.unit.xray.documents import segment_id, trace_id

segments = st.builds(
    lambda number, start, took, fault, error, throttle: Segment(
        segment_id(number), trace_id(), None, "a", start, start + took, fault=fault, error=error, throttle=throttle
    ),
    st.integers(0, 2**64 - 1),
    st.floats(0, 1e6),
    st.floats(0, 60),
    *(st.booleans() for _ in range(3)),
)


@given(st.lists(segments))
def test_every_segment_counts_once(found: list[Segment]) -> None:
    """The kinds of outcome add up to the requests, and so does the histogram."""
    counts = summary(found)

    parts = counts["OkCount"], counts["ErrorStatistics"]["TotalCount"], counts["FaultStatistics"]["TotalCount"]
    assert len(found) == counts["TotalCount"] == sum(parts)
    assert len(found) == sum(bucket["Count"] for bucket in histogram(found))


@given(st.lists(segments), st.sampled_from([1, 5, 60, 300]))
def test_periods_part_the_requests(found: list[Segment], period: int) -> None:
    """Every request is in exactly one period, which begins at a multiple of its length; empty ones are absent."""
    periods = series([Hop(None, Service("a"), each) for each in found], period, edge=False)

    assert len(found) == sum(each["ServiceSummaryStatistics"]["TotalCount"] for each in periods)
    assert all(each["Timestamp"] % period == 0 for each in periods)
    assert all(each["ServiceSummaryStatistics"]["TotalCount"] for each in periods)
    assert sorted({each["Timestamp"] for each in periods}) == [each["Timestamp"] for each in periods]


def test_histogram_values_have_two_digits() -> None:
    """Times that differ by less than a hundredth are one value, so that a histogram stays short."""
    found = [Segment(segment_id(i), trace_id(), None, "a", 0.0, took) for i, took in enumerate((0.0123, 0.0124, 1.26))]

    assert [{"Value": 0.012, "Count": 2}, {"Value": 1.3, "Count": 1}] == histogram(found)


def test_a_fault_is_counted_before_an_error() -> None:
    """A segment with several marks is what is worst; throttling is an error of its own kind."""
    found = [
        Segment(segment_id(1), trace_id(), None, "a", 0.0, 1.0, fault=True, error=True),
        Segment(segment_id(2), trace_id(), None, "a", 0.0, 1.0, error=True, throttle=True),
        Segment(segment_id(3), trace_id(), None, "a", 0.0, 1.0, error=True),
    ]
    counts = summary(found)

    assert {"ThrottleCount": 1, "OtherCount": 1, "TotalCount": 2} == counts["ErrorStatistics"]
    assert {"OtherCount": 1, "TotalCount": 1} == counts["FaultStatistics"]
    assert 3.0 == counts["TotalResponseTime"]
