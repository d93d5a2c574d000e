"""One router, its rollout and its world in memory, for the tests of the canary's steps and of operating them."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from canario.canary import Plan, steps
from canario.canary.carried import Carried
from canario.canary.ports import NodeCounts, ProxyShare, Target
from canario.canary.world import World
from tests.fakes import NOW, FakeDataPlane, FakeEvents, FakeMetrics, FakeRolloutRecords, FakeRouters
from tests.fakes.observer import FakeObserver
from tests.fakes.rollouts import FakeAlarms, FakeController, FakeFaults, FakePods, FakeTokens, FakeWorkloads

TARGET = Target("turma-01", "appmesh", "ns", "nodejs-router", "nodejs", "nodejs-app", "nodejsv2-app")
PLAN = Plan(window_seconds=5)


@dataclass
class Lab:
    """A router, its callers' proxies, and what the nodes did."""

    routers: FakeRouters = field(default_factory=FakeRouters)
    data_plane: FakeDataPlane = field(default_factory=FakeDataPlane)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    records: FakeRolloutRecords = field(default_factory=FakeRolloutRecords)
    events: FakeEvents = field(default_factory=FakeEvents)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    controller: FakeController = field(default_factory=FakeController)
    workloads: FakeWorkloads = field(default_factory=FakeWorkloads)
    faults: FakeFaults = field(default_factory=FakeFaults)
    pods: FakePods = field(default_factory=FakePods)
    alarms: FakeAlarms = field(default_factory=FakeAlarms)
    observer: FakeObserver = field(default_factory=FakeObserver)

    def __post_init__(self) -> None:
        self.routers.set(TARGET, 0.0, manager="workshop")

    @property
    def world(self) -> World:
        return World(
            self.routers,
            self.records,
            self.events,
            self.data_plane,
            self.metrics,
            self.tokens,
            self.controller,
            self.workloads,
            self.faults,
            self.pods,
            self.alarms,
            self.observer,
        )

    @property
    def share(self) -> float:
        return self.routers.read(TARGET).share

    def in_force(self, share: float | None, message: str = "") -> None:
        self.data_plane.proxies = [ProxyShare("frontend-1", share, message), ProxyShare("frontend-2", share, message)]

    def serve(self, start: datetime, requests: int, errors: int, windows: int = 1) -> None:
        """Both nodes the same, window after window."""
        for each in range(windows):
            counts = NodeCounts(start + each * timedelta(seconds=5), requests, errors)
            for node in (TARGET.baseline, TARGET.canary):
                self.metrics.nodes.setdefault(node, []).append(counts)


def begun(lab: Lab, plan: Plan = PLAN, **asked: Any) -> Carried:
    lab.in_force(0.0)
    carried = steps.begin("r1", TARGET, plan, "arn:execution", lab.world, NOW, **asked)
    return steps.verify(carried, lab.world, NOW)


def through_json(carried: Carried) -> Carried:
    """As the state machine carries it."""
    return Carried.from_dict(json.loads(json.dumps(carried.to_dict(), allow_nan=False)))


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def decided(carried: Carried, share: float) -> Carried:
    return replace(carried, decision={"kind": "advance", "share": share, "reason": "because"})


def kinds(lab: Lab) -> list[str]:
    """Of the events, in order."""
    return [kind for kind, _ in lab.events.put_events]


def one_turn(carried: Carried, lab: Lab, seconds: float) -> Carried:
    """Observe and decide, as the machine does, and shift where the decision asks for it."""
    carried = through_json(steps.observe(carried, lab.world, later(seconds)))
    if not carried.observations:
        return carried
    carried = through_json(steps.decide(carried, lab.world, later(seconds)))
    if carried.decision and carried.decision["share"] != carried.asked:
        carried = steps.shift(carried, lab.world)
        lab.in_force(carried.written)
        carried = steps.verify(carried, lab.world, later(seconds))
    return through_json(carried)
