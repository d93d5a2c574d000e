"""Whole workshops over fakes, each function's part watched: what the functions ask for when all goes well, and not."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from canario.adapters.envoy_admin import MeshDataPlane
from canario.adapters.routers import MeshRouters
from canario.canary import steps
from canario.canary.carried import Carried
from canario.errors import CanarioError, NotWaiting
from canario.workshop import guided, registrar, renewal, run
from canario.workshop.application import url
from canario.workshop.kinds import LEASE
from canario.workshop.ports import Answer, Ports
from canario.workshop.request import Request
from canario.workshop.stages import all_stages, stage
from canario.workshop.stages.s08_canary import target
from canario.workshop.stages.s10_clean import LOAD_LEASE
from tests.fakes import NOW, FakeTasks, FakeWaits
from tests.infrastructure.watching import Watch
from tests.unit.workshop.world import DEFAULT, answering, world

STAGES = tuple(each.id for each in all_stages())
MINUTES = (0, 10, 20)  # attempts of a stage, so that what has to settle first settles


def watched() -> Watch:
    """Everything that this page makes the functions do."""
    watch = Watch()
    for request in (DEFAULT, replace(DEFAULT, workshop="turma-01")):
        _workshop(watch, request)
    for id in STAGES:
        _undo(watch, id)
    for id in STAGES:
        _guided(watch, id)
    _ends(watch)
    _rollout(watch)
    _alone(watch)
    return watch


def _workshop(watch: Watch, request: Request) -> None:
    """Every stage looked at before it is solved, solved, and looked at after it."""
    ports = watch.ports(_world(request))
    with watch.of("workshop_begin"):
        run.begin(request, ports, "run-1")
    for id in STAGES:
        with watch.of(f"stage_{id}"):
            _stage(id, request, ports)
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
    _late(id, request, ports)


def _look(id: str, request: Request, ports: Ports) -> None:
    """One by one, as a check that fails hides none of the others."""
    for each in stage(id).checks:
        each.run(request, ports)


def _late(id: str, request: Request, ports: Ports) -> None:
    """The stage's last check, far behind its deadline: it is recorded and said, whatever it finds."""
    with suppress(CanarioError):
        run.check(id, request, replace(ports, now=NOW + timedelta(days=1)), "run-1", NOW)


def _undo(watch: Watch, id: str) -> None:
    """`canario reset` of one stage, with all others before it solved."""
    ports = watch.ports(_world(DEFAULT))
    for each in STAGES[: STAGES.index(id) + 1]:
        for minutes in MINUTES:
            with suppress(CanarioError):
                stage(each).solve(DEFAULT, replace(ports, now=NOW + timedelta(minutes=minutes)))
    with watch.of(f"stage_{id}"):
        for minutes in MINUTES:
            with suppress(CanarioError):
                run.clean(id, DEFAULT, replace(ports, now=NOW + timedelta(minutes=minutes)), "run-1")


def _guided(watch: Watch, id: str) -> None:
    """The stage waits, is attempted, solved by the machine; waits again, and is given up."""
    ports = watch.ports(_world(DEFAULT))
    tasks = FakeTasks(open={"one", "two"})
    guide = guided.Guide(watch.port("waits", FakeWaits()), watch.port("tasks", tasks))
    with watch.of(f"stage_{id}"):
        guided.wait(id, DEFAULT, ports, guide, "run-1", "one")
        guided.attempt(id, DEFAULT, ports, guide)
        with suppress(NotWaiting):  # an empty cluster is all that `clean` wants: its attempt has ended the wait
            guided.finish(id, DEFAULT, guide, run.Finish.SOLVE)
        guided.wait(id, DEFAULT, ports, guide, "run-1", "two")
        guided.abandon(id, DEFAULT, guide, "because")
        if stage(id).by_hand:
            with suppress(CanarioError):
                stage(id).by_hand.take_over(DEFAULT, ports)  # type: ignore[union-attr]


def _ends(watch: Watch) -> None:
    """A workshop that fails with a canary in flight."""
    ports = _meshed(_world(DEFAULT))
    ports.rollouts.put("run-1", 0, "started", {}, NOW)  # type: ignore[attr-defined]
    with watch.of("workshop_fail"):
        watched = watch.ports(ports)
        steps.abandon("run-1", "the workshop failed", target(DEFAULT), _reach(watch, watched), NOW)
        run.fail(DEFAULT, watched, "run-1", "canary", "Error", "because")


def _rollout(watch: Watch) -> None:
    """Every step of a rollout, on the real routers and the real reading of proxies."""
    ports = watch.ports(_meshed(_world(DEFAULT)))
    world, where = _reach(watch, ports), target(DEFAULT)
    with watch.of("canary_begin"):
        carried = steps.begin("r1", where, DEFAULT.canary, "arn:execution", world, NOW)
    with watch.of("canary_begin"), suppress(CanarioError):
        steps.begin("r2", where, DEFAULT.canary, "arn:another", world, NOW)
    with watch.of("canary_verify"), suppress(CanarioError):
        steps.verify(carried, world, NOW)
    _steps(watch, replace(carried, since=NOW), world)


def _steps(watch: Watch, carried: Carried, world: steps.World) -> None:
    later = NOW + timedelta(hours=1)
    with watch.of("canary_observe"):
        carried = steps.observe(carried, world, later)
    with watch.of("canary_decide"):
        decided = steps.decide(carried, world, later)
    advance = {"kind": "advance", "share": 0.1, "reason": "because"}
    with watch.of("canary_shift"):
        shifted = steps.shift(replace(decided, decision=advance), world)
        rolled_back = steps.roll_back(shifted, world, later)
    with watch.of("canary_end"):
        steps.end(rolled_back, world, later)


def _alone(watch: Watch) -> None:
    """What no machine calls: the registrar and the renewal, both over workshops that have all that they look for."""
    ports = watch.ports(_meshed(_world(DEFAULT)))
    for id in ("discovery", "mtls"):
        for minutes in MINUTES:
            with suppress(CanarioError):
                stage(id).solve(DEFAULT, replace(ports, now=NOW + timedelta(minutes=minutes)))
    with watch.of("renew"):
        renewal.renew_all(replace(ports, now=NOW + timedelta(days=3650)))
    _registrar(watch)


def _registrar(watch: Watch) -> None:
    """Pods come, and go: registered, said to be healthy, deregistered."""
    ports = _meshed(_world(DEFAULT))
    ports.kubernetes.cloud = None  # type: ignore[attr-defined]  # nobody else registers
    for minutes in MINUTES:
        with suppress(CanarioError):
            stage("discovery").solve(DEFAULT, replace(ports, now=NOW + timedelta(minutes=minutes)))
    seen = watch.ports(ports)
    with watch.of("registrar"):
        registrar.reconcile(seen.kubernetes, seen.cloud_map)
        for key in [key for key in ports.kubernetes.objects if key[0] == "Pod"]:  # type: ignore[attr-defined]
            del ports.kubernetes.objects[key]  # type: ignore[attr-defined]
        registrar.reconcile(seen.kubernetes, seen.cloud_map)


def _reach(watch: Watch, ports: Ports) -> steps.World:
    return steps.World(
        routers=MeshRouters(ports.kubernetes),
        data_plane=MeshDataPlane(ports.kubernetes),
        metrics=ports.metrics,
        records=ports.rollouts,  # type: ignore[arg-type]
        events=ports.events,
    )


def _meshed(ports: Ports) -> Ports:
    for id in ("baseline", "controller", "mesh", "canary"):
        stage(id).solve(DEFAULT, ports)
    return ports


def _world(request: Request) -> Ports:
    """All is well, and somebody sends load that has just died."""
    ports = world()
    names = request.names
    ports.http.answers[url(names, "frontend")] = answering("frontend", "envoy")  # type: ignore[attr-defined]
    for service in ("nodejs", "crystal"):
        body = json.dumps({"service": service, "node": f"{service}-app-0"})
        ports.http.answers[url(names, service)] = Answer(200, {"server": "envoy"}, body)  # type: ignore[attr-defined]
    lease = {"holderIdentity": "load", "leaseDurationSeconds": 1, "renewTime": "2026-11-02T11:00:00+00:00"}
    metadata = {"name": LOAD_LEASE, "namespace": names.namespace}
    ports.kubernetes.put({"apiVersion": LEASE.api_version, "kind": "Lease", "metadata": metadata, "spec": lease})  # type: ignore[attr-defined]
    return ports
