"""Series into calls of GetMetricData: none lost, none twice, no call too large, and no call too many."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from canario.adapters.metric_calls import Call, Span, pack
from tests.fakes import NOW


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@st.composite
def any_spans(draw: st.DrawFn) -> Span:
    period = draw(st.sampled_from([1, 60]))
    start = draw(st.integers(0, 600)) * period
    return Span(at(start), at(start + draw(st.integers(1, 200)) * period), period)


def due(kind: tuple[int, int], number: int) -> list[Span]:
    """Windows of a tick, `(period, length)` in seconds: each has ended one to two windows ago, NOW being the tick."""
    period, length = kind
    begins = [-2 * length - period * (each % max(1, length // period - 1)) for each in range(number)]
    return [Span(at(begin), at(begin + length), period) for begin in begins]


MINUTES, SECONDS = [(60, 60), (60, 120), (60, 600), (60, 3600)], [(1, 1), (1, 5), (1, 30)]
TICKS = st.sampled_from([MINUTES, SECONDS, [*SECONDS, (60, 60)]])


@st.composite
def ticks(draw: st.DrawFn) -> list[Span]:
    return [span for kind in draw(TICKS) for span in due(kind, draw(st.integers(0, 900)))]


def points(call: Call, spans: Sequence[Span]) -> int:
    """The most datapoints that the call's answer can have, from the whole minute at or before its start."""
    seconds = call.end.timestamp() - math.floor(call.start.timestamp() / 60) * 60
    return sum(math.ceil(seconds / spans[place].period) for place in call.asked)


@given(st.lists(any_spans(), max_size=60), st.integers(1, 9), st.integers(1, 3000))
def test_every_series_is_in_one_call_that_is_not_too_large(spans: list[Span], queries: int, most: int) -> None:
    """Each is covered by its call's range; a call is above a limit only where a single series is by itself."""
    calls = pack(spans, queries, most)

    assert sorted(place for call in calls for place in call.asked) == list(range(len(spans)))
    for call in calls:
        assert all(call.start <= spans[place].start and spans[place].end <= call.end for place in call.asked)
        assert len(call.asked) == 1 or (len(call.asked) <= queries and points(call, spans) <= most)


@settings(max_examples=15)
@given(ticks())
def test_a_tick_takes_the_fewest_calls_that_its_series_can_have(spans: list[Span]) -> None:
    """At CloudWatch's own limits 500 series a call: windows of minutes, of seconds, of one minute and less."""
    assert len(pack(spans)) == math.ceil(len(spans) / 500)


def partitions(places: list[int]) -> Iterator[list[list[int]]]:
    """Every way to part them."""
    if not places:
        yield []
        return
    first, *others = places
    for parted in partitions(others):
        yield [[first], *parted]
        for number, part in enumerate(parted):
            yield [*parted[:number], [first, *part], *parted[number + 1 :]]


def fits(part: list[int], spans: Sequence[Span], queries: int, most: int) -> bool:
    start, end = min(spans[place].start for place in part), max(spans[place].end for place in part)
    return len(part) == 1 or (len(part) <= queries and points(Call(tuple(part), start, end), spans) <= most)


@given(st.lists(any_spans(), max_size=5), st.integers(1, 4), st.integers(1, 3000))
def test_spans_far_apart_take_at_most_one_call_more_than_need_be(spans: list[Span], queries: int, most: int) -> None:
    """Against every way to part them: no tick asks for such, a reading of many rollouts' backlogs may."""
    least = min(
        len(parted)
        for parted in partitions(list(range(len(spans))))
        if all(fits(part, spans, queries, most) for part in parted)
    )

    assert least <= len(pack(spans, queries, most)) <= least + 1
