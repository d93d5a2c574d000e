"""What the nodes did, read back from CloudWatch by the telemetry contract (DESIGN, section 6).

Sums are fetched as they were put and added up here by timestamp: metric expressions and statistics such
as `TC(…)` are refused or silently misread where this has to run as well.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from canario.adapters import aws
from canario.canary.ports import NodeCounts, Target
from canario.errors import InvalidInput, RemoteError

QUERIES_A_CALL = 500
MINUTE = 60
COMPLETE = {"Complete", "PartialData"}  # PartialData: the rest is on the next page

Query = dict[str, Any]  # one entry of MetricDataQueries
Sums = dict[datetime, float]


@dataclass(frozen=True)
class Series:
    """One metric of one node; `edge` in milliseconds where there is one series an edge."""

    metric: str
    edge: float | None = None

    def dimensions(self, target: Target, node: str) -> list[dict[str, str]]:
        named = {"Workshop": target.workshop, "Service": target.service, "Node": node}
        if self.edge is not None:
            named["Edge"] = f"{self.edge:.10g}"
        return [{"Name": name, "Value": value} for name, value in named.items()]


class NodeMetrics:
    """`Requests`, `Errors` and `Slower` of one node, summed into windows."""

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

        A window in which one of the series has no datapoint is absent: a collector that counted no error
        puts a zero. Raises InvalidInput when windows do not end where CloudWatch's periods do, RemoteError.
        """
        period = _period(start, window_seconds)
        windows = list(_windows(start, end, window_seconds))
        if not windows:
            return []
        series = [Series("Requests"), Series("Errors"), *(Series("Slower", edge) for edge in edges)]
        what = f"reading the metrics of the node {node} of {target.key} from {self._namespace}"
        queries = [self._query(each, number, target, node, period) for number, each in enumerate(series)]
        until = windows[-1] + timedelta(seconds=window_seconds)
        with aws.doing(what):
            sums = self._sums(what, queries, start, until)
        columns = [_into_windows(sums[query["Id"]], start, window_seconds) for query in queries]
        return [_counts(window, columns) for window in windows if all(window in column for column in columns)]

    def _query(self, series: Series, number: int, target: Target, node: str, period: int) -> Query:
        metric = {
            "Namespace": self._namespace,
            "MetricName": series.metric,
            "Dimensions": series.dimensions(target, node),
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
        for first in range(0, len(queries), QUERIES_A_CALL):
            pages = self._client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries[first : first + QUERIES_A_CALL],
                StartTime=start,
                EndTime=end,
                ScanBy="TimestampAscending",
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


def _windows(start: datetime, end: datetime, window_seconds: int) -> Iterator[datetime]:
    window = timedelta(seconds=window_seconds)
    while start + window <= end:
        yield start
        start += window


def _into_windows(sums: Sums, start: datetime, window_seconds: int) -> dict[datetime, int]:
    """Window's start → count, for the windows that have a datapoint."""
    window = timedelta(seconds=window_seconds)
    counts: dict[datetime, int] = defaultdict(int)
    for timestamp, value in sums.items():
        counts[start + (timestamp - start) // window * window] += round(value)
    return counts


def _counts(window: datetime, columns: Sequence[dict[datetime, int]]) -> NodeCounts:
    requests, errors, *slower = (column[window] for column in columns)
    return NodeCounts(window.astimezone(UTC), requests, errors, tuple(slower))
