"""Everything that a rollout reaches, and what is enough to end one."""

from dataclasses import dataclass

from canario.canary.observer import Observer
from canario.canary.ports import (
    Alarms,
    Controller,
    DataPlane,
    Events,
    Faults,
    Metrics,
    Pods,
    Records,
    Routers,
    Tokens,
    Workloads,
)


@dataclass(frozen=True)
class Hands:
    """What is enough to end a rollout."""

    routers: Routers
    records: Records
    events: Events


@dataclass(frozen=True)
class World(Hands):
    """What a rollout reaches."""

    data_plane: DataPlane
    metrics: Metrics
    tokens: Tokens
    controller: Controller
    workloads: Workloads
    faults: Faults
    pods: Pods
    alarms: Alarms
    observer: Observer
