"""What a Deployment says of itself: counts and conditions with Kubernetes' reasons, which kubectl reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from lab.cluster.controllers.conditions import condition, parse_time, with_condition
from lab.cluster.controllers.rolling import limits, replicas_of
from lab.cluster.objects import Obj, dig, name_of, timestamp

_DONE, _LATE = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"


def status(deployment: Obj, new: Obj | None, old: Sequence[Obj], now: datetime) -> Obj:
    """The whole of `status`; counts are always written, zeros too."""
    everyone = [*old, new] if new else list(old)
    available = _total(everyone, "availableReplicas")
    wanted = sum(dig(s, "spec", "replicas", default=1) for s in everyone)
    counts = {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": _total(everyone, "replicas"),
        "updatedReplicas": _total([new] if new else [], "replicas"),
        "readyReplicas": _total(everyone, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
    }
    conditions = _conditions(deployment, counts, new, everyone, now)
    return {**counts, "conditions": conditions}


def seconds_to_deadline(deployment: Obj, now: datetime) -> float | None:
    """When the progress deadline must be looked at again; None when it does not run."""
    progress = condition(deployment, "Progressing")
    if progress is None or progress["reason"] in (_DONE, _LATE) or dig(deployment, "spec", "paused"):
        return None
    deadline = parse_time(progress["lastUpdateTime"]) + timedelta(seconds=_deadline(deployment) + 1)
    return max(0.5, (deadline - now).total_seconds())


def _total(sets: Sequence[Obj], field: str) -> int:
    return sum(dig(s, "status", field, default=0) for s in sets)


def _deadline(deployment: Obj) -> int:
    return int(dig(deployment, "spec", "progressDeadlineSeconds", default=600))


def _conditions(
    deployment: Obj, counts: dict[str, int], new: Obj | None, sets: Sequence[Obj], now: datetime
) -> list[Obj]:
    found: list[Obj] = dig(deployment, "status", "conditions", default=[])
    found = with_condition(found, _stamped(_available(deployment, counts), deployment, now), now)
    progress = _progressing(deployment, counts, new, now)
    if progress:
        found = with_condition(found, progress, now)
    failure = next((c for s in sets if (c := condition(s, "ReplicaFailure"))), None)
    if failure:
        return with_condition(found, _stamped(failure, deployment, now), now)
    return [c for c in found if c["type"] != "ReplicaFailure"]


def _stamped(new: Obj, deployment: Obj, now: datetime) -> Obj:
    """With a lastUpdateTime that moves only when the condition says something else."""
    old = condition(deployment, new["type"])
    same = old is not None and all(old.get(k) == new[k] for k in ("status", "reason", "message"))
    return {**new, "lastUpdateTime": dig(old, "lastUpdateTime") if same else timestamp(now)}


def _available(deployment: Obj, counts: dict[str, int]) -> Obj:
    if counts["availableReplicas"] >= limits(deployment["spec"]).fewest:
        return _condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    return _condition(
        "Available",
        "False",
        "MinimumReplicasUnavailable",
        "Deployment does not have minimum availability.",
    )


def _condition(kind: str, state: str, reason: str, message: str) -> Obj:
    return {"type": kind, "status": state, "reason": reason, "message": message}


def _progressing(deployment: Obj, counts: dict[str, int], new: Obj | None, now: datetime) -> Obj | None:
    """The Progressing condition that follows; None to keep the one there is."""
    old = condition(deployment, "Progressing")
    paused = bool(dig(deployment, "spec", "paused"))
    if paused or dig(old, "reason") == "DeploymentPaused":
        return _pausing(old, paused, now)
    if new is None:
        return None
    name = name_of(new)
    if _is_new_template(deployment, old, name):
        message = f'Created new replica set "{name}"'
        return _updated(_condition("Progressing", "True", "NewReplicaSetCreated", message), now)
    if _is_complete(deployment, counts):
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return _stamped(_condition("Progressing", "True", _DONE, message), deployment, now)
    if dig(old, "reason") == _DONE:
        return None  # a rollout that was complete stays so, when pods come and go later
    if _moved(deployment, counts):
        message = f'ReplicaSet "{name}" is progressing.'
        return _updated(_condition("Progressing", "True", "ReplicaSetUpdated", message), now)
    if old and _is_late(deployment, old, now):
        message = f'ReplicaSet "{name}" has timed out progressing.'
        return _stamped(_condition("Progressing", "False", _LATE, message), deployment, now)
    return None


def _pausing(old: Obj | None, paused: bool, now: datetime) -> Obj | None:
    reason = "DeploymentPaused" if paused else "DeploymentResumed"
    if dig(old, "reason") == reason:
        return None
    verb = "paused" if paused else "resumed"
    return _updated(_condition("Progressing", "Unknown", reason, f"Deployment is {verb}"), now)


def _updated(new: Obj, now: datetime) -> Obj:
    return {**new, "lastUpdateTime": timestamp(now)}


def _is_new_template(deployment: Obj, old: Obj | None, name: str) -> bool:
    """Whether the condition still speaks of another ReplicaSet than the present one."""
    if old is None:
        return True
    return old["reason"] != "DeploymentResumed" and f'"{name}"' not in old.get("message", "")


def _is_complete(deployment: Obj, counts: dict[str, int]) -> bool:
    replicas = replicas_of(deployment["spec"])
    names = ("updatedReplicas", "replicas", "availableReplicas")
    return all(counts[name] == replicas for name in names)


def _moved(deployment: Obj, counts: dict[str, int]) -> bool:
    def before(field: str) -> int:
        return int(dig(deployment, "status", field, default=0))

    outdated = counts["replicas"] - counts["updatedReplicas"]
    return (
        counts["updatedReplicas"] > before("updatedReplicas")
        or outdated < before("replicas") - before("updatedReplicas")
        or counts["readyReplicas"] > before("readyReplicas")
        or counts["availableReplicas"] > before("availableReplicas")
    )


def _is_late(deployment: Obj, old: Obj, now: datetime) -> bool:
    since = parse_time(old["lastUpdateTime"])
    return (now - since).total_seconds() > _deadline(deployment)
