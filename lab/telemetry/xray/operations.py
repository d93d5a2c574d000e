"""X-Ray's operations: a request's members in, a response's out (botocore's service model `xray`)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lab.telemetry.xray import graph, sampling, statistics, summaries
from lab.telemetry.xray.expression import BadExpressionError, EdgeIs, Expression, ServiceIs
from lab.telemetry.xray.hops import Hop
from lab.telemetry.xray.match import matches, selected
from lab.telemetry.xray.parser import parse
from lab.telemetry.xray.segments import BadSegmentError
from lab.telemetry.xray.segments import parse as parse_segment
from lab.telemetry.xray.statistics import Shape
from lab.telemetry.xray.store import Store, Trace

HOUR = 3600
MOST_SEGMENTS = 50  # in one PutTraceSegments
MOST_TRACES = 5  # in one BatchGetTraces
PAGE = 100
PERIODS = (60, 300)

Item = TypeVar("Item")


class InvalidRequestError(Exception):
    """`InvalidRequestException`, with its Message."""


@dataclass(frozen=True)
class Span:
    """The time that a request asks about, in seconds of the epoch."""

    start: float
    end: float

    def holds(self, moment: float) -> bool:
        return self.start <= moment < self.end


class Operations:
    """The API over one store. `clock` is the time in seconds of the epoch."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self.telemetry_records = 0

    def by_path(self) -> Mapping[str, Callable[[Shape], Shape]]:
        """The path of the POST → what answers it."""
        return {
            "/TraceSegments": self.put_trace_segments,
            "/TelemetryRecords": self.put_telemetry_records,
            "/TraceSummaries": self.get_trace_summaries,
            "/Traces": self.batch_get_traces,
            "/ServiceGraph": self.get_service_graph,
            "/TraceGraph": self.get_trace_graph,
            "/TimeSeriesServiceStatistics": self.get_time_series_service_statistics,
            "/GetSamplingRules": lambda _: sampling.rules(),
            "/SamplingTargets": lambda request: sampling.targets(request, self._clock()),
        }

    def put_trace_segments(self, request: Shape) -> Shape:
        documents = _texts(request, "TraceSegmentDocuments", MOST_SEGMENTS)
        refused = []
        for document in documents:
            try:
                self._store.put(parse_segment(document))
            except BadSegmentError as error:
                found = {"ErrorCode": error.code, "Message": str(error)}
                refused.append({"Id": error.id, **found} if error.id else found)
        return {"UnprocessedTraceSegments": refused}

    def put_telemetry_records(self, request: Shape) -> Shape:
        records = request.get("TelemetryRecords")
        if not isinstance(records, list):
            raise InvalidRequestError("TelemetryRecords: a list is needed")
        self.telemetry_records += len(records)
        return {}

    def get_trace_summaries(self, request: Shape) -> Shape:
        span = _span(request, longest_hours=24)
        wanted = _expression(request, "FilterExpression")
        inside = [trace for trace in self._store.traces() if span.holds(trace.start)]
        found = [trace for trace in inside if wanted is None or matches(wanted, trace)]
        page, more = _page(sorted(found, key=_when), _when, request)
        return {
            "TraceSummaries": [summaries.summary(trace) for trace in page],
            "ApproximateTime": self._clock(),
            "TracesProcessedCount": len(inside),
            **more,
        }

    def batch_get_traces(self, request: Shape) -> Shape:
        asked = _texts(request, "TraceIds", MOST_TRACES)
        found = {id: trace for id in asked if (trace := self._store.trace(id))}
        traces = [
            {
                "Id": id,
                "Duration": round(trace.end - trace.start, 6),
                "LimitExceeded": False,
                "Segments": [{"Id": part.id, "Document": part.document} for part in trace.segments.values()],
            }
            for id, trace in found.items()
        ]
        return {"Traces": traces, "UnprocessedTraceIds": [id for id in asked if id not in found]}

    def get_service_graph(self, request: Shape) -> Shape:
        span = _span(request, longest_hours=6)
        _no_groups(request)
        services, more = _page(graph.service_graph(self._hops(span)), lambda each: [each["ReferenceId"]], request)
        times = {"StartTime": span.start, "EndTime": span.end}
        return {**times, "Services": services, "ContainsOldGroupVersions": False, **more}

    def get_trace_graph(self, request: Shape) -> Shape:
        asked = _texts(request, "TraceIds", PAGE)
        traces = [trace for id in asked if (trace := self._store.trace(id))]
        hops = [hop for trace in traces for hop in trace.hops]
        services, more = _page(graph.service_graph(hops), lambda each: [each["ReferenceId"]], request)
        return {"Services": services, **more}

    def get_time_series_service_statistics(self, request: Shape) -> Shape:
        """Without a selector: the requests with which traces begin."""
        span, period = _span(request, longest_hours=6), _period(request)
        _no_groups(request)
        selector = _expression(request, "EntitySelectorExpression")
        hops = self._hops(span)
        if selector is None:
            hops = [hop for hop in hops if hop.is_root]
        elif isinstance(selector, ServiceIs | EdgeIs):
            hops = selected(selector, hops)
        else:
            raise InvalidRequestError("EntitySelectorExpression: it is service(…) or edge(…, …)")
        series = statistics.series(hops, period, edge=isinstance(selector, EdgeIs))
        page, more = _page(series, lambda each: [each["Timestamp"]], request)
        return {"TimeSeriesServiceStatistics": page, "ContainsOldGroupVersions": False, **more}

    def _hops(self, span: Span) -> list[Hop]:
        return [hop for trace in self._store.traces() for hop in trace.hops if span.holds(hop.segment.start)]


def _span(request: Shape, *, longest_hours: int) -> Span:
    times = []
    for name in ("StartTime", "EndTime"):
        value = request.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidRequestError(f"{name}: a time is needed")
        times.append(float(value))
    span = Span(*times)
    if span.end <= span.start:
        raise InvalidRequestError("EndTime: it must be later than StartTime")
    if span.end - span.start > longest_hours * HOUR:
        raise InvalidRequestError(f"the time range cannot be longer than {longest_hours} hours")
    return span


def _period(request: Shape) -> int:
    """AWS knows 60 and 300 seconds; the lab, whose canaries are quick, shorter ones too."""
    period = request.get("Period", PERIODS[0])
    if isinstance(period, bool) or not isinstance(period, int) or not (0 < period < PERIODS[0] or period in PERIODS):
        raise InvalidRequestError(f"Period: {period!r} is not allowed; allowed: 60, 300 (and in the lab 1 to 59)")
    return period


def _no_groups(request: Shape) -> None:
    """There is one group, `Default`, which holds every trace."""
    group = request.get("GroupName") or str(request.get("GroupARN") or "").rpartition("group/")[2].partition("/")[0]
    if group not in ("", "Default"):
        raise InvalidRequestError(f"no group {group!r}: the lab has the group Default only")


def _expression(request: Shape, name: str) -> Expression | None:
    text = request.get(name)
    if text is None or text == "":
        return None
    try:
        return parse(str(text))
    except BadExpressionError as error:
        raise InvalidRequestError(f"{name}: {error}") from error


def _texts(request: Shape, name: str, most: int) -> list[str]:
    values = request.get(name)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise InvalidRequestError(f"{name}: a list of texts that is not empty is needed")
    if len(values) > most:
        raise InvalidRequestError(f"{name}: {len(values)} are too many; at most {most}")
    return values


def _when(trace: Trace) -> list[Any]:
    return [trace.start, trace.id]


def _page(items: Iterable[Item], key: Callable[[Item], list[Any]], request: Shape) -> tuple[Sequence[Item], Shape]:
    """One page of `items`, which are in order of `key`, and the NextToken when there is more: the last item's key."""
    left, token = list(items), request.get("NextToken")
    if token:
        after = _decoded(str(token))
        left = [item for item in left if key(item) > after]
    page = left[:PAGE]
    if len(left) <= PAGE:
        return page, {}
    return page, {"NextToken": base64.urlsafe_b64encode(json.dumps(key(page[-1])).encode()).decode()}


def _decoded(token: str) -> list[Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error) as error:
        raise InvalidRequestError("NextToken: it is none of this operation's") from error
    if not isinstance(found, list):
        raise InvalidRequestError("NextToken: it is none of this operation's")
    return found
