"""Whole workshops over fakes, each function's part watched: what the functions ask for when all goes well, and not."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from canario.errors import CanarioError
from canario.workshop import guided, left_overs, lifetime, registrar, renewal, room, run
from canario.workshop.ports import Ports
from canario.workshop.request import Request
from canario.workshop.stages import all_stages, stage
from canario.workshop.stages.s08_canary import target
from tests.fakes import NOW, FakeTasks, FakeWaits
from tests.fakes.lifetimes import FakeMachine
from tests.infrastructure.rollouts import watch_rollouts
from tests.infrastructure.watching import Watch
from tests.infrastructure.worlds import (
    MINUTES,
    REQUESTS,
    by_hand,
    cluster,
    in_flight,
    meshed,
    nobody_registers,
    pods_end,
    real,
    running,
    settle,
)

STAGES = tuple(each.id for each in all_stages())
NODES = {"appmesh": "VirtualNode", "gateway": "Service"}


def watched(dialect: str) -> Watch:
    """Everything that this page makes the functions do in the dialect."""
    watch, request = Watch(), REQUESTS[dialect]
    for each in (request, replace(request, workshop="turma-01")):
        _workshop(watch, each)
    for id in STAGES:
        _undo(watch, request, id)
        _guided(watch, request, id)
    _without_discovery(watch, request)
    _after_discovery(watch, request)
    _cleaned_in_flight(watch, request)
    _renew(watch, request)
    _registrar(watch, request)
    _room(watch, request)
    _expire(watch, request)
    watch_rollouts(watch, request)
    return watch


def _workshop(watch: Watch, request: Request) -> None:
    """Every stage looked at before it is solved, solved, and looked at after it."""
    ports = watch.ports(cluster(request))
    with watch.of("workshop_begin"):
        run.begin(request, ports, "run-1")
    for id in STAGES:
        with watch.of(f"stage_{id}"):
            _stage(id, request, ports)
    pods_end(ports)
    ports.records.put_stage(request.workshop, "run-1", "clean", {"status": "passed"}, NOW)
    with watch.of("workshop_end"):
        run.end(replace(request, until="clean"), ports, "run-1")


def _stage(id: str, request: Request, ports: Ports) -> None:
    _look(id, request, ports)
    for minutes in MINUTES:
        later = replace(ports, now=NOW + timedelta(minutes=minutes))
        with suppress(CanarioError):
            run.solve(id, request, later, "run-1")
        if id == "canary":
            ports.rollouts.put("run-1", 7, "ended", {"outcome": "rolled_back"}, NOW)  # type: ignore[attr-defined]
        _look(id, request, later)
    with suppress(CanarioError):  # far behind its deadline: recorded and said, whatever it finds
        run.check(id, request, replace(ports, now=NOW + timedelta(days=1)), "run-1", NOW)


def _look(id: str, request: Request, ports: Ports) -> None:
    """One by one, as a check that fails hides none of the others."""
    for each in stage(id).checks:
        if each.is_for(request):
            each.run(request, ports)


def _undo(watch: Watch, request: Request, id: str) -> None:
    """`canario reset` of one stage, with all others before it solved."""
    inner = cluster(request)
    ports = watch.ports(inner)
    for each in STAGES[: STAGES.index(id) + 1]:
        settle(ports, lambda later, each=each: stage(each).solve(request, later))
    nobody_registers(inner)
    if id == "mesh":
        by_hand(request, inner)
    with watch.of(f"stage_{id}"):
        settle(ports, lambda later: run.clean(id, request, later, "run-1"))


def _guided(watch: Watch, request: Request, id: str) -> None:
    """The stage waits, is attempted, solved by the machine; waits again, is given up; and is skipped."""
    ports = watch.ports(meshed(request) if id == "clean" else cluster(request))
    tasks = FakeTasks(open={"one", "two", "three"})
    guide = guided.Guide(watch.port("waits", FakeWaits()), watch.port("tasks", tasks))
    with watch.of(f"stage_{id}"):
        guided.wait(id, request, ports, guide, "run-1", "one")
        guided.attempt(id, request, ports, guide)
        guided.wait(id, request, ports, guide, "run-1", "two")  # where the attempt did it, the stage waits anew
        guided.finish(id, request, guide, run.Finish.SOLVE)
        guided.wait(id, request, ports, guide, "run-1", "three")
        guided.abandon(id, request, guide, "because")
        run.solve(id, request, ports, "run-1", run.Finish.SKIP)
        by_hand = stage(id).by_hand
        if by_hand:
            settle(ports, lambda later: by_hand.take_over(request, later))


def _without_discovery(watch: Watch, request: Request) -> None:
    """A canary that is found by its load balancer, where the stage `discovery` was left out."""
    ports = watch.ports(cluster(request))
    for id in ("baseline", "controller", "mesh"):
        stage(id).solve(request, ports)
    with watch.of("stage_canary"):
        settle(ports, lambda later: stage("canary").solve(request, later))


def _after_discovery(watch: Watch, request: Request) -> None:
    """Where nodes are found by Cloud Map: a canary, cleaned by its own stage and anew; then all of it cleaned."""
    inner = meshed(request)
    ports = watch.ports(inner)
    settle(ports, lambda later: stage("discovery").solve(request, later))
    with watch.of("stage_canary"):
        run.clean("canary", request, ports, "run-1")
        settle(ports, lambda later: run.solve("canary", request, later, "run-2"))
        ports.rollouts.put("run-2", 7, "ended", {"outcome": "rolled_back"}, NOW)  # type: ignore[attr-defined]
        running(ports)
        _look("canary", request, real(ports))
    nobody_registers(inner)
    by_hand(request, inner)
    with watch.of("stage_clean"):
        left_overs.sweep(left_overs.find(request, ports), ports)
        settle(ports, lambda later: run.solve("clean", request, later, "run-1"))
        _look("clean", request, ports)


def _cleaned_in_flight(watch: Watch, request: Request) -> None:
    """A canary has a share when its workshop is cleaned."""
    inner = meshed(request)
    in_flight(request, inner)
    inner.rollouts.lock(target(request), "run-1", "arn:execution", NOW)  # type: ignore[attr-defined]
    inner.rollouts.put("run-1", 0, "started", {}, NOW)  # type: ignore[attr-defined]
    ports = real(watch.ports(inner))
    with watch.of("stage_clean"):
        settle(ports, lambda later: run.solve("clean", request, later, "run-1"))


def _renew(watch: Watch, request: Request) -> None:
    """Certificates that end soon."""
    ports = watch.ports(meshed(request))
    settle(ports, lambda later: stage("mtls").solve(request, later))
    with watch.of("renew"):
        renewal.renew_all(replace(ports, now=NOW + timedelta(days=3650)))


def _registrar(watch: Watch, request: Request) -> None:
    """Pods come, fall ill and go: registered, said to be ill, deregistered; a service that nobody has is forgotten."""
    ports = meshed(request)
    nobody_registers(ports)
    settle(ports, lambda later: stage("discovery").solve(request, later))
    seen = watch.ports(ports)
    pods = [key for key in ports.kubernetes.objects if key[0] == "Pod"]  # type: ignore[attr-defined]
    with watch.of("registrar"):
        registrar.reconcile(seen.kubernetes, seen.cloud_map)
        for key in pods:
            ports.kubernetes.objects[key]["status"]["conditions"] = []  # type: ignore[attr-defined]
        registrar.reconcile(seen.kubernetes, seen.cloud_map)
        pods_end(ports)
        registrar.reconcile(seen.kubernetes, seen.cloud_map)
        for key in [key for key in ports.kubernetes.objects if key[0] == NODES[request.mesh]]:  # type: ignore[attr-defined]
            del ports.kubernetes.objects[key]  # type: ignore[attr-defined]
        registrar.reconcile(seen.kubernetes, seen.cloud_map)


def _room(watch: Watch, request: Request) -> None:
    """How many workshops fit, beside one that is there."""
    ports = watch.ports(meshed(request))
    settle(ports, lambda later: stage("discovery").solve(request, later))
    with watch.of("stage_preflight"):
        room.rooms(ports, ())


def _expire(watch: Watch, request: Request) -> None:
    """A workshop is warned, its time is over, and it is ended twice."""
    ports = watch.ports(meshed(request))
    run.begin(request, ports, "run-1")
    machine = watch.port("machine", FakeMachine())
    with watch.of("expire"):
        for minutes in range(0, 100 * 60, 5):
            lifetime.look(replace(ports, now=NOW + timedelta(minutes=minutes)), machine)
