"""Counts and response times of hops, in X-Ray's shapes. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from lab.telemetry.xray.hops import Hop
from lab.telemetry.xray.segments import Segment

Shape = dict[str, Any]


def finished(hops: Iterable[Hop]) -> list[Segment]:
    """The segments that have ended: only these are counted."""
    return [hop.segment for hop in hops if hop.segment.end is not None]


def summary(segments: Iterable[Segment]) -> Shape:
    """SummaryStatistics. A segment counts once: as a fault, else throttled, else as an error, else as ok."""
    kinds: Counter[str] = Counter()
    total = 0.0
    for segment in segments:
        kinds[_kind(segment)] += 1
        total += segment.seconds
    return {
        "OkCount": kinds["ok"],
        "ErrorStatistics": {
            "ThrottleCount": kinds["throttle"],
            "OtherCount": kinds["error"],
            "TotalCount": kinds["throttle"] + kinds["error"],
        },
        "FaultStatistics": {"OtherCount": kinds["fault"], "TotalCount": kinds["fault"]},
        "TotalCount": kinds.total(),
        "TotalResponseTime": total,
    }


def histogram(segments: Iterable[Segment]) -> list[Shape]:
    """Response time in seconds, to two significant digits → how many took so long; in order of time."""
    counts = Counter(float(f"{max(segment.seconds, 0.0):.2g}") for segment in segments)
    return [{"Value": value, "Count": count} for value, count in sorted(counts.items())]


def series(hops: Iterable[Hop], period: int, *, edge: bool) -> list[Shape]:
    """TimeSeriesServiceStatistics. A period in which nothing began is absent; `period` is in seconds."""
    periods: dict[int, list[Segment]] = defaultdict(list)
    for segment in finished(hops):
        periods[int(segment.start // period) * period].append(segment)
    name = "EdgeSummaryStatistics" if edge else "ServiceSummaryStatistics"
    return [
        {"Timestamp": start, name: summary(found), "ResponseTimeHistogram": histogram(found)}
        for start, found in sorted(periods.items())
    ]


def _kind(segment: Segment) -> str:
    if segment.fault:
        return "fault"
    if segment.throttle:
        return "throttle"
    return "error" if segment.error else "ok"
