"""Hops → the service graph, in X-Ray's shape. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from lab.telemetry.xray.hops import CLIENT, Hop, Service
from lab.telemetry.xray.statistics import Shape, finished, histogram, summary

ACCOUNT = "000000000000"

Edges = dict[tuple[Service, Service], list[Hop]]


def service_graph(hops: Iterable[Hop]) -> list[Shape]:
    """The `Services` of GetServiceGraph and GetTraceGraph, with a client for each service that roots enter."""
    into: dict[Service, list[Hop]] = defaultdict(list)
    edges: Edges = defaultdict(list)
    for hop in hops:
        into[hop.callee].append(hop)
        if hop.caller is not None:
            edges[hop.caller, hop.callee].append(hop)
    callers = {caller for caller, _ in edges}
    names = sorted({*into, *callers}, key=lambda service: (service == CLIENT, service))
    numbers = {service: number for number, service in enumerate(names)}
    return [
        {**_service(service, numbers[service], into.get(service, [])), **_times(_touching(service, into, edges))}
        | {"Edges": _edges(service, numbers, edges)}
        for service in names
    ]


def service_id(service: Service) -> Shape:
    """A ServiceId."""
    found = {"Name": service.name, "Names": [service.name], "AccountId": ACCOUNT}
    return {**found, "Type": service.type} if service.type else found


def _service(service: Service, number: int, entries: list[Hop]) -> Shape:
    if service == CLIENT:
        return {"ReferenceId": number, "Name": "client", "Names": ["client"], "Type": "client", "State": "unknown"}
    times = histogram(finished(entries))
    return {
        "ReferenceId": number,
        **service_id(service),
        **({"Root": True} if any(hop.is_root for hop in entries) else {}),
        "State": "unknown" if entries and all(hop.inferred for hop in entries) else "active",
        "SummaryStatistics": summary(finished(entries)),
        "ResponseTimeHistogram": times,
        "DurationHistogram": times,
    }


def _touching(service: Service, into: Mapping[Service, list[Hop]], edges: Edges) -> list[Hop]:
    outgoing = [hop for (caller, _), found in edges.items() if caller == service for hop in found]
    return [*into.get(service, []), *outgoing]


def _edges(caller: Service, numbers: Mapping[Service, int], edges: Edges) -> list[Shape]:
    return [
        {
            "ReferenceId": numbers[callee],
            **_times(found),
            "SummaryStatistics": summary(finished(found)),
            "ResponseTimeHistogram": histogram(finished(found)),
            "Aliases": [],
        }
        for (source, callee), found in sorted(edges.items(), key=lambda item: item[0])
        if source == caller
    ]


def _times(hops: Iterable[Hop]) -> Shape:
    segments = [hop.segment for hop in hops]
    start = min(segment.start for segment in segments)
    return {"StartTime": start, "EndTime": max(segment.end or segment.start for segment in segments)}
