"""Windows out of datapoints: what is refused, what adds up, what is never counted twice."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canario.adapters.cloudwatch import NodeMetrics
from canario.canary.observation import Tally
from canario.canary.ports import NodeCounts, Target, Wanted
from canario.errors import InvalidInput, RemoteError
from tests.fakes import NOW

TARGET = Target("default", "appmesh", "ns", "nodejs-router", "nodejs", "nodejs-app", "nodejsv2-app")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class CloudWatch:
    """Requests by second; an error for every tenth of them. Two datapoints a page, as many pages as it takes."""

    def __init__(self, requests: Mapping[int, int], status: str = "Complete") -> None:
        self.requests, self.status = requests, status

    def get_paginator(self, _: str) -> "CloudWatch":
        return self

    def paginate(self, MetricDataQueries: Any, StartTime: datetime, EndTime: datetime, **_: Any) -> Iterator[Any]:  # noqa: N803
        seconds = [second for second in sorted(self.requests) if StartTime <= at(second) < EndTime]
        for first in range(0, len(seconds), 2):
            page = seconds[first : first + 2]
            status = self.status if first + 2 >= len(seconds) else "PartialData"
            yield {"MetricDataResults": [self._result(query, page, status) for query in MetricDataQueries]}

    def _result(self, query: Any, page: list[int], status: str) -> Any:
        tenths = 1 if query["MetricStat"]["Metric"]["MetricName"] == "Requests" else 10
        values = [float(self.requests[second] // tenths) for second in page]
        return {"Id": query["Id"], "Timestamps": list(map(at, page)), "Values": values, "StatusCode": status}


def read(client: Any, start: float, end: float, window: int) -> list[NodeCounts]:
    return list(NodeMetrics(client).read(TARGET, TARGET.canary, at(start), at(end), window, []))


@pytest.mark.parametrize(
    ("start", "window", "field"),
    [(0, 0, "window_seconds"), (0, 90, "window_seconds"), (10, 60, "start"), (0.5, 10, "start")],
)
def test_windows_that_cut_a_period_are_refused(start: float, window: int, field: str):
    """CloudWatch cannot split its periods; a window that would need it is refused by the field's name."""
    with pytest.raises(InvalidInput, match=field):
        read(CloudWatch({}), start, 3600, window)


def test_a_series_that_failed_is_an_error():
    """A failed query inside a successful answer is not taken for absent data."""
    with pytest.raises(RemoteError, match=r"reading the metrics of the node nodejsv2-app .*: Forbidden"):
        read(CloudWatch({0: 1}, "Forbidden"), 0, 10, 10)


seconds = st.dictionaries(st.integers(0, 119), st.integers(0, 1000), max_size=30)


@given(seconds, st.integers(1, 59))
def test_every_datapoint_is_counted_once(requests: dict[int, int], window: int):
    """The windows' requests are those of all datapoints that lie in whole windows, however many pages they fill."""
    end = 120 // window * window

    assert sum(count for second, count in requests.items() if second < end) == sum(
        counts.requests for counts in read(CloudWatch(requests), 0, 120, window)
    )


@given(seconds, st.integers(1, 20), st.integers(0, 6))
def test_reading_in_two_steps_is_reading_once(requests: dict[int, int], window: int, windows: int):
    """Where one reading ends the next begins: nothing is lost or seen twice in between."""
    client, middle = CloudWatch(requests), windows * window

    assert read(client, 0, 120, window) == read(client, 0, middle, window) + read(client, middle, 120, window)


@given(seconds, st.integers(1, 59))
def test_windows_are_those_with_data(requests: dict[int, int], window: int):
    """A window is there exactly when it has a datapoint, one of zero requests included."""
    ends = 120 // window
    expected = sorted({second // window for second in requests if second // window < ends})

    assert [at(number * window) for number in expected] == [
        counts.start for counts in read(CloudWatch(requests), 0, 120, window)
    ]


class PerPod(CloudWatch):
    """A node's own series, and those of the pods that have any."""

    def __init__(self, pods: Mapping[str, Mapping[int, int]]) -> None:
        super().__init__(dict.fromkeys(range(20), 100))
        self.pods, self.series = pods, 0

    def paginate(self, MetricDataQueries: Any, StartTime: datetime, EndTime: datetime, **_: Any) -> Iterator[Any]:  # noqa: N803
        self.series = max(self.series, len(MetricDataQueries))
        for query in MetricDataQueries:
            dimensions = {each["Name"]: each["Value"] for each in query["MetricStat"]["Metric"]["Dimensions"]}
            self.requests = self.pods.get(dimensions["Pod"], {}) if "Pod" in dimensions else dict.fromkeys(range(20), 9)
            there = [second for second in self.requests if StartTime <= at(second) < EndTime]
            yield {"MetricDataResults": [self._result(query, there, "Complete")]}


def test_pods_are_read_with_their_node_window_by_window():
    """A pod is in the windows that it has data of; one that nobody told of is in none, and neither is missed."""
    client = PerPod({"a": {1: 30, 2: 20, 12: 10}, "b": {3: 10}})
    wanted = Wanted(TARGET, TARGET.canary, at(0), at(20), 10, pods=("a", "b", "gone"))
    [first, second] = NodeMetrics(client).read_many([wanted])[0]

    assert {"a": Tally(50, 5), "b": Tally(10, 1)} == first.pods
    assert {"a": Tally(10, 1)} == second.pods
    assert (90, 90) == (first.requests, second.requests)


def test_pods_beyond_a_calls_series_are_read_by_the_next():
    """Every call has 500 series at most, however many pods there are."""
    names = tuple(f"p{number}" for number in range(400))
    client = PerPod({name: {1: 10} for name in names})
    [[first, _]] = NodeMetrics(client).read_many([Wanted(TARGET, TARGET.canary, at(0), at(20), 10, pods=names)])

    assert set(names) == set(first.pods)
    assert 500 == client.series
