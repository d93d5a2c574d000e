"""A segment document, as PutTraceSegments takes it, read and validated. Pure.

Source: "AWS X-Ray segment documents" in the X-Ray developer guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_DOCUMENT = 64 * 1024  # bytes
_ID = re.compile(r"[0-9a-f]{16}")
_TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")

Annotation = str | float | bool


class BadSegmentError(Exception):
    """A document that X-Ray does not take; `id` as far as it could be read."""

    def __init__(self, id: str | None, code: str, message: str) -> None:
        super().__init__(message)
        self.id, self.code = id, code


@dataclass(frozen=True, slots=True)
class Http:
    """What is known of the request that a segment is about."""

    url: str | None = None
    method: str | None = None
    status: int | None = None
    user_agent: str | None = None
    client_ip: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment or a subsegment. Times are seconds of the epoch; `end` is None while it is in progress."""

    id: str
    trace: str
    parent: str | None
    name: str
    start: float
    end: float | None = None
    origin: str | None = None  # the kind of service, `AWS::AppMesh::Proxy` for example
    namespace: str | None = None  # `aws` or `remote`: a subsegment that is about a call
    is_subsegment: bool = False
    fault: bool = False
    error: bool = False
    throttle: bool = False
    http: Http = Http()
    annotations: Mapping[str, Annotation] = field(default_factory=dict)
    user: str | None = None
    inside: tuple[Segment, ...] = ()
    document: str = ""

    @property
    def seconds(self) -> float:
        """How long it took; 0 while it is in progress."""
        return self.end - self.start if self.end is not None else 0.0

    @property
    def ok(self) -> bool:
        return not (self.fault or self.error or self.throttle)


def parse(document: str) -> Segment:
    """Raises BadSegmentError."""
    if len(document.encode()) > LONGEST_DOCUMENT:
        raise BadSegmentError(None, "SegmentTooLarge", f"a segment document has at most {LONGEST_DOCUMENT} bytes")
    try:
        given = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise BadSegmentError(None, "ParseError", f"Invalid segment: {error}") from error
    if not isinstance(given, dict):
        raise BadSegmentError(None, "ParseError", "Invalid segment: it is not an object")
    id = given.get("id") if isinstance(given.get("id"), str) else None
    trace = given.get("trace_id")
    if not isinstance(trace, str) or not _TRACE_ID.fullmatch(trace):
        raise BadSegmentError(id, "InvalidTraceId", f"Invalid trace id {trace!r}: it is 1-<8 hex>-<24 hex>")
    if given.get("type") == "subsegment" and not given.get("parent_id"):
        raise BadSegmentError(id, "MissingParentId", "a subsegment needs a parent_id")
    return _read(given, trace, given.get("parent_id"), given.get("type") == "subsegment", document)


def every(segment: Segment) -> Iterator[Segment]:
    """The segment, and all that is inside it."""
    yield segment
    for part in segment.inside:
        yield from every(part)


def _read(given: Mapping[str, Any], trace: str, parent: str | None, is_subsegment: bool, document: str = "") -> Segment:
    id = str(given.get("id"))
    if not _ID.fullmatch(id):
        raise BadSegmentError(None, "InvalidId", f"Invalid id {given.get('id')!r}: it is 16 hexadecimal digits")
    name = given.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 200:
        raise BadSegmentError(id, "InvalidName", f"Invalid name {name!r}: it has 1 to 200 characters")
    inside = given.get("subsegments") or []
    if not isinstance(inside, list) or not all(isinstance(part, dict) for part in inside):
        raise BadSegmentError(id, "InvalidSubsegments", "subsegments is a list of objects")
    return Segment(
        id=id,
        trace=trace,
        parent=parent,
        name=name,
        start=_start(given, id),
        end=_end(given, id),
        origin=given.get("origin"),
        namespace=given.get("namespace"),
        is_subsegment=is_subsegment,
        fault=bool(given.get("fault")),
        error=bool(given.get("error")),
        throttle=bool(given.get("throttle")),
        http=_http(given.get("http")),
        annotations=_annotations(given.get("annotations")),
        user=given.get("user"),
        inside=tuple(_read(part, trace, id, True) for part in inside),
        document=document,
    )


def _start(given: Mapping[str, Any], id: str) -> float:
    start = given.get("start_time")
    if isinstance(start, bool) or not isinstance(start, int | float):
        raise BadSegmentError(id, "MissingStartTime", f"start_time: {start!r} is not a number of seconds")
    return float(start)


def _end(given: Mapping[str, Any], id: str) -> float | None:
    end = given.get("end_time")
    if end is None:
        if given.get("in_progress") is True:
            return None
        raise BadSegmentError(id, "MissingEndTime", "a segment has an end_time, or is in_progress")
    if isinstance(end, bool) or not isinstance(end, int | float):
        raise BadSegmentError(id, "InvalidEndTime", f"end_time: {end!r} is not a number of seconds")
    return float(end)


def _http(given: object) -> Http:
    if not isinstance(given, dict):
        return Http()
    request, response = given.get("request") or {}, given.get("response") or {}
    return Http(
        url=request.get("url"),
        method=request.get("method"),
        status=response.get("status"),
        user_agent=request.get("user_agent"),
        client_ip=request.get("client_ip"),
    )


def _annotations(given: object) -> dict[str, Annotation]:
    """Those that X-Ray indexes: strings, numbers and booleans."""
    if not isinstance(given, dict):
        return {}
    return {str(key): value for key, value in given.items() if isinstance(value, str | int | float | bool)}
