"""How long traces are kept, and how many."""

from lab.telemetry.xray.segments import parse
from lab.telemetry.xray.store import Store
from tests.unit.xray.documents import document, request_documents, segment, trace_id


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_trace_is_its_segments_in_whatever_order_they_come() -> None:
    """The last segment to come changes what the trace says."""
    store = Store(Clock())
    for each in reversed(request_documents()):
        store.put(parse(each))
        assert store.traces()

    assert [3] == [len(trace.hops) for trace in store.traces()]


def test_a_trace_goes_when_its_time_is_over() -> None:
    """What is older than it is to be kept is not answered any more, also when nothing new comes."""
    clock = Clock()
    store = Store(clock, kept_seconds=60)
    store.put(segment("a", 1))
    clock.now = 61

    assert (None, []) == (store.trace(trace_id()), store.traces())


def test_memory_is_bounded() -> None:
    """When the documents are more than may be kept, the oldest traces go."""
    one = len(document("a", 1))
    store = Store(Clock(), kept_bytes=3 * one)
    for number in range(1, 6):
        store.put(segment("a", number, trace=number))

    assert [trace_id(number) for number in (3, 4, 5)] == [trace.id for trace in store.traces()]


def test_what_has_ended_is_not_in_progress_again() -> None:
    """A segment's last document wins over one that was sent before and comes after."""
    store = Store(Clock())
    store.put(segment("a", 1))
    store.put(segment("a", 1, end_time=None, in_progress=True))

    [trace] = store.traces()
    assert [False] == [each.end is None for each in trace.segments.values()]
