"""Counts as CloudWatch's MetricData, by the telemetry contract (DESIGN, section 6). Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from canario.telemetry.counts import Counts, Node

NAMESPACE = "Canario/Mesh"
WORKSHOP_LABEL = "canario/workshop"
MOST_DATA = 500  # a call; CloudWatch takes 1,000 and one megabyte

Datum = dict[str, Any]  # one entry of MetricData


def workshops(namespaces: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Workshop id by namespace, from Namespace objects; a namespace without the label is its own."""
    metadata = [obj["metadata"] for obj in namespaces]
    return {data["name"]: (data.get("labels") or {}).get(WORKSHOP_LABEL, data["name"]) for data in metadata}


def data(
    new: Mapping[Node, Counts], workshop_of: Mapping[str, str], second: int, *, resolution: int = 1
) -> list[Datum]:
    """Every datum of these counts; `second` (of the epoch) is when they were read, or their window began.

    `resolution` is CloudWatch's, of its storage: 1 or 60 seconds.
    """
    return [
        {**datum, "StorageResolution": resolution}
        for node, counts in sorted(new.items())
        for datum in _node(node, counts, workshop_of.get(node.namespace, node.namespace), second)
    ]


def batches(data: Sequence[Datum]) -> Iterator[Sequence[Datum]]:
    """In pieces that one PutMetricData takes."""
    return (data[first : first + MOST_DATA] for first in range(0, len(data), MOST_DATA))


def _node(node: Node, counts: Counts, workshop: str, second: int) -> Iterator[Datum]:
    of = {"Workshop": workshop, "Service": node.service, "Node": node.node}
    yield _datum("Requests", of, second, "Count", Value=float(counts.requests))
    yield _datum("Errors", of, second, "Count", Value=float(counts.errors))
    for edge, slower in sorted(counts.slower.items()):
        yield _datum("Slower", {**of, "Edge": f"{edge:.10g}"}, second, "Count", Value=float(slower))
    if times := _times(counts):
        values, weights = zip(*times, strict=True)
        yield _datum("Latency", of, second, "Milliseconds", Values=values, Counts=weights)
    for pod, answers in sorted(counts.pods.items(), key=lambda each: each[0]):
        yield _datum("Requests", {**of, "Pod": pod}, second, "Count", Value=float(answers.requests))
        yield _datum("Errors", {**of, "Pod": pod}, second, "Count", Value=float(answers.errors))


def _times(counts: Counts) -> list[tuple[float, float]]:
    """(milliseconds, requests) of every bucket that has any; its middle stands for a bucket."""
    edges = [0.0, *sorted(counts.slower)]
    slower = [counts.answered, *(counts.slower[edge] for edge in edges[1:]), 0]
    middles = [(low + high) / 2 for low, high in pairwise(edges)] + [edges[-1]]
    inside = [above - below for above, below in pairwise(slower)]
    return [(middle, float(count)) for middle, count in zip(middles, inside, strict=True) if count > 0]


def _datum(metric: str, dimensions: Mapping[str, str], second: int, unit: str, **value: Any) -> Datum:
    return {
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": content} for name, content in dimensions.items()],
        "Timestamp": datetime.fromtimestamp(second, UTC),
        "Unit": unit,
        **value,
    }
