"""What CloudWatch says of the nodes' whole run, to hold against the load's own count.

CloudWatch has it from the callers' proxies, so it begins with the stage `mesh`; the load counts from its start. Of the
canary, which is called through a proxy only, both must say the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from canario.canary.ports import Metrics, Target

WINDOW_SECONDS = 5


def measured(metrics: Metrics, target: Target, start: datetime, end: datetime) -> dict[str, dict[str, int]]:
    """node → its requests and errors in [start, end), to the second."""
    first = datetime.fromtimestamp(math.floor(start.timestamp()), UTC)
    last = datetime.fromtimestamp(math.ceil(end.timestamp()) + WINDOW_SECONDS, UTC)
    found = {}
    for node in (target.baseline, target.canary):
        windows = metrics.read(target, node, first, last, WINDOW_SECONDS, ())
        found[node] = {
            "requests": sum(each.requests for each in windows),
            "errors": sum(each.errors for each in windows),
        }
    return found


def span(traffic: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime] | None:
    """When the load ran; None when it did not."""
    if not traffic.get("started"):
        return None
    return datetime.fromisoformat(traffic["started"]), datetime.fromisoformat(traffic.get("ended") or now.isoformat())
