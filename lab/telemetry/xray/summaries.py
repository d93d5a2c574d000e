"""A trace → its summary, in X-Ray's shape. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lab.telemetry.xray.graph import service_id
from lab.telemetry.xray.hops import CLIENT, Hop, Service
from lab.telemetry.xray.segments import Annotation, Http, Segment, every
from lab.telemetry.xray.statistics import Shape
from lab.telemetry.xray.store import Trace


def roots(trace: Trace) -> list[Hop]:
    """Where the trace began; where its first segment is missing, the earliest that there is."""
    found = [hop for hop in trace.hops if hop.is_root]
    return found or list(trace.hops[:1])


def is_partial(trace: Trace) -> bool:
    """Whether one of its segments is in progress."""
    return any(segment.end is None for segment in trace.segments.values())


def summary(trace: Trace) -> Shape:
    """A TraceSummary."""
    first = roots(trace)
    root = first[0].segment if first else next(iter(trace.segments.values()))
    seen = services(trace)
    return {
        "Id": trace.id,
        "StartTime": trace.start,
        "MatchedEventTime": trace.start,
        "Duration": round(trace.end - trace.start, 6),
        "ResponseTime": round(root.seconds, 6),
        "HasFault": any(hop.segment.fault for hop in first),
        "HasError": any(hop.segment.error for hop in first),
        "HasThrottle": any(hop.segment.throttle for hop in first),
        "IsPartial": is_partial(trace),
        "Http": _http(root.http),
        "Annotations": annotations(trace),
        "Users": _users(trace.segments.values()),
        "ServiceIds": [service_id(service) for service in seen],
        **({"EntryPoint": service_id(first[0].callee)} if first else {}),
        "ResourceARNs": [],
        "InstanceIds": [],
        "AvailabilityZones": [],
        "FaultRootCauses": [],
        "ErrorRootCauses": [],
        "ResponseTimeRootCauses": [],
        "Revision": len(trace.segments),
    }


def services(trace: Trace) -> list[Service]:
    """Every service in the trace."""
    known = {hop.callee for hop in trace.hops} | {hop.caller for hop in trace.hops if hop.caller}
    return sorted(known - {CLIENT})


def annotations(trace: Trace) -> dict[str, list[Shape]]:
    """Annotation → its values, each with the services that wrote it."""
    found: dict[str, dict[tuple[type, Annotation], set[Service]]] = {}
    for segment in trace.segments.values():
        owner = Service(segment.name, segment.origin or "")
        for part in every(segment):
            for key, value in part.annotations.items():
                found.setdefault(key, {}).setdefault((type(value), value), set()).add(owner)
    return {
        key: [
            {"AnnotationValue": _value(value), "ServiceIds": [service_id(each) for each in sorted(owners)]}
            for (_, value), owners in values.items()
        ]
        for key, values in found.items()
    }


def _value(value: Annotation) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BooleanValue": value}
    return {"StringValue": value} if isinstance(value, str) else {"NumberValue": value}


def _http(http: Http) -> Shape:
    names = {
        "HttpURL": http.url,
        "HttpStatus": http.status,
        "HttpMethod": http.method,
        "UserAgent": http.user_agent,
        "ClientIp": http.client_ip,
    }
    return {name: value for name, value in names.items() if value is not None}


def _users(segments: Iterable[Segment]) -> list[Shape]:
    users: dict[str, set[Service]] = {}
    for segment in segments:
        if segment.user:
            users.setdefault(segment.user, set()).add(Service(segment.name, segment.origin or ""))
    return [{"UserName": user, "ServiceIds": [service_id(each) for each in sorted(by)]} for user, by in users.items()]
