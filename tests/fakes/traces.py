"""X-Ray in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from canario.workshop.ports import ServiceGraph, Trace, Traced


@dataclass
class FakeTraces:
    """Traces with the time at which they began. A request enters a service with its first segment there."""

    kept: list[tuple[datetime, Trace]] = field(default_factory=list)

    def graph(self, start: datetime, end: datetime) -> ServiceGraph:
        services: dict[str, Traced] = {}
        edges: dict[tuple[str, str], Traced] = {}
        for trace in self._between(start, end):
            names = {segment.id: segment.service for segment in trace.segments}
            for segment in trace.segments:
                caller = names.get(str(segment.parent))
                if caller != segment.service:
                    _count(services, segment.service, segment.fault)
                    if caller:
                        _count(edges, (caller, segment.service), segment.fault)
        return ServiceGraph(services, edges)

    def find(self, services: Sequence[str], start: datetime, end: datetime, most: int = 5) -> Sequence[Trace]:
        seen = [({segment.service for segment in trace.segments}, trace) for trace in self._between(start, end)]
        return [trace for names, trace in seen if names >= set(services)][:most]

    def _between(self, start: datetime, end: datetime) -> list[Trace]:
        return [trace for at, trace in self.kept if start <= at < end]


def _count(counts: dict[Any, Traced], key: Any, fault: bool) -> None:
    before = counts.get(key, Traced(0, 0))
    counts[key] = Traced(before.requests + 1, before.faults + fault)
