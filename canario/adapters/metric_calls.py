"""Which series go into which call of GetMetricData: as few calls as there can be.

A call has up to 500 series and one range of time, and an answer up to 100,800 datapoints; what is more comes as further
pages, each of which is a call too. Series of different periods may share a call. Where all of them fit together into
one answer's datapoints, whichever 500 are taken (a tick of the observer: two hundred minutes of one-minute periods),
the calls are the series over 500, rounded up, and nothing can be fewer.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

MOST_QUERIES = 500
MOST_POINTS = 100_800
MINUTE = 60  # seconds: no period of Canario's is longer


@dataclass(frozen=True)
class Span:
    """What one series is read for: [start, end), in periods of so many seconds."""

    start: datetime
    end: datetime
    period: int


@dataclass(frozen=True)
class Call:
    """What one call asks for: the places of its spans, and the range that covers them all."""

    asked: tuple[int, ...]
    start: datetime
    end: datetime


def pack(spans: Sequence[Span], most_queries: int = MOST_QUERIES, most_points: int = MOST_POINTS) -> list[Call]:
    """Every span in one call, neighbours in period and time together; a call ends where the next has no room in it."""
    calls: list[_Filling] = []
    for place in sorted(range(len(spans)), key=lambda each: (spans[each].period, spans[each].start, spans[each].end)):
        span, last = spans[place], calls[-1] if calls else None
        if last is None or len(last.asked) >= most_queries or last.points_with(span) > most_points:
            last = _Filling(span.start, span.end)
            calls.append(last)
        last.take(place, span)
    return [Call(tuple(each.asked), each.start, each.end) for each in calls]


@dataclass
class _Filling:
    start: datetime
    end: datetime
    periods: dict[int, int] = field(default_factory=dict)  # how many series there are of each
    asked: list[int] = field(default_factory=list)

    def points_with(self, span: Span) -> int:
        """The most that an answer can have with one more. CloudWatch may begin at the whole minute before the start."""
        start, end = min(self.start, span.start), max(self.end, span.end)
        seconds = (end - start.replace(second=0, microsecond=0)).total_seconds()
        more = {**self.periods, span.period: self.periods.get(span.period, 0) + 1}
        return sum(count * math.ceil(seconds / period) for period, count in more.items())

    def take(self, place: int, span: Span) -> None:
        self.start, self.end = min(self.start, span.start), max(self.end, span.end)
        self.periods[span.period] = self.periods.get(span.period, 0) + 1
        self.asked.append(place)
