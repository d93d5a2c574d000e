"""Rollouts over fakes, each function of the canary's stack watched: what it asks for when all goes well, and not."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from canario.adapters.envoy_admin import MeshDataPlane
from canario.adapters.node_pods import NodePods
from canario.adapters.routers import MeshRouters
from canario.adapters.workloads import Deployments
from canario.canary import Decision, Plan, ending, in_order, intervention, starting, steps, subscribing, watchdog
from canario.canary.carried import Carried
from canario.canary.gates import Gates
from canario.canary.guards import Guard
from canario.canary.notices import notice
from canario.canary.observer import look
from canario.canary.replacing import replace_suspect
from canario.canary.starting import Cause, Office
from canario.canary.subscription import Subscription
from canario.canary.template import parse_template
from canario.canary.world import Hands, World
from canario.errors import CanarioError
from canario.workshop import run
from canario.workshop.kinds import DEPLOYMENT
from canario.workshop.ports import Ports
from canario.workshop.request import Request
from canario.workshop.stages.s08_canary import target
from tests.fakes import NOW
from tests.fakes.observer import FakeObserver
from tests.fakes.rollouts import (
    FakeAlarms,
    FakeCalendars,
    FakeController,
    FakeExecutions,
    FakeFaults,
    FakeStarter,
    FakeTemplates,
    FakeTokens,
)
from tests.infrastructure import worlds
from tests.infrastructure.watching import Watch

LATER = NOW + timedelta(hours=1)
OWNER, ALARM = "arn:execution", "checkout-5xx"
# X-Ray is asked only where the plan has it vote.
PLAN = Plan(window_seconds=5, guards=(Guard("errors", "errors"), Guard("traces", "faults")))


def watch_rollouts(watch: Watch, request: Request) -> None:
    """Every function of the canary's stack, and the workshop's that ends a rollout."""
    _steps(watch, request)
    _refused(watch, request)
    _start(watch, request)
    _order(watch, request)
    _interventions(watch, request)
    _watchdog(watch, request)
    _observer(watch, request)
    _fail(watch, request)


def _reach(watch: Watch, ports: Ports, alarms: FakeAlarms | None = None) -> World:
    """What the canary's functions reach: the real routers, proxies and Deployments over the watched cluster."""
    return World(
        routers=MeshRouters(ports.kubernetes),
        data_plane=MeshDataPlane(ports.kubernetes),
        metrics=ports.metrics,
        records=ports.rollouts,  # type: ignore[arg-type]
        events=ports.events,
        tokens=watch.port("tokens", FakeTokens()),
        controller=watch.port("controller", FakeController()),
        workloads=Deployments(ports.kubernetes),
        faults=watch.port("faults", FakeFaults()),
        pods=NodePods(ports.kubernetes),
        alarms=watch.port("alarms", alarms or FakeAlarms()),
        observer=watch.port("observer", FakeObserver(worth=1)),
    )


def _begun(request: Request, world: World, **asked: Any) -> Carried:
    return steps.begin("r1", target(request), PLAN, OWNER, world, NOW, **asked)


def _image(request: Request, ports: Ports) -> dict[str, str]:
    where = target(request)
    found = ports.kubernetes.get(DEPLOYMENT, where.canary, where.namespace) or {}
    [container] = found["spec"]["template"]["spec"]["containers"]
    return {"deployment": where.canary, "container": container["name"], "reference": "registry/nodejs@sha256:1"}


def _steps(watch: Watch, request: Request) -> None:
    """Every step of a rollout that advances, and is rolled back after an error."""
    inner = worlds.meshed(request)
    worlds.running(inner)
    world = _reach(watch, watch.ports(inner))
    with watch.of("canary_begin"):
        carried = _begun(request, world, gates=Gates((0.1,)), alarms=(ALARM,), image=_image(request, inner))
    with watch.of("canary_deploy"):
        steps.deploy(carried, world)
    with watch.of("canary_verify"):
        carried = _verified(carried, world)
    with watch.of("canary_observe"):
        carried = _observed(replace(carried, since=NOW), world)
    with watch.of("canary_decide"):
        decided = steps.decide(carried, world, LATER)
        replace_suspect(carried, Decision("hold", 0.1, "because", {}, suspect="a-pod"), (), world)
    advance = {"kind": "advance", "share": 0.1, "reason": "because"}
    with watch.of("canary_shift"):
        shifted = steps.shift(replace(decided, decision=advance), world)
    with watch.of("canary_gate"):
        steps.wait_for_person(replace(shifted, waiting={"why": "gate"}), "token", world)
    failed = replace(shifted, failure={"error": "E", "cause": "because"})
    with watch.of("canary_shift"):
        rolled_back = ending.roll_back(failed, world, LATER)
    with watch.of("canary_end"):
        ended = ending.end(rolled_back, world, LATER)
    _tell(watch, request, world, ended)


def _verified(carried: Carried, world: World) -> Carried:
    """While the observer is on duty, and after; proxies that are not asked for the share would not let it."""
    with suppress(CanarioError):
        steps.verify(carried, world, NOW)
    subscribed = subscribing.verified(carried, world, NOW, NOW)
    subscribing.verified(subscribed, world, NOW, LATER)
    return subscribed


def _observed(carried: Carried, world: World) -> Carried:
    """When the observer is gone, and when it is there."""
    alone = steps.observe(carried, world, LATER)
    served = steps.observe(carried, world, NOW + timedelta(seconds=10))
    return replace(alone, subscription=served.subscription)


def _observer(watch: Watch, request: Request) -> None:
    """One look, for one rollout."""
    ports = watch.ports(worlds.meshed(request))
    asked = Subscription("r1", target(request), NOW, 5, LATER)
    desk, controller = watch.port("desk", FakeObserver(asked={"r1": asked})), watch.port("controller", FakeController())
    with watch.of("canary_observer"):
        look(desk, ports.metrics, controller, None, NOW + timedelta(seconds=10))


def _tell(watch: Watch, request: Request, world: World, ended: dict[str, Any]) -> None:
    topic = watch.port("topic", _Topic())
    detail = {**steps.subject("r1", target(request)), **ended}
    with watch.of("canary_notify"):
        topic.publish(*notice("RolloutEnded", detail, world.records.entries("r1")))


class _Topic:
    def publish(self, subject: str, message: str) -> None:
        assert subject
        assert message


def _refused(watch: Watch, request: Request) -> None:
    """A router that splits already is let go again, and one whose alarm is in ALARM."""
    inner = worlds.meshed(request)
    worlds.in_flight(request, inner)
    with watch.of("canary_begin"), suppress(CanarioError):
        _begun(request, _reach(watch, watch.ports(inner)))
    inner = worlds.meshed(request)
    with watch.of("canary_begin"), suppress(CanarioError):
        _begun(request, _reach(watch, watch.ports(inner), FakeAlarms({ALARM})), alarms=(ALARM,))


def _start(watch: Watch, request: Request) -> None:
    """By its template, by a push, several in their order; and in a freeze."""
    where = target(request)
    asked = {
        "name": "nodejs",
        "target": dict(vars(where)),
        "push": {
            "repository": "canario/nodejs",
            "tags": ["v*"],
            "container": "nodejs",
            "deployments": {where.baseline: where.baseline, where.canary: where.canary},
        },
        "freeze": {"calendars": ["holidays"]},
    }
    calendars = FakeCalendars()
    ports = watch.ports(worlds.meshed(request))
    office = Office(
        templates=watch.port("templates", FakeTemplates({"nodejs": parse_template(asked)})),
        calendars=watch.port("calendars", calendars),
        machine=watch.port("rollout_machine", FakeStarter()),
        in_order=watch.port("rollout_machine", FakeStarter()),
        routers=MeshRouters(ports.kubernetes),
        events=ports.events,
    )
    with watch.of("canary_start"):
        starting.start_pushed("canario/nodejs", "v2", Cause("a push", "1", "registry/nodejs@sha256:1"), office, NOW)
        starting.start_named("nodejs", Cause("somebody", "2"), office, NOW)
        starting.start_in_order(["nodejs"], Cause("somebody", "3"), office, NOW)
        calendars.shut.add("holidays")
        starting.start_named("nodejs", Cause("somebody", "4"), office, NOW)


def _order(watch: Watch, request: Request) -> None:
    """The next one, and the end."""
    ports = watch.ports(worlds.cluster(request))
    given = {"rollouts": [{"target": dict(vars(target(request))), "rollout": "r1"}]}
    done = [{"rollout": "r1", "outcome": "promoted"}]
    with watch.of("canary_order"):
        for each in ([], done):
            in_order.following("o1", given, each, ports.rollouts, ports.events, NOW)  # type: ignore[arg-type]


def _interventions(watch: Watch, request: Request) -> None:
    """Every word that a person has, and an alarm's, to a rollout with a share that waits."""
    for kind in ("approve", "pause", "resume", "abort", "alarm"):
        inner = worlds.meshed(request)
        world = _reach(watch, watch.ports(inner))
        _begun(request, world, gates=Gates((0.1,)), alarms=(ALARM,))
        world.tokens.keep("r1", "token")
        worlds.in_flight(request, inner)
        if kind == "alarm":
            with watch.of("canary_alarm"):
                intervention.alarm(ALARM, "because", world, NOW)
        else:
            with watch.of("canary_instruct"):
                intervention.instruct("r1", kind, "somebody", "because", world, NOW)


def _watchdog(watch: Watch, request: Request) -> None:
    """A rollout whose execution is gone, one that had ended but was not let go, and a share after a rollout's end."""
    for ended, settled in ((False, False), (True, False), (True, True)):
        inner = worlds.meshed(request)
        world = _reach(watch, watch.ports(inner))
        carried = _begun(request, world)
        if ended:
            _over(carried, world, settled)
        worlds.in_flight(request, inner)
        with watch.of("canary_watchdog"):
            watchdog.sweep(world, watch.port("executions", FakeExecutions()), LATER)


def _over(carried: Carried, world: World, settled: bool) -> None:
    world.records.put(carried.name, 1, "ended", {"outcome": "rolled_back"}, NOW)
    if settled:
        world.records.settle(carried.target, carried.name, "rolled_back")


def _fail(watch: Watch, request: Request) -> None:
    """A workshop that fails with a canary in flight."""
    inner = worlds.meshed(request)
    inner.rollouts.put("run-1", 0, "started", {}, NOW)  # type: ignore[attr-defined]
    worlds.in_flight(request, inner)
    watched = watch.ports(inner)
    hands = Hands(MeshRouters(watched.kubernetes), watched.rollouts, watched.events)  # type: ignore[arg-type]
    with watch.of("workshop_fail"):
        ending.abandon("run-1", "the workshop failed", target(request), hands, NOW)
        run.fail(request, watched, "run-1", "canary", "Error", "because")
