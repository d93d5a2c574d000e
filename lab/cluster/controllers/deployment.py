"""Deployments: one ReplicaSet per pod template, and the way from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.cluster.client import Client
from lab.cluster.controllers import revisions, rolling
from lab.cluster.controllers.conditions import is_active
from lab.cluster.controllers.deployment_status import seconds_to_deadline, status
from lab.cluster.controllers.events import Recorder
from lab.cluster.controllers.loop import Key
from lab.cluster.controllers.ownership import claimed, controller_of
from lab.cluster.errors import ApiError
from lab.cluster.objects import Obj, dig, is_deleting, name_of, namespace_of

DEPLOYMENTS, SETS = "deployments.apps", "replicasets.apps"


@dataclass(frozen=True)
class Create:
    """Make this ReplicaSet."""

    replica_set: Obj


@dataclass(frozen=True)
class Change:
    """Merge `patch` into a ReplicaSet; `replicas` (was, is) where its size changes."""

    name: str
    patch: Obj
    replicas: tuple[int, int] | None = None


@dataclass(frozen=True)
class Delete:
    """An old ReplicaSet that the history no longer needs."""

    name: str


@dataclass(frozen=True)
class Annotate:
    """The deployment's own revision."""

    revision: str


Action = Create | Change | Delete | Annotate


def decide(deployment: Obj, sets: Sequence[Obj], *, old_pods: bool) -> list[Action]:
    """What to do next. `old_pods`: whether pods of other templates are there still, deleting ones included."""
    new, old = revisions.split(deployment, sets)
    spec = deployment["spec"]
    lim = rolling.limits(spec)
    if new is None and not dig(spec, "paused") and not _waits_for_old(spec, old, old_pods):
        return [_create(deployment, old, lim)]
    sizes = _sizes(spec, lim, new, old, old_pods)
    resized = [s for s in sets if name_of(s) in sizes or _stale_annotations(s, lim)]
    return [
        *_bookkeeping(deployment, new, old),
        *(_resize(s, lim, sizes) for s in resized),
        *(Delete(name_of(s)) for s in revisions.surplus(deployment, old)),
    ]


def _waits_for_old(spec: Obj, old: Sequence[Obj], old_pods: bool) -> bool:
    return rolling.is_recreate(spec) and (old_pods or any(dig(s, "spec", "replicas") for s in old))


def _create(deployment: Obj, old: Sequence[Obj], lim: rolling.Limits) -> Create:
    spec = deployment["spec"]
    size = lim.replicas if rolling.is_recreate(spec) else rolling.first_size(lim, [_sized(s) for s in old])
    return Create(revisions.new_set(deployment, old, replicas=size, most=lim.most, wanted=lim.replicas))


def _sized(s: Obj) -> rolling.Sized:
    return rolling.Sized(
        name_of(s),
        dig(s, "spec", "replicas", default=1),
        dig(s, "status", "availableReplicas", default=0),
        s["metadata"]["creationTimestamp"],
        revisions.annotated_int(s, revisions.DESIRED),
        revisions.annotated_int(s, revisions.MOST),
    )


def _sizes(spec: Obj, lim: rolling.Limits, new: Obj | None, old: Sequence[Obj], old_pods: bool) -> rolling.Sizes:
    fresh, others = _sized(new) if new else None, [_sized(s) for s in old]
    everyone = [*others, fresh] if fresh else others
    recreating = rolling.is_recreate(spec)
    rescaled = any(s.wanted and s.desired not in (None, lim.replicas) for s in everyone)
    if rescaled or dig(spec, "paused"):
        return rolling.rescale(lim, fresh, others, rolling=not recreating)
    if recreating:
        return rolling.recreate(lim, fresh, others, old_pods=old_pods)
    return rolling.roll(lim, fresh, others) if fresh else {}


def _bookkeeping(deployment: Obj, new: Obj | None, old: Sequence[Obj]) -> list[Action]:
    """Revision and annotations, on the ReplicaSet and on the deployment."""
    if new is None:
        return []
    actions: list[Action] = []
    wanted = revisions.set_annotations(deployment, new, old)
    patch: Obj = {}
    if any(revisions.annotation(new, k) != v for k, v in wanted.items()):
        patch["metadata"] = {"annotations": wanted}
    min_ready = dig(deployment, "spec", "minReadySeconds", default=0)
    if dig(new, "spec", "minReadySeconds", default=0) != min_ready:
        patch["spec"] = {"minReadySeconds": min_ready}
    if patch:
        actions.append(Change(name_of(new), patch))
    if revisions.annotation(deployment, revisions.REVISION) != wanted[revisions.REVISION]:
        actions.append(Annotate(wanted[revisions.REVISION]))
    return actions


def _stale_annotations(s: Obj, lim: rolling.Limits) -> bool:
    wanted = revisions.size_annotations(lim.replicas, lim.most)
    return bool(dig(s, "spec", "replicas")) and any(revisions.annotation(s, k) != v for k, v in wanted.items())


def _resize(s: Obj, lim: rolling.Limits, sizes: rolling.Sizes) -> Change:
    was = dig(s, "spec", "replicas", default=1)
    size = sizes.get(name_of(s), was)
    annotations = revisions.size_annotations(lim.replicas, lim.most)
    patch = {"metadata": {"annotations": annotations}, "spec": {"replicas": size}}
    return Change(name_of(s), patch, (was, size) if size != was else None)


class DeploymentController:
    """Performs what `decide` says, and writes the status."""

    def __init__(self, client: Client, recorder: Recorder, now: Callable[[], datetime]) -> None:
        self._client = client
        self._recorder = recorder
        self._now = now

    async def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        try:
            deployment = await self._client.get(DEPLOYMENTS, name, namespace)
        except ApiError as error:
            if error.code == 404:
                return None
            raise
        if is_deleting(deployment):
            return None
        sets = await self._sets(deployment)
        actions = decide(deployment, sets, old_pods=await self._has_old_pods(deployment, sets))
        for action in actions:
            await self._perform(deployment, action)
        if actions:
            sets = await self._sets(deployment)
        return await self._write_status(deployment, sets)

    async def _sets(self, deployment: Obj) -> list[Obj]:
        found, _ = await self._client.list(SETS, namespace_of(deployment))
        return await claimed(self._client, SETS, deployment, found)

    async def _has_old_pods(self, deployment: Obj, sets: Sequence[Obj]) -> bool:
        if not rolling.is_recreate(deployment["spec"]):
            return False  # asked only where it matters
        _, old = revisions.split(deployment, sets)
        uids = {s["metadata"]["uid"] for s in old}
        pods, _ = await self._client.list("pods", namespace_of(deployment))
        return any(dig(controller_of(p), "uid") in uids and (is_active(p) or is_deleting(p)) for p in pods)

    async def _perform(self, deployment: Obj, action: Action) -> None:
        namespace = namespace_of(deployment)
        match action:
            case Create(replica_set):
                await self._client.create(SETS, replica_set)
                await self._tell_scaled(deployment, name_of(replica_set), 0, replica_set["spec"]["replicas"])
            case Change(name, patch, replicas):
                await self._client.patch(SETS, name, namespace, patch)
                if replicas:
                    await self._tell_scaled(deployment, name, *replicas)
            case Delete(name):
                await self._client.delete(SETS, name, namespace)
            case Annotate(revision):
                patch = {"metadata": {"annotations": {revisions.REVISION: revision}}}
                await self._client.patch(DEPLOYMENTS, name_of(deployment), namespace, patch)

    async def _tell_scaled(self, deployment: Obj, name: str, was: int, size: int) -> None:
        if was == size:
            return
        direction = "up" if size > was else "down"
        message = f"Scaled {direction} replica set {name} from {was} to {size}"
        await self._recorder.normal(deployment, "ScalingReplicaSet", message)

    async def _write_status(self, deployment: Obj, sets: Sequence[Obj]) -> float | None:
        new, old = revisions.split(deployment, sets)
        wanted = status(deployment, new, old, self._now())
        if wanted != {k: v for k, v in (deployment.get("status") or {}).items() if k in wanted}:
            name, namespace = name_of(deployment), namespace_of(deployment)
            patch = {"status": wanted}
            deployment = await self._client.patch(DEPLOYMENTS, name, namespace, patch, subresource="status")
        return seconds_to_deadline(deployment, self._now())
