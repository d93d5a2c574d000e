"""Conditions and pod states, read and written as Kubernetes does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from lab.cluster.objects import Obj, dig, is_deleting, timestamp


def parse_time(text: str) -> datetime:
    """A metav1.Time as a datetime in UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def condition(obj: Obj, kind: str) -> Obj | None:
    """The condition of this type in `status.conditions`."""
    found: list[Obj] = dig(obj, "status", "conditions", default=[])
    return next((c for c in found if c.get("type") == kind), None)


def is_true(obj: Obj, kind: str) -> bool:
    return bool(dig(condition(obj, kind), "status") == "True")


def with_condition(conditions: Iterable[Obj], new: Obj, now: datetime) -> list[Obj]:
    """`conditions` with `new` in place of the one of its type; a transition time only where status changed."""
    found = list(conditions)
    place = next((i for i, c in enumerate(found) if c["type"] == new["type"]), len(found))
    old = found[place] if place < len(found) else None
    same = old is not None and old["status"] == new["status"]
    since = dig(old, "lastTransitionTime") if same else None
    found[place : place + 1] = [{**new, "lastTransitionTime": since or timestamp(now)}]
    return found


def is_active(pod: Obj) -> bool:
    """Neither finished nor being deleted: what counts as a replica."""
    return not is_deleting(pod) and dig(pod, "status", "phase") not in ("Succeeded", "Failed")


def is_ready(pod: Obj) -> bool:
    return is_true(pod, "Ready")


def ready_since(pod: Obj) -> datetime | None:
    """When the pod became ready; None when it is not."""
    ready = condition(pod, "Ready")
    if dig(ready, "status") != "True":
        return None
    return parse_time(dig(ready, "lastTransitionTime", default="1970-01-01T00:00:00Z"))


def seconds_until_available(pod: Obj, min_ready_seconds: int, now: datetime) -> float | None:
    """0 when available, None when not ready, else what is left of `min_ready_seconds`."""
    since = ready_since(pod)
    if since is None:
        return None
    return max(0.0, min_ready_seconds - (now - since).total_seconds())


def is_available(pod: Obj, min_ready_seconds: int, now: datetime) -> bool:
    return seconds_until_available(pod, min_ready_seconds, now) == 0
