"""Kubernetes Events: what `kubectl describe` tells of an object's recent past."""

from __future__ import annotations

import logging
import uuid
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from lab.cluster.client import Client
from lab.cluster.errors import ApiError
from lab.cluster.objects import Obj, name_of, namespace_of, timestamp

_log = logging.getLogger(__name__)
_REMEMBERED = 1000  # events that are counted up instead of written anew


def _now() -> datetime:
    return datetime.now(UTC)


class Recorder:
    """Writes Events for one component; the same event again raises its count. Never fails what it reports on."""

    def __init__(self, client: Client, component: str, *, host: str = "", now: Callable[[], datetime] = _now) -> None:
        self._client = client
        self._source = {"component": component} | ({"host": host} if host else {})
        self._now = now
        self._seen: OrderedDict[tuple[str, ...], tuple[str, int]] = OrderedDict()

    async def normal(self, about: Obj, reason: str, message: str, *, field: str = "") -> None:
        await self._record("Normal", about, reason, message, field)

    async def warning(self, about: Obj, reason: str, message: str, *, field: str = "") -> None:
        await self._record("Warning", about, reason, message, field)

    async def _record(self, kind: str, about: Obj, reason: str, message: str, field: str) -> None:
        key = (about["metadata"].get("uid", name_of(about)), reason, message, field)
        name, count = self._seen.pop(key, ("", 0))
        try:
            if not (name and await self._again(about, name, count + 1)):
                name, count = await self._first(kind, about, reason, message, field), 0
        except ApiError as error:
            _log.debug("event %s about %s not written: %s", reason, name_of(about), error)
            return
        self._seen[key] = (name, count + 1)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    async def _again(self, about: Obj, name: str, count: int) -> bool:
        """Count one up; False when the API no longer has it."""
        patch = {"count": count, "lastTimestamp": timestamp(self._now())}
        try:
            await self._client.patch("events", name, namespace_of(about) or "default", patch)
        except ApiError as error:
            if error.code != 404:
                raise
            return False
        return True

    async def _first(self, kind: str, about: Obj, reason: str, message: str, field: str) -> str:
        at = timestamp(self._now())
        name = f"{name_of(about)}.{uuid.uuid4().hex[:16]}"
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace_of(about) or "default"},
            "involvedObject": _reference(about, field),
            "type": kind,
            "reason": reason,
            "message": message,
            "source": self._source,
            "reportingComponent": self._source["component"],
            "reportingInstance": self._source.get("host", ""),
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }
        await self._client.create("events", event)
        return name


def _reference(about: Obj, field: str) -> Obj:
    data = about["metadata"]
    reference = {
        "apiVersion": about.get("apiVersion", "v1"),
        "kind": about.get("kind", ""),
        "namespace": namespace_of(about),
        "name": name_of(about),
        "uid": data.get("uid", ""),
        "resourceVersion": data.get("resourceVersion", ""),
        "fieldPath": field,
    }
    return {key: value for key, value in reference.items() if value}
