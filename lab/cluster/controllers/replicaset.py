"""ReplicaSets: as many pods as wanted, and which of them go first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.cluster.client import Client
from lab.cluster.controllers.conditions import (
    is_active,
    is_available,
    is_ready,
    ready_since,
    seconds_until_available,
    with_condition,
)
from lab.cluster.controllers.events import Recorder
from lab.cluster.controllers.loop import Key
from lab.cluster.controllers.ownership import claimed, labels_of, owner_reference
from lab.cluster.errors import ApiError
from lab.cluster.objects import Obj, copy, dig, is_deleting, name_of, namespace_of

SETS = "replicasets.apps"
_BURST = 50  # pods made or deleted in one go
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


@dataclass(frozen=True)
class Decision:
    """How many pods to make, and which to delete."""

    create: int
    delete: tuple[Obj, ...]


def decide(replica_set: Obj, pods: Sequence[Obj]) -> Decision:
    """Compare what is wanted with the active pods among `pods`."""
    active = [p for p in pods if is_active(p)]
    missing = int(dig(replica_set, "spec", "replicas", default=1)) - len(active)
    if missing >= 0:
        return Decision(min(missing, _BURST), ())
    return Decision(0, tuple(sorted(active, key=rank)[: min(-missing, _BURST)]))


def rank(pod: Obj) -> tuple[object, ...]:
    """Sort key, who goes first: unassigned, pending, not ready, cheap, newly ready, restarted, new pods."""
    since = ready_since(pod)
    restarts = max((c.get("restartCount", 0) for c in dig(pod, "status", "containerStatuses", default=[])), default=0)
    cost = dig(pod, "metadata", "annotations", _DELETION_COST, default="0")
    return (
        bool(dig(pod, "spec", "nodeName")),
        _PHASES.get(dig(pod, "status", "phase", default="Pending"), 0),
        is_ready(pod),
        int(cost) if cost.lstrip("-").isdigit() else 0,
        -since.timestamp() if since else 0.0,
        -restarts,
        _Newest(pod["metadata"]["creationTimestamp"]),
        name_of(pod),
    )


class _Newest(str):
    """A timestamp that sorts the later one first."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)


def pod_of(replica_set: Obj) -> Obj:
    """A new pod from the template."""
    template = copy(replica_set["spec"]["template"])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **dig(template, "metadata", default={}),
            "generateName": f"{name_of(replica_set)}-",
            "namespace": namespace_of(replica_set),
            "ownerReferences": [owner_reference(replica_set)],
        },
        "spec": template["spec"],
    }


def status(replica_set: Obj, pods: Sequence[Obj], failure: str, now: datetime) -> Obj:
    """The whole of `status`; `failure` says why pods could not be made, empty when they could."""
    active = [p for p in pods if is_active(p)]
    template = labels_of(dig(replica_set, "spec", "template", default={})).items()
    min_ready = _min_ready(replica_set)
    return {
        "observedGeneration": replica_set["metadata"]["generation"],
        "replicas": len(active),
        "fullyLabeledReplicas": sum(template <= labels_of(p).items() for p in active),
        "readyReplicas": sum(is_ready(p) for p in active),
        "availableReplicas": sum(is_available(p, min_ready, now) for p in active),
        "conditions": _conditions(replica_set, failure, now),
    }


def _min_ready(replica_set: Obj) -> int:
    return int(dig(replica_set, "spec", "minReadySeconds", default=0))


def _conditions(replica_set: Obj, failure: str, now: datetime) -> list[Obj]:
    found: list[Obj] = dig(replica_set, "status", "conditions", default=[])
    if not failure:
        return [c for c in found if c["type"] != "ReplicaFailure"]
    new = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": failure}
    return with_condition(found, new, now)


def next_look(replica_set: Obj, pods: Sequence[Obj], now: datetime) -> float | None:
    """Seconds until a ready pod becomes available by minReadySeconds alone."""
    waits = [seconds_until_available(p, _min_ready(replica_set), now) for p in pods if is_active(p)]
    return min((w for w in waits if w), default=None)


class ReplicaSetController:
    """Makes and deletes pods, and writes the status."""

    def __init__(self, client: Client, recorder: Recorder, now: Callable[[], datetime]) -> None:
        self._client = client
        self._recorder = recorder
        self._now = now

    async def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        try:
            replica_set = await self._client.get(SETS, name, namespace)
        except ApiError as error:
            if error.code == 404:
                return None
            raise
        pods = await self._pods(replica_set)
        failure: ApiError | None = None
        if not is_deleting(replica_set):
            failure = await self._perform(replica_set, decide(replica_set, pods))
            pods = await self._pods(replica_set)
        await self._write_status(replica_set, pods, failure.message if failure else "")
        if failure:
            raise failure  # the queue tries again, later each time
        return next_look(replica_set, pods, self._now())

    async def _pods(self, replica_set: Obj) -> list[Obj]:
        found, _ = await self._client.list("pods", namespace_of(replica_set))
        return await claimed(self._client, "pods", replica_set, found)

    async def _perform(self, replica_set: Obj, decision: Decision) -> ApiError | None:
        """The first failure, if any; the others' work is done all the same."""
        made = await asyncio.gather(*(self._create(replica_set) for _ in range(decision.create)))
        for pod in decision.delete:
            await self._delete(replica_set, pod)
        return next(filter(None, made), None)

    async def _create(self, replica_set: Obj) -> ApiError | None:
        try:
            pod = await self._client.create("pods", pod_of(replica_set))
        except ApiError as error:
            await self._recorder.warning(replica_set, "FailedCreate", f"Error creating: {error.message}")
            return error
        await self._recorder.normal(replica_set, "SuccessfulCreate", f"Created pod: {name_of(pod)}")
        return None

    async def _delete(self, replica_set: Obj, pod: Obj) -> None:
        try:
            await self._client.delete("pods", name_of(pod), namespace_of(pod))
        except ApiError as error:
            if error.code != 404:
                raise
            return
        await self._recorder.normal(replica_set, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

    async def _write_status(self, replica_set: Obj, pods: Sequence[Obj], failure: str) -> None:
        wanted = status(replica_set, pods, failure, self._now())
        if wanted == replica_set.get("status"):
            return
        patch = {"status": wanted}
        name, namespace = name_of(replica_set), namespace_of(replica_set)
        await self._client.patch(SETS, name, namespace, patch, subresource="status")
