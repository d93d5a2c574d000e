"""The traces that are kept: for a time, and up to a number of bytes; the oldest go first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

from lab.telemetry.xray.hops import Hop, hops
from lab.telemetry.xray.segments import Segment

KEPT_SECONDS = 1800.0
KEPT_BYTES = 12 * 2**20  # of documents; in memory it is about four times as much


class Trace:
    """One trace: the newest document of each of its segments. Its hops are worked out once."""

    def __init__(self, id: str, segments: Iterable[Segment]) -> None:
        self.id = id
        self.segments = {segment.id: segment for segment in segments}

    def with_segment(self, segment: Segment) -> Trace:
        """The trace with this segment too; one that has ended is not replaced by itself in progress."""
        before = self.segments.get(segment.id)
        if before is not None and before.end is not None and segment.end is None:
            return self
        return Trace(self.id, [*self.segments.values(), segment])

    @cached_property
    def hops(self) -> tuple[Hop, ...]:
        return hops(self.segments.values())

    @property
    def bytes(self) -> int:
        return sum(len(segment.document) for segment in self.segments.values())

    @property
    def start(self) -> float:
        return min(segment.start for segment in self.segments.values())

    @property
    def end(self) -> float:
        return max(segment.end or segment.start for segment in self.segments.values())


class Store:
    """`clock` is any time in seconds that never goes back."""

    def __init__(
        self, clock: Callable[[], float], kept_seconds: float = KEPT_SECONDS, kept_bytes: int = KEPT_BYTES
    ) -> None:
        self._clock, self._kept_seconds, self._kept_bytes = clock, kept_seconds, kept_bytes
        self._traces: dict[str, tuple[float, Trace]] = {}  # in order of their first segment's arrival
        self._bytes = 0

    def put(self, segment: Segment) -> None:
        """Keep the segment; what is too old or too much goes."""
        came, trace = self._traces.get(segment.trace, (self._clock(), Trace(segment.trace, ())))
        grown = trace.with_segment(segment)
        self._bytes += grown.bytes - trace.bytes
        self._traces[segment.trace] = (came, grown)
        self._forget(more_than=self._kept_bytes)

    def trace(self, id: str) -> Trace | None:
        self._forget()
        found = self._traces.get(id)
        return found[1] if found else None

    def traces(self) -> list[Trace]:
        """All of them, in order of their first segment's arrival."""
        self._forget()
        return [trace for _, trace in self._traces.values()]

    def _forget(self, more_than: float = float("inf")) -> None:
        oldest = self._clock() - self._kept_seconds
        while self._traces:
            id, (came, trace) = next(iter(self._traces.items()))
            if came >= oldest and self._bytes <= more_than:
                return
            del self._traces[id]
            self._bytes -= trace.bytes
