"""Everything that a rollout reaches."""

from dataclasses import dataclass

from canario.canary.ports import Controller, DataPlane, Events, Faults, Metrics, Records, Routers, Tokens, Workloads


@dataclass(frozen=True)
class World:
    routers: Routers
    data_plane: DataPlane
    metrics: Metrics
    records: Records
    events: Events
    tokens: Tokens
    controller: Controller
    workloads: Workloads
    faults: Faults
