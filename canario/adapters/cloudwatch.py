"""What the nodes did, read back from CloudWatch by the telemetry contract (DESIGN, section 6).

Sums are fetched as they were put and added up here by timestamp: metric expressions and statistics such
as `TC(…)` are refused or silently misread where this has to run as well.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from canario.adapters import aws
from canario.canary.observation import Tally
from canario.canary.ports import NodeCounts, Target, Wanted
from canario.errors import InvalidInput, RemoteError

QUERIES_A_CALL = 500
MINUTE = 60
COMPLETE = {"Complete", "PartialData"}  # PartialData: the rest is on the next page

Query = dict[str, Any]  # one entry of MetricDataQueries
Sums = dict[datetime, float]
Column = Mapping[datetime, int]  # window's start → count


@dataclass(frozen=True)
class Series:
    """One metric of one node; `edge` in milliseconds where there is one series an edge, `pod` where one a pod."""

    metric: str
    edge: float | None = None
    pod: str | None = None

    def dimensions(self, target: Target, node: str) -> list[dict[str, str]]:
        named = {"Workshop": target.workshop, "Service": target.service, "Node": node}
        if self.edge is not None:
            named["Edge"] = f"{self.edge:.10g}"
        if self.pod is not None:
            named["Pod"] = self.pod
        return [{"Name": name, "Value": value} for name, value in named.items()]


class NodeMetrics:
    """`Requests`, `Errors` and `Slower` of nodes, summed into windows."""

    def __init__(self, client: Any, namespace: str = "Canario/Mesh") -> None:
        self._client, self._namespace = client, namespace

    def read(
        self,
        target: Target,
        node: str,
        start: datetime,
        end: datetime,
        window_seconds: int,
        edges: Sequence[float],
    ) -> Sequence[NodeCounts]:
        """The node's counters for the whole windows in [start, end), by metric timestamp.

        A window without a datapoint of `Requests` or of `Errors` is absent: a collector that counted no error
        puts a zero. Where an edge's is missing, `slower` is None. Raises InvalidInput when windows do not end where
        CloudWatch's periods do, RemoteError.
        """
        return self.read_many([Wanted(target, node, start, end, window_seconds, tuple(edges))])[0]

    def read_many(self, wanted: Sequence[Wanted]) -> Sequence[Sequence[NodeCounts]]:
        """`read` for each of them, in their order.

        One call has up to 500 series and one range of time, so nodes of many rollouts share it. A range is as long as
        the longest that shares it; what a node did not ask for is left out here.
        """
        series = [_series(each) for each in wanted]
        sums: dict[tuple[int, Series], Sums] = {}
        for batch in _batches(wanted, series):
            sums |= self._read_batch(batch, wanted)
        return [
            _node(each, [_into_windows(sums.get((number, one), {}), each) for one in series[number]])
            for number, each in enumerate(wanted)
        ]

    def _read_batch(self, batch: "Batch", wanted: Sequence[Wanted]) -> dict[tuple[int, Series], Sums]:
        numbers = dict.fromkeys(number for number, _ in batch.asked)
        what = f"reading the metrics of {_nodes([wanted[number] for number in numbers])} from {self._namespace}"
        queries = [
            self._query(series, place, wanted[number], batch.period)
            for place, (number, series) in enumerate(batch.asked)
        ]
        with aws.doing(what):
            sums = self._sums(what, queries, batch.start, batch.end)
        return {asked: sums[query["Id"]] for query, asked in zip(queries, batch.asked, strict=True)}

    def _query(self, series: Series, number: int, wanted: Wanted, period: int) -> Query:
        metric = {
            "Namespace": self._namespace,
            "MetricName": series.metric,
            "Dimensions": series.dimensions(wanted.target, wanted.node),
        }
        return {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": period, "Stat": "Sum"}}

    def _sums(self, what: str, queries: list[Query], start: datetime, end: datetime) -> dict[str, Sums]:
        """Every query's datapoints, all pages: query id → timestamp → sum."""
        sums: dict[str, Sums] = defaultdict(dict)
        for result in self._results(queries, start, end):
            if result.get("StatusCode", "Complete") not in COMPLETE:
                raise RemoteError(f"{what}: {result['StatusCode']}: {result.get('Messages')}")
            sums[result["Id"]].update(zip(result["Timestamps"], result["Values"], strict=True))
        return sums

    def _results(self, queries: list[Query], start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=start, EndTime=end, ScanBy="TimestampAscending"
        )
        for page in pages:
            yield from page["MetricDataResults"]


def _period(start: datetime, window_seconds: int) -> int:
    """Seconds. CloudWatch cuts time at whole minutes; only high-resolution metrics have seconds."""
    if window_seconds < 1:
        raise InvalidInput("window_seconds", window_seconds, "1 or more")
    period = 1 if window_seconds < MINUTE else MINUTE
    if window_seconds % period:
        raise InvalidInput("window_seconds", window_seconds, "less than 60, or whole minutes")
    if start.timestamp() % period:
        raise InvalidInput("start", start.isoformat(), f"a time divisible by {period} s")
    return period


def _windows(wanted: Wanted) -> Iterator[datetime]:
    window, start = timedelta(seconds=wanted.window_seconds), wanted.start
    while start + window <= wanted.end:
        yield start
        start += window


@dataclass(frozen=True)
class Batch:
    """What one call reads: series of nodes, which are numbers in a list of Wanted."""

    period: int
    asked: tuple[tuple[int, Series], ...]
    start: datetime
    end: datetime


def _batches(wanted: Sequence[Wanted], series: Sequence[Sequence[Series]]) -> list[Batch]:
    """The fewest calls, neighbours in time together. Whoever asked for no whole window is in none of them."""
    ranges: dict[int, tuple[datetime, datetime]] = {}
    periods: dict[int, list[int]] = defaultdict(list)
    for number, each in enumerate(wanted):
        period, windows = _period(each.start, each.window_seconds), list(_windows(each))
        if windows:
            ranges[number] = windows[0], windows[-1] + timedelta(seconds=each.window_seconds)
            periods[period].append(number)
    found = []
    for period, numbers in periods.items():
        asked = [(number, one) for number in sorted(numbers, key=ranges.__getitem__) for one in series[number]]
        for first in range(0, len(asked), QUERIES_A_CALL):
            part = tuple(asked[first : first + QUERIES_A_CALL])
            starts, ends = zip(*(ranges[number] for number, _ in part), strict=True)
            found.append(Batch(period, part, min(starts), max(ends)))
    return found


def _series(wanted: Wanted) -> list[Series]:
    edges = [Series("Slower", edge) for edge in wanted.edges]
    pods = [Series(metric, pod=pod) for pod in wanted.pods for metric in ("Requests", "Errors")]
    return [Series("Requests"), Series("Errors"), *edges, *pods]


def _nodes(wanted: Sequence[Wanted]) -> str:
    named = [f"the node {each.node} of {each.target.key}" for each in wanted[:2]]
    more = f" and {len(wanted) - 2} more" if len(wanted) > 2 else ""
    return f"{' and '.join(named)}{more}"


def _into_windows(sums: Sums, wanted: Wanted) -> dict[datetime, int]:
    """Window's start → count, for the windows that have a datapoint and were asked for."""
    window = timedelta(seconds=wanted.window_seconds)
    counts: dict[datetime, int] = defaultdict(int)
    for timestamp, value in sums.items():
        if wanted.start <= timestamp < wanted.end:
            counts[wanted.start + (timestamp - wanted.start) // window * window] += round(value)
    return counts


def _node(wanted: Wanted, columns: Sequence[dict[datetime, int]]) -> list[NodeCounts]:
    """A window counts when it has requests and errors; its `slower` is there when every edge is.

    A pod is in it when the pod's own requests and errors are.
    """
    requests, errors, *others = columns
    edges, pods = others[: len(wanted.edges)], others[len(wanted.edges) :]
    return [
        NodeCounts(
            window.astimezone(UTC),
            requests[window],
            errors[window],
            _slower(window, edges),
            _pods(window, dict(zip(wanted.pods, zip(pods[::2], pods[1::2], strict=True), strict=True))),
        )
        for window in _windows(wanted)
        if window in requests and window in errors
    ]


def _pods(window: datetime, columns: Mapping[str, tuple[Column, Column]]) -> dict[str, Tally]:
    """Of the pods that have both. Two series of a pod are read at two instants, and one may be ahead."""
    return {
        pod: Tally(requests[window], min(requests[window], errors[window]))
        for pod, (requests, errors) in columns.items()
        if window in requests and window in errors
    }


def _slower(window: datetime, edges: Sequence[dict[datetime, int]]) -> tuple[int, ...] | None:
    return tuple(edge[window] for edge in edges) if all(window in edge for edge in edges) else None
