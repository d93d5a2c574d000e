"""What the nodes did, read back from CloudWatch by the telemetry contract (DESIGN, section 6).

Sums are fetched as they were put and added up here by timestamp: metric expressions and statistics such
as `TC(…)` are refused or silently misread where this has to run as well.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from canario.adapters import aws
from canario.adapters.metric_calls import MINUTE, Span, pack
from canario.adapters.metric_windows import Sums, into_windows, node_counts, windows_of
from canario.canary.ports import NodeCounts, Readings, Target, Wanted
from canario.errors import InvalidInput, RemoteError

CALLS_AT_ONCE = 8
COMPLETE = {"Complete", "PartialData"}  # PartialData: the rest is on the next page

Query = dict[str, Any]  # one entry of MetricDataQueries


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


Read = dict[tuple[int, Series], Sums]  # by the number of who wanted it


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

        One call has many series and one range of time, so nodes of many rollouts share it. A range is as long as the
        longest that shares it; what a node did not ask for is left out here.
        """
        series = [_series(each) for each in wanted]
        sums: Read = {}
        for batch in _batches(wanted, series):
            sums |= self._read_batch(batch, wanted)
        return [node_counts(each, _columns(number, each, series[number], sums)) for number, each in enumerate(wanted)]

    def read_together(self, wanted: Sequence[Wanted]) -> Readings:
        """`read_many`, several calls at a time. What cannot be read is None, the rest is there."""
        series = [_series(each) for each in wanted]
        problems = {number: why for number, each in enumerate(wanted) if (why := _refusal(each))}
        batches = _batches([None if number in problems else each for number, each in enumerate(wanted)], series)
        sums: Read = {}
        for batch, (read, problem) in zip(batches, self._at_once(batches, wanted), strict=True):
            sums |= read
            problems |= {number: problem for number, _ in batch.asked if problem}
        answers = [
            None if number in problems else node_counts(each, _columns(number, each, series[number], sums))
            for number, each in enumerate(wanted)
        ]
        asked = sum(len(batch.asked) for batch in batches)
        return Readings(tuple(answers), len(batches), asked, tuple(dict.fromkeys(problems.values())))

    def _at_once(self, batches: Sequence["Batch"], wanted: Sequence[Wanted]) -> list[tuple["Read", str]]:
        """Of each batch what was read, or why it was not."""

        def attempt(batch: Batch) -> tuple[Read, str]:
            try:
                return self._read_batch(batch, wanted), ""
            except RemoteError as error:
                return {}, str(error)

        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            return list(pool.map(attempt, batches))

    def _read_batch(self, batch: "Batch", wanted: Sequence[Wanted]) -> "Read":
        numbers = dict.fromkeys(number for number, _ in batch.asked)
        what = f"reading the metrics of {_nodes([wanted[number] for number in numbers])} from {self._namespace}"
        queries = [
            self._query(series, place, wanted[number], _period(wanted[number]))
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

    def _sums(self, what: str, queries: list[Query], start: datetime, end: datetime) -> Mapping[str, Sums]:
        """Every query's datapoints, all pages: query id → timestamp → sum."""
        sums: dict[str, dict[datetime, float]] = defaultdict(dict)
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


def _period(wanted: Wanted) -> int:
    """Seconds. CloudWatch cuts time at whole minutes; only high-resolution metrics have seconds."""
    if wanted.window_seconds < 1:
        raise InvalidInput("window_seconds", wanted.window_seconds, "1 or more")
    period = 1 if wanted.window_seconds < MINUTE else MINUTE
    if wanted.window_seconds % period:
        raise InvalidInput("window_seconds", wanted.window_seconds, "less than 60, or whole minutes")
    if wanted.start.timestamp() % period:
        raise InvalidInput("start", wanted.start.isoformat(), f"a time divisible by {period} s")
    return period


def _refusal(wanted: Wanted) -> str:
    """Why these windows cannot be read; empty when they can."""
    try:
        _period(wanted)
    except InvalidInput as error:
        return f"the node {wanted.node} of {wanted.target.key}: {error}"
    return ""


@dataclass(frozen=True)
class Batch:
    """What one call reads: series of nodes, which are numbers in a list of Wanted."""

    asked: tuple[tuple[int, Series], ...]
    start: datetime
    end: datetime


def _batches(wanted: Sequence[Wanted | None], series: Sequence[Sequence[Series]]) -> list[Batch]:
    """The fewest calls. Whoever asked for no whole window, or is None, is in none of them."""
    asked: list[tuple[int, Series]] = []
    spans: list[Span] = []
    for number, each in enumerate(wanted):
        span = each and _span(each)
        if span:
            asked += [(number, one) for one in series[number]]
            spans += [span] * len(series[number])
    return [Batch(tuple(asked[place] for place in call.asked), call.start, call.end) for call in pack(spans)]


def _span(wanted: Wanted) -> Span | None:
    """From the first window's start to the last one's end; None where there is no whole window."""
    period, windows = _period(wanted), list(windows_of(wanted))
    return Span(windows[0], windows[-1] + timedelta(seconds=wanted.window_seconds), period) if windows else None


def _series(wanted: Wanted) -> list[Series]:
    edges = [Series("Slower", edge) for edge in wanted.edges]
    pods = [Series(metric, pod=pod) for pod in wanted.pods for metric in ("Requests", "Errors")]
    return [Series("Requests"), Series("Errors"), *edges, *pods]


def _nodes(wanted: Sequence[Wanted]) -> str:
    named = [f"the node {each.node} of {each.target.key}" for each in wanted[:2]]
    more = f" and {len(wanted) - 2} more" if len(wanted) > 2 else ""
    return f"{' and '.join(named)}{more}"


def _columns(number: int, wanted: Wanted, series: Sequence[Series], sums: Read) -> list[dict[datetime, int]]:
    return [into_windows(sums.get((number, one), {}), wanted) for one in series]
