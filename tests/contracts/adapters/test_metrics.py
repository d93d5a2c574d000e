"""The port `Metrics`: the fake, and CloudWatch by moto and by MiniStack."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from canario.adapters import aws
from canario.adapters.cloudwatch import NodeMetrics
from canario.canary.ports import Metrics, NodeCounts, Target, Wanted
from tests.fakes import FakeMetrics

NAMESPACE = "Canario/Mesh"
# CloudWatch takes datapoints of the last two weeks, and keeps seconds for three hours.
BASE = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)


def at(seconds: float) -> datetime:
    return BASE + timedelta(seconds=seconds)


@dataclass
class Collector:
    """Puts what one scrape of the callers' proxies counted, as the telemetry contract has it."""

    client: Any
    target: Target

    def put(self, seconds: float, requests: int, errors: int, slower: dict[int, int] | None = None) -> None:
        counts = [("Requests", {}, requests), ("Errors", {}, errors)]
        counts += [("Slower", {"Edge": str(edge)}, count) for edge, count in (slower or {}).items()]
        self.put_data([self.datum(name, extra, seconds, count) for name, extra, count in counts])

    def put_data(self, data: list[dict[str, Any]]) -> None:
        self.client.put_metric_data(Namespace=NAMESPACE, MetricData=data)

    def datum(self, metric: str, extra: dict[str, str], seconds: float, count: int) -> dict[str, Any]:
        target = self.target
        named = {"Workshop": target.workshop, "Service": target.service, "Node": target.canary, **extra}
        return {
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in named.items()],
            "Timestamp": at(seconds),
            "Value": count,
            "Unit": "Count",
            "StorageResolution": 1,
        }


@pytest.fixture
def collector(session: boto3.Session, target: Target) -> Collector:
    return Collector(aws.client(session, "cloudwatch"), target)


@pytest.fixture
def metrics(collector: Collector) -> NodeMetrics:
    return NodeMetrics(collector.client, NAMESPACE)


@pytest.fixture
def three_windows(aws_or_fake: boto3.Session | None, target: Target) -> Metrics:
    """Windows of ten seconds: the first has two scrapes, the second none, the third one."""
    if aws_or_fake is None:
        return FakeMetrics({target.canary: [NodeCounts(at(0), 12, 1, (3,)), NodeCounts(at(20), 7, 0, (0,))]})
    collector = Collector(aws.client(aws_or_fake, "cloudwatch"), target)
    collector.put(0, 5, 1, {250: 1})
    collector.put(9, 7, 0, {250: 2})
    collector.put(25, 7, 0, {250: 0})
    return NodeMetrics(collector.client, NAMESPACE)


def canary(metrics: Metrics, target: Target, start: float, end: float, window: int = 10) -> Sequence[NodeCounts]:
    return metrics.read(target, target.canary, at(start), at(end), window, [250.0])


def test_windows_are_sums_and_a_window_without_data_is_absent(three_windows: Metrics, target: Target):
    """Scrapes add up inside their window; the window in which nothing was put is not there at all."""
    expected = [NodeCounts(at(0), 12, 1, (3,)), NodeCounts(at(20), 7, 0, (0,))]

    assert expected == canary(three_windows, target, 0, 30)


def test_only_whole_windows_are_read(three_windows: Metrics, target: Target):
    """The window that has not ended by `end` is left for later, though it has data."""
    expected = [NodeCounts(at(0), 12, 1, (3,))]

    assert expected == canary(three_windows, target, 0, 29)


def test_no_whole_window_is_no_counts(three_windows: Metrics, target: Target):
    """A span shorter than a window is empty."""
    assert not canary(three_windows, target, 0, 9)


def test_the_other_node_has_counts_of_its_own(three_windows: Metrics, target: Target):
    """One node's requests are never counted for the other."""
    assert not three_windows.read(target, target.baseline, at(0), at(30), 10, [])


def test_another_workshop_has_counts_of_its_own(metrics: NodeMetrics, collector: Collector, target: Target):
    """Two workshops with nodes of the same names are apart."""
    collector.put(0, 5, 1)
    other = replace(target, workshop=f"{target.workshop}-2")

    assert not metrics.read(other, other.canary, at(0), at(10), 10, [])


def test_a_window_ends_where_the_next_begins(metrics: NodeMetrics, collector: Collector, target: Target):
    """A datapoint at a window's very end belongs to the next window."""
    collector.put(9, 1, 0)
    collector.put(10, 2, 0)
    read = metrics.read(target, target.canary, at(0), at(20), 10, [])

    assert [(at(0), 1), (at(10), 2)] == [(counts.start, counts.requests) for counts in read]


def test_windows_of_minutes(metrics: NodeMetrics, collector: Collector, target: Target):
    """Windows of whole minutes add up whatever fell into them."""
    for second in (0, 59, 60, 119, 120):
        collector.put(second, 1, 0)
    read = metrics.read(target, target.canary, at(0), at(240), 120, [])

    assert [NodeCounts(at(0), 4, 0), NodeCounts(at(120), 1, 0)] == read


def test_a_window_that_lacks_one_series_is_absent(metrics: NodeMetrics, collector: Collector, target: Target):
    """Requests without their errors are half an observation, which is none: absent is not zero."""
    collector.put_data([collector.datum("Requests", {}, 0, 5)])
    collector.put(10, 5, 0)

    assert [NodeCounts(at(10), 5, 0)] == metrics.read(target, target.canary, at(0), at(20), 10, [])


def test_more_series_than_one_call_takes(metrics: NodeMetrics, collector: Collector, target: Target):
    """More than 500 edges are read in several calls and keep the order of the edges."""
    edges = list(range(1, 601))
    collector.put(0, 1000, 0, {edge: edge for edge in edges})
    read = metrics.read(target, target.canary, at(0), at(10), 10, edges)

    assert [tuple(edges)] == [counts.slower for counts in read]


def test_a_window_that_lacks_an_edge_has_no_slower(metrics: NodeMetrics, collector: Collector, target: Target):
    """Requests and errors are judged without their latency; nobody takes a missing edge for zero."""
    collector.put(0, 5, 1, {10: 2})
    collector.put(10, 5, 1, {10: 2, 20: 1})
    read = metrics.read(target, target.canary, at(0), at(20), 10, [10, 20])

    assert [None, (2, 1)] == [counts.slower for counts in read]


def test_many_nodes_are_read_with_the_fewest_calls(metrics: NodeMetrics, collector: Collector, target: Target):
    """A thousand nodes of two series are four calls of 500 series, each node with its own windows and no others."""
    collector.put(0, 5, 1)
    collector.put(10, 7, 0)
    mine = Wanted(target, target.canary, at(10), at(20), 10)
    others = [Wanted(target, f"other-{number}", at(0), at(10), 10) for number in range(998)]
    none = Wanted(target, target.canary, at(0), at(5), 10)
    counting = Counting(metrics._client)
    read = NodeMetrics(counting, metrics._namespace).read_many([mine, *others, none])

    assert ([NodeCounts(at(10), 7, 0)], []) == (read[0], read[-1])
    assert [[]] * 998 == read[1:-1]
    assert 4 == counting.calls


class Counting:
    """A client that counts its pages of metric data."""

    def __init__(self, client: Any) -> None:
        self._client, self.calls = client, 0

    def get_paginator(self, name: str) -> Any:
        pages = self._client.get_paginator(name)
        counting = self

        class Pages:
            def paginate(self, **arguments: Any) -> Any:
                counting.calls += 1
                return pages.paginate(**arguments)

        return Pages()
