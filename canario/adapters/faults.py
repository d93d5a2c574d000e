"""The second vote: how many of a node's sampled traces have a fault, from X-Ray.

Windows of whole minutes are read as X-Ray's own time series, one call a node; shorter ones from the service graph, one
call a window. X-Ray is sampled and late at will: what it does not have is left out, and nobody waits for it.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from canario.adapters import aws
from canario.adapters.xray import XRay
from canario.canary import Tally
from canario.canary.ports import Target, Wanted
from canario.workshop.ports import Traced

PERIOD = 60  # seconds; X-Ray has 60 and 300

Windows = Mapping[datetime, Tally]


class SampledFaults:
    """The port `Faults`."""

    def __init__(self, client: Any) -> None:
        self._client, self._xray = client, XRay(client)

    def read(self, wanted: Wanted) -> Windows:
        """Window's start → the traces sampled in it and those with a fault of the node. Raises RemoteError."""
        if wanted.window_seconds % PERIOD:
            return self._by_graph(wanted)
        name = _name(self._xray.graph(wanted.start, wanted.end).services, wanted.target, wanted.node)
        return {} if name is None else self._by_series(wanted, name)

    def _by_graph(self, wanted: Wanted) -> Windows:
        found: dict[datetime, Tally] = {}
        window, start = timedelta(seconds=wanted.window_seconds), wanted.start
        while start + window <= wanted.end:
            services = self._xray.graph(start, start + window).services
            name = _name(services, wanted.target, wanted.node)
            if name is not None:
                found[start] = Tally(services[name].requests, services[name].faults)
            start += window
        return found

    def _by_series(self, wanted: Wanted, name: str) -> Windows:
        window = timedelta(seconds=wanted.window_seconds)
        found: dict[datetime, Tally] = defaultdict(lambda: Tally(0, 0))
        with aws.doing(f"reading X-Ray's statistics of {name}"):
            pages = self._client.get_paginator("get_time_series_service_statistics").paginate(
                StartTime=wanted.start,
                EndTime=wanted.end,
                EntitySelectorExpression=f"service({json.dumps(name)})",
                Period=PERIOD,
            )
            for each in (each for page in pages for each in page["TimeSeriesServiceStatistics"]):
                if wanted.start <= each["Timestamp"] < wanted.end:
                    start = wanted.start + (each["Timestamp"] - wanted.start) // window * window
                    found[start] += _tally(each)
        return dict(found)


def names(target: Target, node: str) -> Sequence[str]:
    """How the services of a node may be called: by App Mesh without the mesh's name, by Istio, by a tracer's own."""
    return f"{node}_{target.namespace}", f"{node}.{target.namespace}", node


def _name(services: Mapping[str, Traced], target: Target, node: str) -> str | None:
    wanted = names(target, node)
    return next((name for name in sorted(services) if name.rpartition("/")[2] in wanted), None)


def _tally(shape: Mapping[str, Any]) -> Tally:
    summary = shape.get("ServiceSummaryStatistics") or {}
    return Tally(int(summary.get("TotalCount", 0)), int(summary.get("FaultStatistics", {}).get("TotalCount", 0)))
