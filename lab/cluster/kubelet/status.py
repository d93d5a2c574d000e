"""A pod's status from the states of its containers: phase and conditions as Kubernetes derives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.cluster.controllers.conditions import is_true, with_condition
from lab.cluster.kubelet.state import ContainerState, Running, Terminated, Waiting
from lab.cluster.objects import Obj, dig, timestamp

_OWN = ("PodScheduled", "Initialized", "ContainersReady", "Ready")


@dataclass(frozen=True)
class Facts:
    """What the kubelet knows of a pod. `ip` is empty until it has one."""

    init: tuple[ContainerState, ...]
    main: tuple[ContainerState, ...]
    ip: str
    host_ip: str
    started: datetime


def pod_status(pod: Obj, facts: Facts, now: datetime) -> Obj:
    """The fields of `status` that the kubelet owns; conditions of others are kept."""
    status: Obj = {
        "phase": phase(facts, restart_policy(pod)),
        "conditions": _conditions(pod, facts, now),
        "hostIP": facts.host_ip,
        "startTime": timestamp(facts.started),
        "qosClass": "BestEffort",
        "containerStatuses": [c.to_dict() for c in facts.main],
    }
    if facts.ip:
        status |= {"podIP": facts.ip, "podIPs": [{"ip": facts.ip}]}
    if facts.init:
        status["initContainerStatuses"] = [c.to_dict() for c in facts.init]
    return status


def restart_policy(pod: Obj) -> str:
    return str(dig(pod, "spec", "restartPolicy", default="Always"))


def initialized(facts: Facts) -> bool:
    """Whether the containers' turn has come: once one of them has begun, it stays so."""
    return not _incomplete(facts)


def _incomplete(facts: Facts) -> list[str]:
    """The init containers that the others wait for; a sidecar only has to have started."""
    if any(c.last or not isinstance(c.state, Waiting) for c in facts.main):
        return []
    return [c.name for c in facts.init if not (c.started if c.sidecar else _succeeded(c))]


def phase(facts: Facts, policy: str) -> str:
    """Pending, Running, Succeeded or Failed. Source: Kubernetes, "Pod phase"."""
    if not initialized(facts):
        failed = any(_ended(c) and not _succeeded(c) for c in facts.init if not c.sidecar)
        return "Failed" if failed and policy == "Never" else "Pending"
    if any(isinstance(c.state, Waiting) and c.last is None for c in facts.main):
        return "Pending"
    if policy == "Always" or not all(_ended(c) for c in facts.main):
        return "Running"
    if all(_succeeded(c) for c in facts.main):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def _ended(c: ContainerState) -> bool:
    return isinstance(c.state, Terminated)


def _succeeded(c: ContainerState) -> bool:
    return isinstance(c.state, Terminated) and c.state.exit_code == 0


def _conditions(pod: Obj, facts: Facts, now: datetime) -> list[Obj]:
    found: list[Obj] = dig(pod, "status", "conditions", default=[])
    for new in _wanted(pod, facts):
        found = with_condition(found, new, now)
    return found


def _wanted(pod: Obj, facts: Facts) -> list[Obj]:
    done = phase(facts, restart_policy(pod)) in ("Succeeded", "Failed")
    unready = [c.name for c in (*_sidecars(facts), *facts.main) if not (c.ready and isinstance(c.state, Running))]
    containers = _why_not(done, unready)
    gates = [g["conditionType"] for g in dig(pod, "spec", "readinessGates", default=[])]
    closed = [gate for gate in gates if not is_true(pod, gate)]
    ready = containers
    if not containers and closed:
        ready = {"reason": "ReadinessGatesNotReady", "message": f"gates not true: {', '.join(closed)}"}
    waiting = _incomplete(facts)
    init = {
        "reason": "ContainersNotInitialized",
        "message": f"containers with incomplete status: {_listed(waiting)}",
    }
    outcomes: tuple[dict[str, str], ...] = ({}, init if waiting else {}, containers, ready)
    return [_condition(kind, why) for kind, why in zip(_OWN, outcomes, strict=True)]


def _sidecars(facts: Facts) -> Sequence[ContainerState]:
    return [c for c in facts.init if c.sidecar]


def _why_not(done: bool, unready: Sequence[str]) -> dict[str, str]:
    if done:
        return {"reason": "PodCompleted"}
    if unready:
        return {
            "reason": "ContainersNotReady",
            "message": f"containers with unready status: {_listed(unready)}",
        }
    return {}


def _listed(names: Sequence[str]) -> str:
    return f"[{' '.join(names)}]"


def _condition(kind: str, why_not: dict[str, str]) -> Obj:
    return {"type": kind, "status": "False" if why_not else "True", **why_not}
