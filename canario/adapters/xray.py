"""What was traced, on X-Ray."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from canario.adapters import aws
from canario.workshop.ports import Segment, ServiceGraph, Trace, Traced

CLIENT = "client"  # the type of a caller that sent no segments
TRACES_A_CALL = 5

Shape = Mapping[str, Any]


class XRay:
    def __init__(self, client: Any) -> None:
        self._client = client

    def graph(self, start: datetime, end: datetime) -> ServiceGraph:
        """The services and edges of [start, end), at most six hours; clients outside are no services."""
        with aws.doing(f"reading X-Ray's service graph of {start:%H:%M:%S} to {end:%H:%M:%S} UTC"):
            pages = self._client.get_paginator("get_service_graph").paginate(StartTime=start, EndTime=end)
            found = [service for page in pages for service in page["Services"]]
        names = {service["ReferenceId"]: str(service["Name"]) for service in found}
        inside = [service for service in found if service.get("Type") != CLIENT]
        edges = (
            ((str(service["Name"]), names[edge["ReferenceId"]]), edge)
            for service in inside
            for edge in service.get("Edges", [])
            if edge["ReferenceId"] in names
        )
        return ServiceGraph(_added((str(service["Name"]), service) for service in inside), _added(edges))

    def find(self, services: Sequence[str], start: datetime, end: datetime, most: int = 5) -> Sequence[Trace]:
        """Some traces that pass through all these services."""
        wanted = " AND ".join(f"service({json.dumps(service)})" for service in services)
        with aws.doing(f"looking for traces through {', '.join(services)}"):
            ids = [found["Id"] for found in self._summaries(wanted, start, end, most)]
            batches = [ids[first : first + TRACES_A_CALL] for first in range(0, len(ids), TRACES_A_CALL)]
            return [_trace(trace) for batch in batches for trace in self._traces(batch)]

    def _summaries(self, wanted: str, start: datetime, end: datetime, most: int) -> Iterator[Shape]:
        pages = self._client.get_paginator("get_trace_summaries").paginate(
            StartTime=start, EndTime=end, FilterExpression=wanted, PaginationConfig={"MaxItems": most}
        )
        for page in pages:
            yield from page["TraceSummaries"]

    def _traces(self, ids: Sequence[str]) -> Iterator[Shape]:
        for page in self._client.get_paginator("batch_get_traces").paginate(TraceIds=ids):
            yield from page["Traces"]


def _added(found: Iterable[tuple[Any, Shape]]) -> dict[Any, Traced]:
    """Key → the sum of what is known of it: services of one name and different types are one."""
    sums: dict[Any, Traced] = {}
    for key, shape in found:
        statistics = shape.get("SummaryStatistics") or {}
        before = sums.get(key, Traced(0, 0))
        sums[key] = Traced(
            before.requests + int(statistics.get("TotalCount", 0)),
            before.faults + int(statistics.get("FaultStatistics", {}).get("TotalCount", 0)),
        )
    return sums


def _trace(trace: Shape) -> Trace:
    documents = [json.loads(segment["Document"]) for segment in trace["Segments"]]
    return Trace(str(trace["Id"]), tuple(_segment(document) for document in documents))


def _segment(document: Shape) -> Segment:
    parent = document.get("parent_id")
    return Segment(
        id=str(document["id"]),
        parent=str(parent) if parent else None,
        service=str(document["name"]),
        fault=bool(document.get("fault")),
    )
