"""Which service was asked by which: a trace as hops. Pure.

A request enters a service with the first of its segments there. Envoy writes one for the request that it takes in
and one for every request that it sends on; the latter's parent is of the same service, so they are no hop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lab.telemetry.xray.segments import Segment, every


@dataclass(frozen=True, slots=True, order=True)
class Service:
    """A node of the service graph; `type` is the segments' origin, empty when they have none."""

    name: str
    type: str = ""


CLIENT = Service("client", "client")  # whoever sent a request without a trace


@dataclass(frozen=True, slots=True)
class Hop:
    """One request's entry into a service. `caller` is None when the caller's own segment is not here."""

    caller: Service | None
    callee: Service
    segment: Segment
    inferred: bool = False  # the callee sent nothing itself: the caller's subsegment speaks for it

    @property
    def is_root(self) -> bool:
        return self.caller == CLIENT


def hops(trace: Iterable[Segment]) -> tuple[Hop, ...]:
    """A trace's hops in order of time."""
    segments = list(trace)
    owners = _owners(segments)
    entries = [hop for each in segments if not each.is_subsegment and (hop := _entry(each, owners))]
    return tuple(sorted((*entries, *_inferred(segments, owners)), key=lambda hop: (hop.segment.start, hop.segment.id)))


def _owners(segments: Iterable[Segment]) -> dict[str, Service]:
    """Segment or subsegment id → the service that it is a part of."""
    owners: dict[str, Service] = {}
    loose = []
    for segment in segments:
        if segment.is_subsegment:
            loose.append(segment)
        else:
            owners |= dict.fromkeys((part.id for part in every(segment)), Service(segment.name, segment.origin or ""))
    while found := [each for each in loose if each.id not in owners and each.parent in owners]:
        for segment in found:
            owners |= dict.fromkeys((part.id for part in every(segment)), owners[str(segment.parent)])
    return owners


def _entry(segment: Segment, owners: Mapping[str, Service]) -> Hop | None:
    callee = owners[segment.id]
    caller = CLIENT if segment.parent is None else owners.get(segment.parent)
    return None if caller == callee else Hop(caller, callee, segment)


def _inferred(segments: Iterable[Segment], owners: Mapping[str, Service]) -> Iterator[Hop]:
    """Calls to what sends no segments of its own."""
    parts = [part for segment in segments for part in every(segment)]
    answered = {part.parent for part in parts if not part.is_subsegment}
    for part in parts:
        if part.is_subsegment and part.namespace in ("aws", "remote") and part.id not in answered:
            callee = Service(part.name, f"AWS::{part.name}" if part.namespace == "aws" else "remote")
            yield Hop(owners.get(part.id), callee, part, inferred=True)
