"""Whether a trace is what a filter expression asks for. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence

from lab.telemetry.xray.expression import (
    ANNOTATION,
    And,
    Compare,
    EdgeIs,
    Expression,
    Is,
    Name,
    Not,
    Operator,
    Or,
    ServiceIs,
    Value,
)
from lab.telemetry.xray.graph import ACCOUNT
from lab.telemetry.xray.hops import Hop, Service
from lab.telemetry.xray.segments import Segment, every
from lab.telemetry.xray.store import Trace
from lab.telemetry.xray.summaries import is_partial, roots

Read = Callable[[str], Sequence[Value]]  # keyword → its values, none when it is not there

_COMPARE: Mapping[Operator, Callable[[Value, Value], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.DIFFERENT: operator.ne,
    Operator.LESS: lambda found, value: _number(found) < _number(value),
    Operator.MORE: lambda found, value: _number(found) > _number(value),
    Operator.AT_MOST: lambda found, value: _number(found) <= _number(value),
    Operator.AT_LEAST: lambda found, value: _number(found) >= _number(value),
    Operator.CONTAINS: lambda found, value: str(value) in str(found),
    Operator.BEGINS_WITH: lambda found, value: str(found).startswith(str(value)),
    Operator.ENDS_WITH: lambda found, value: str(found).endswith(str(value)),
}


def matches(expression: Expression, trace: Trace) -> bool:
    """Whether the trace as a whole is meant."""
    return _holds(expression, lambda keyword: _of_trace(keyword, trace), trace.hops)


def selected(expression: ServiceIs | EdgeIs, hops: Sequence[Hop]) -> list[Hop]:
    """The hops that `service(…)` or `edge(…, …)` means."""
    return [hop for hop in hops if _is_meant(expression, hop) and _fits(expression.holds, hop)]


def _fits(block: Expression | None, hop: Hop) -> bool:
    """Whether what stands in braces is true of this one request."""
    return block is None or _holds(block, lambda keyword: _of_hop(keyword, hop), [hop])


def _holds(expression: Expression, read: Read, hops: Sequence[Hop]) -> bool:
    match expression:
        case And(parts):
            return all(_holds(part, read, hops) for part in parts)
        case Or(parts):
            return any(_holds(part, read, hops) for part in parts)
        case Not(inner):
            return not _holds(inner, read, hops)
        case ServiceIs() | EdgeIs():
            return bool(selected(expression, hops))
        case Is(keyword):
            return any(value is not False for value in read(keyword))
        case Compare(keyword, compared, value):
            return any(_comparable(found, value) and _COMPARE[compared](found, value) for found in read(keyword))


def _is_meant(expression: ServiceIs | EdgeIs, hop: Hop) -> bool:
    if isinstance(expression, ServiceIs):
        return _is_named(expression.service, hop.callee)
    called_by = hop.caller is not None and _is_named(expression.caller, hop.caller)
    return called_by and _is_named(expression.callee, hop.callee)


def _is_named(name: Name, service: Service) -> bool:
    wanted = (name.name, service.name), (name.type, service.type), (name.account, ACCOUNT)
    return all(not asked or asked == found for asked, found in wanted)


def _of_trace(keyword: str, trace: Trace) -> Sequence[Value]:
    if keyword == "duration":
        return [trace.end - trace.start]
    if keyword == "partial":
        return [is_partial(trace)]
    if keyword.startswith(ANNOTATION):
        return [value for segment in trace.segments.values() for value in _annotations(keyword, segment)]
    if keyword == "user":
        return [segment.user for segment in trace.segments.values() if segment.user]
    if keyword == "ok":
        return [all(hop.segment.ok for hop in roots(trace))]
    return [value for hop in roots(trace) for value in _of_hop(keyword, hop)]


def _of_hop(keyword: str, hop: Hop) -> Sequence[Value]:
    segment, http = hop.segment, hop.segment.http
    if keyword.startswith(ANNOTATION):
        return _annotations(keyword, segment)
    values: Mapping[str, Value | None] = {
        "ok": segment.ok,
        "error": segment.error,
        "throttle": segment.throttle,
        "fault": segment.fault,
        "partial": segment.end is None,
        "responsetime": segment.seconds,
        "duration": segment.seconds,
        "http.status": http.status,
        "http.url": http.url,
        "http.method": http.method,
        "http.useragent": http.user_agent,
        "http.clientip": http.client_ip,
        "user": segment.user,
        "name": hop.callee.name,
        "type": hop.callee.type or None,
    }
    value = values[keyword]
    return [] if value is None else [value]


def _annotations(keyword: str, segment: Segment) -> list[Value]:
    key = keyword.removeprefix(ANNOTATION)
    return [part.annotations[key] for part in every(segment) if key in part.annotations]


def _comparable(found: Value, value: Value) -> bool:
    """A text is compared with a text, a number with a number, true with true."""
    kinds = [bool if isinstance(each, bool) else str if isinstance(each, str) else float for each in (found, value)]
    return kinds[0] is kinds[1]


def _number(value: Value) -> float:
    return float(value)
