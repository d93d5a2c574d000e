"""Datapoints into windows: what a node did, from the sums of its series. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from canario.canary.observation import Tally
from canario.canary.ports import NodeCounts, Wanted

Sums = Mapping[datetime, float]  # a period's start → sum
Column = Mapping[datetime, int]  # a window's start → count


def windows_of(wanted: Wanted) -> Iterator[datetime]:
    """The starts of the whole windows that are wanted."""
    window, start = timedelta(seconds=wanted.window_seconds), wanted.start
    while start + window <= wanted.end:
        yield start
        start += window


def into_windows(sums: Sums, wanted: Wanted) -> dict[datetime, int]:
    """Window's start → count, for the windows that have a datapoint and were asked for."""
    window = timedelta(seconds=wanted.window_seconds)
    counts: dict[datetime, int] = defaultdict(int)
    for timestamp, value in sums.items():
        if wanted.start <= timestamp < wanted.end:
            counts[wanted.start + (timestamp - wanted.start) // window * window] += round(value)
    return counts


def node_counts(wanted: Wanted, columns: Sequence[Column]) -> list[NodeCounts]:
    """A window counts when it has requests and errors; its `slower` is there when every edge is.

    A pod is in it when the pod's own requests and errors are.
    """
    requests, errors, *others = columns
    edges, pods = others[: len(wanted.edges)], others[len(wanted.edges) :]
    return [
        NodeCounts(
            window.astimezone(UTC),
            requests[window],
            errors[window],
            _slower(window, edges),
            _pods(window, dict(zip(wanted.pods, zip(pods[::2], pods[1::2], strict=True), strict=True))),
        )
        for window in windows_of(wanted)
        if window in requests and window in errors
    ]


def _pods(window: datetime, columns: Mapping[str, tuple[Column, Column]]) -> dict[str, Tally]:
    """Of the pods that have both. Two series of a pod are read at two instants, and one may be ahead."""
    return {
        pod: Tally(requests[window], min(requests[window], errors[window]))
        for pod, (requests, errors) in columns.items()
        if window in requests and window in errors
    }


def _slower(window: datetime, edges: Sequence[Column]) -> tuple[int, ...] | None:
    return tuple(edge[window] for edge in edges) if all(window in edge for edge in edges) else None
