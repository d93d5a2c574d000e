"""Whole workshops over fakes, each function's part watched: what the functions ask for when all goes well, and not."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from canario.adapters.envoy_admin import MeshDataPlane
from canario.adapters.routers import MeshRouters
from canario.canary import steps
from canario.canary.carried import Carried
from canario.errors import CanarioError
from canario.workshop import guided, lifetime, registrar, renewal, room, run
from canario.workshop.application import url
from canario.workshop.kinds import LEASE, VIRTUAL_ROUTER
from canario.workshop.ports import Answer, Ports
from canario.workshop.request import Request
from canario.workshop.stages import all_stages, s06_discovery, stage
from canario.workshop.stages.s03_controller import INJECTOR_LABEL
from canario.workshop.stages.s08_canary import target
from canario.workshop.stages.s10_clean import LOAD_LEASE
from tests.fakes import NOW, FakeTasks, FakeWaits
from tests.infrastructure.watching import Watch
from tests.lifetimes import FakeMachine
from tests.unit.workshop.world import DEFAULT, answering, world

STAGES = tuple(each.id for each in all_stages())
MINUTES = (0, 10, 20)  # attempts of a stage


def watched() -> Watch:
    """Everything that this page makes the functions do."""
    watch = Watch()
    for request in (DEFAULT, replace(DEFAULT, workshop="turma-01")):
        _workshop(watch, request)
    for id in STAGES:
        _undo(watch, id)
        _guided(watch, id)
    _after_discovery(watch)
    _fail(watch)
    _rollout(watch)
    _renew(watch)
    _registrar(watch)
    _room(watch)
    _expire(watch)
    return watch


def _workshop(watch: Watch, request: Request) -> None:
    """Every stage looked at before it is solved, solved, and looked at after it."""
    ports = watch.ports(_world(request))
    with watch.of("workshop_begin"):
        run.begin(request, ports, "run-1")
    for id in STAGES:
        with watch.of(f"stage_{id}"):
            _stage(id, request, ports)
    _pods_end(ports)
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
        each.run(request, ports)


def _real(ports: Ports) -> Ports:
    """With the real routers and the real reading of proxies, over the same cluster."""
    cluster = ports.kubernetes
    return replace(ports, routers=MeshRouters(cluster), data_plane=MeshDataPlane(cluster))


def _undo(watch: Watch, id: str) -> None:
    """`canario reset` of one stage, with all others before it solved."""
    inner = _world(DEFAULT)
    ports = watch.ports(inner)
    for each in STAGES[: STAGES.index(id) + 1]:
        _settle(ports, lambda later, each=each: stage(each).solve(DEFAULT, later))
    inner.kubernetes.cloud = None  # type: ignore[attr-defined]  # no registrar lets go: the stage itself does
    with watch.of(f"stage_{id}"):
        _settle(ports, lambda later: run.clean(id, DEFAULT, later, "run-1"))


def _guided(watch: Watch, id: str) -> None:
    """The stage waits, is attempted, solved by the machine; waits again, is given up; and is skipped."""
    ports = watch.ports(_meshed(_world(DEFAULT)) if id == "clean" else _world(DEFAULT))
    tasks = FakeTasks(open={"one", "two"})
    guide = guided.Guide(watch.port("waits", FakeWaits()), watch.port("tasks", tasks))
    with watch.of(f"stage_{id}"):
        guided.wait(id, DEFAULT, ports, guide, "run-1", "one")
        guided.attempt(id, DEFAULT, ports, guide)
        guided.finish(id, DEFAULT, guide, run.Finish.SOLVE)
        guided.wait(id, DEFAULT, ports, guide, "run-1", "two")
        guided.abandon(id, DEFAULT, guide, "because")
        run.solve(id, DEFAULT, ports, "run-1", run.Finish.SKIP)
        by_hand = stage(id).by_hand
        if by_hand:
            _settle(ports, lambda later: by_hand.take_over(DEFAULT, later))


def _after_discovery(watch: Watch) -> None:
    """Where nodes are found by Cloud Map: a canary, cleaned by its own stage and anew; then all of it cleaned."""
    inner = _meshed(_world(DEFAULT))
    ports = watch.ports(inner)
    _settle(ports, lambda later: s06_discovery.STAGE.solve(DEFAULT, later))
    with watch.of("stage_canary"):
        run.clean("canary", DEFAULT, ports, "run-1")
        _settle(ports, lambda later: run.solve("canary", DEFAULT, later, "run-2"))
        ports.rollouts.put("run-2", 7, "ended", {"outcome": "rolled_back"}, NOW)  # type: ignore[attr-defined]
        _running(ports)
        _look("canary", DEFAULT, _real(ports))
    inner.kubernetes.cloud = None  # type: ignore[attr-defined]  # no registrar lets go: the stage itself does
    with watch.of("stage_clean"):
        _settle(ports, lambda later: run.solve("clean", DEFAULT, later, "run-1"))
        _look("clean", DEFAULT, ports)


def _fail(watch: Watch) -> None:
    """A workshop that fails with a canary in flight."""
    ports = _meshed(_world(DEFAULT))
    ports.rollouts.put("run-1", 0, "started", {}, NOW)  # type: ignore[attr-defined]
    _in_flight(ports)
    watched = watch.ports(ports)
    with watch.of("workshop_fail"):
        steps.abandon("run-1", "the workshop failed", target(DEFAULT), _reach(watched), NOW)
        run.fail(DEFAULT, watched, "run-1", "canary", "Error", "because")


def _in_flight(ports: Ports) -> None:
    """Somebody has given the canary a share."""
    router = ports.kubernetes.get(VIRTUAL_ROUTER, "nodejs-router", DEFAULT.names.namespace) or {}
    for each, weight in zip(router["spec"]["routes"][0]["httpRoute"]["action"]["weightedTargets"], (9, 1), strict=True):
        each["weight"] = weight
    ports.kubernetes.replace(router)


def _rollout(watch: Watch) -> None:
    """Every step of a rollout, on the real routers and the real reading of proxies."""
    ports = watch.ports(_world(DEFAULT))
    for id in ("baseline", "controller", "mesh"):
        stage(id).solve(DEFAULT, ports)
    with watch.of("stage_canary"):  # found by its load balancer, where the stage `discovery` was left out
        stage("canary").solve(DEFAULT, ports)
    world, where = _reach(ports), target(DEFAULT)
    with watch.of("canary_begin"):
        carried = steps.begin("r1", where, DEFAULT.canary, "arn:execution", world, NOW)
    _running(ports)
    with watch.of("canary_verify"), suppress(CanarioError):
        steps.verify(carried, world, NOW)
    _in_flight(ports)
    with watch.of("canary_begin"), suppress(CanarioError):  # a router that splits already: it is let go again
        steps.begin("r1", where, DEFAULT.canary, "arn:execution", world, NOW)
    ports = watch.ports(_meshed(_world(DEFAULT)))
    ports.rollouts.lock(where, "r1", "arn:execution", NOW)  # type: ignore[attr-defined]
    _steps(watch, replace(carried, since=NOW), _reach(ports))


def _steps(watch: Watch, carried: Carried, world: steps.World) -> None:
    later = NOW + timedelta(hours=1)
    with watch.of("canary_observe"):
        carried = steps.observe(carried, world, later)
    with watch.of("canary_decide"):
        decided = steps.decide(carried, world, later)
    advance = {"kind": "advance", "share": 0.1, "reason": "because"}
    with watch.of("canary_shift"):
        shifted = steps.shift(replace(decided, decision=advance), world)
        rolled_back = steps.roll_back(replace(shifted, failure={"error": "E", "cause": "because"}), world, later)
    with watch.of("canary_end"):
        steps.end(rolled_back, world, later)


def _renew(watch: Watch) -> None:
    """Certificates that end soon."""
    ports = watch.ports(_meshed(_world(DEFAULT)))
    _settle(ports, lambda later: stage("mtls").solve(DEFAULT, later))
    with watch.of("renew"):
        renewal.renew_all(replace(ports, now=NOW + timedelta(days=3650)))


def _registrar(watch: Watch) -> None:
    """Pods come, fall ill and go: registered, said to be ill, deregistered; a service that nobody has is forgotten."""
    ports = _meshed(_world(DEFAULT))
    ports.kubernetes.cloud = None  # type: ignore[attr-defined]  # nobody else registers
    _settle(ports, lambda later: s06_discovery.STAGE.solve(DEFAULT, later))
    seen = watch.ports(ports)
    pods = [key for key in ports.kubernetes.objects if key[0] == "Pod"]  # type: ignore[attr-defined]
    with watch.of("registrar"):
        registrar.reconcile(seen.kubernetes, seen.cloud_map)
        for key in pods:
            ports.kubernetes.objects[key]["status"]["conditions"] = []  # type: ignore[attr-defined]
        registrar.reconcile(seen.kubernetes, seen.cloud_map)
        _pods_end(ports)
        registrar.reconcile(seen.kubernetes, seen.cloud_map)
        for key in [key for key in ports.kubernetes.objects if key[0] == "VirtualNode"]:  # type: ignore[attr-defined]
            del ports.kubernetes.objects[key]  # type: ignore[attr-defined]
        registrar.reconcile(seen.kubernetes, seen.cloud_map)


def _room(watch: Watch) -> None:
    """How many workshops fit, beside one that is there."""
    ports = watch.ports(_meshed(_world(DEFAULT)))
    _settle(ports, lambda later: s06_discovery.STAGE.solve(DEFAULT, later))
    with watch.of("stage_preflight"):
        room.rooms(ports, ())


def _expire(watch: Watch) -> None:
    """A workshop is warned, its time is over, and it is ended twice."""
    ports = watch.ports(_meshed(_world(DEFAULT)))
    run.begin(DEFAULT, ports, "run-1")
    machine = watch.port("machine", FakeMachine())
    with watch.of("expire"):
        for minutes in range(0, 100 * 60, 5):
            lifetime.look(replace(ports, now=NOW + timedelta(minutes=minutes)), machine)


def _settle(ports: Ports, act: Callable[[Ports], Any]) -> None:
    """Again and again, so that what has to settle first settles."""
    for minutes in MINUTES:
        with suppress(CanarioError):
            act(replace(ports, now=NOW + timedelta(minutes=minutes)))


def _reach(ports: Ports) -> steps.World:
    return steps.World(
        routers=MeshRouters(ports.kubernetes),
        data_plane=MeshDataPlane(ports.kubernetes),
        metrics=ports.metrics,
        records=ports.rollouts,  # type: ignore[arg-type]
        events=ports.events,
    )


def _meshed(ports: Ports) -> Ports:
    for id in ("baseline", "controller", "mesh", "canary"):
        _settle(ports, lambda later, id=id: stage(id).solve(DEFAULT, later))
    return ports


def _pods_end(ports: Ports) -> None:
    """As the controllers would make them, once their Deployments are gone."""
    for key in [key for key in ports.kubernetes.objects if key[0] == "Pod"]:  # type: ignore[attr-defined]
        del ports.kubernetes.objects[key]  # type: ignore[attr-defined]


def _running(ports: Ports) -> None:
    """The fakes' pods have no phase; a proxy is only asked where its pod runs."""
    for key, each in ports.kubernetes.objects.items():  # type: ignore[attr-defined]
        if key[0] == "Pod":
            each["status"]["phase"] = "Running"


def _world(request: Request) -> Ports:
    """All is well; somebody sends load who has just died; the injector is registered."""
    ports = world()
    names = request.names
    ports.http.answers[url(names, "frontend")] = answering("frontend", "envoy")  # type: ignore[attr-defined]
    for service in ("nodejs", "crystal"):
        body = json.dumps({"service": service, "node": f"{service}-app-0"})
        ports.http.answers[url(names, service)] = Answer(200, {"server": "envoy"}, body)  # type: ignore[attr-defined]
    lease = {"holderIdentity": "load", "leaseDurationSeconds": 1, "renewTime": "2026-11-02T11:00:00+00:00"}
    metadata = {"name": LOAD_LEASE, "namespace": names.namespace}
    webhook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "injector"},
        "webhooks": [{"namespaceSelector": {"matchLabels": {INJECTOR_LABEL: "enabled"}}}],
    }
    kubernetes = ports.kubernetes
    kubernetes.put(  # type: ignore[attr-defined]
        {"apiVersion": LEASE.api_version, "kind": "Lease", "metadata": metadata, "spec": lease}
    )
    kubernetes.put(webhook)  # type: ignore[attr-defined]
    return ports
