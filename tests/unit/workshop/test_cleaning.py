"""`clean` in a cluster where nothing goes at once: whatever is there, however often it is cut off, nothing is left."""

import copy
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest

from canario.canary import steps
from canario.canary.ports import Target
from canario.canary.world import World
from canario.errors import Frozen, NotReady, Quarantined
from canario.workshop import run
from canario.workshop.cloud_map import ServiceName
from canario.workshop.kinds import NAMESPACE, SERVICE, VIRTUAL_NODE
from canario.workshop.ports import Ports
from canario.workshop.stages import s08_canary, stage
from tests.fakes import NOW
from tests.fakes.observer import FakeObserver
from tests.fakes.rollouts import FakeAlarms, FakeController, FakeFaults, FakePods, FakeTokens, FakeWorkloads
from tests.unit.workshop.dying import HELD, DyingKubernetes, Killed, dying, without_controller
from tests.unit.workshop.world import DEFAULT
from tests.unit.workshop.world import NAMESPACE as WHERE

STAGES = ("baseline", "controller", "mesh", "tracing", "discovery", "gateway", "canary", "mtls")
ATTEMPTS = 20
TARGET: Target = s08_canary.target(DEFAULT)


def solved(*stages: str) -> Ports:
    """A copy of a workshop after these stages, all of them by default."""
    return copy.deepcopy(_solved(stages or STAGES))


@cache
def _solved(stages: tuple[str, ...]) -> Ports:
    """Each solved until it is ready; a minute passes between two attempts."""
    ports = dying()
    for each in stages:
        later = ports
        for _ in range(ATTEMPTS):
            try:
                stage(each).solve(DEFAULT, later)
                break
            except NotReady as reason:
                outputs, last = reason.progress, reason
                later = replace(later, now=later.now + timedelta(minutes=1))
            later.records.put_stage("default", "run-1", each, {"status": "running", "outputs": outputs}, NOW)
        else:
            raise last
    ports.records.forget("default")
    return ports


def cluster(ports: Ports) -> DyingKubernetes:
    assert isinstance(ports.kubernetes, DyingKubernetes)
    return ports.kubernetes


def cleaned(ports: Ports, attempts: int = ATTEMPTS) -> None:
    """As the state machine does it: again while it is not ready."""
    for _ in range(attempts):
        try:
            stage("clean").solve(DEFAULT, ports)
            return
        except NotReady as reason:
            last = reason
            cluster(ports).settle()
    raise last


def later(ports: Ports, seconds: float) -> Ports:
    return replace(ports, now=NOW + timedelta(seconds=seconds))


def everything(ports: Ports) -> list[str]:
    """What there is anywhere, but for what the cluster itself has."""
    found = [" ".join(filter(None, key)) for key in cluster(ports).objects]
    found += list(ports.zone.records()) + [str(service) for service in ports.cloud_map.registered]
    return found + [f"lock {router}" for router in ports.rollouts.locks]


@pytest.mark.parametrize("last", range(1, len(STAGES) + 1))
def test_a_workshop_that_came_so_far_leaves_nothing(last: int) -> None:
    """Cleaned after any of its stages."""
    ports = solved(*STAGES[:last])

    cleaned(ports)

    assert [] == everything(ports)
    assert "passed" == stage("clean").check(DEFAULT, ports)[0].finding.status


def test_cleaning_what_is_clean_is_harmless() -> None:
    """Twice after a workshop, and where there never was one."""
    ports = solved()
    cleaned(ports)

    cleaned(ports, attempts=1)
    cleaned(dying(), attempts=1)

    assert [] == everything(ports)


@pytest.mark.parametrize("missing", range(0, 60, 3))
def test_half_a_workshop_leaves_nothing(missing: int) -> None:
    """Whichever of its objects somebody has taken away by force."""
    ports = solved()
    keys = sorted(cluster(ports).objects, key=str)
    kind, _, name = taken = keys[missing % len(keys)]
    with_it = [key for key in keys if kind == "Namespace" and key[1] == name]  # nothing is in no namespace
    for key in (taken, *with_it):
        del cluster(ports).objects[key]

    cleaned(ports)

    assert [] == everything(ports)


@pytest.mark.parametrize("too_late", [False, True])
def test_cleaning_may_be_killed_at_any_call(too_late: bool) -> None:
    """The process ends before or after each call to the cluster in turn; the next attempt finishes the work."""
    whole = solved()
    before = cluster(whole).calls
    cleaned(whole)
    calls = cluster(whole).calls - before
    for at in range(1, calls, 11):
        ports = solved()
        cluster(ports).kill_at, cluster(ports).too_late = before + at, too_late
        with pytest.raises(Killed):
            cleaned(ports)
        cluster(ports).settle()

        cleaned(ports)

        assert [] == everything(ports), f"killed at call {at}"


def test_finalizers_that_nobody_will_answer_are_stripped() -> None:
    """The controller has gone before the objects that wait for it."""
    ports = solved()
    without_controller(ports)

    cleaned(ports)

    assert [] == everything(ports)


def test_a_controller_that_runs_is_waited_for() -> None:
    """Its finalizers are its own to take away: it may have something to do in AWS."""
    ports = solved()

    with pytest.raises(NotReady, match="held by the finalizer finalizers.appmesh"):
        stage("clean").solve(DEFAULT, ports)

    node = ports.kubernetes.get(VIRTUAL_NODE, "nodejs-app", WHERE)
    assert node
    assert [HELD] == node["metadata"]["finalizers"]
    system = ports.kubernetes.get(NAMESPACE, "appmesh-system")
    assert system
    assert "deletionTimestamp" not in system["metadata"]


def test_a_foreign_finalizer_leaves_the_workshop_quarantined() -> None:
    """A load balancer that its controller does not give up is named; nobody takes it out of sight."""
    ports = solved("baseline")
    balancer = ports.kubernetes.get(SERVICE, "nodejs-app-service", WHERE)
    assert balancer
    balancer["metadata"]["finalizers"] = ["service.k8s.aws/resources"]
    ports.kubernetes.put(balancer)
    for _ in range(ATTEMPTS):
        with pytest.raises(NotReady):
            run.solve("clean", DEFAULT, later(ports, 299), "run-1", entered=NOW)
        cluster(ports).settle()

    with pytest.raises(Quarantined, match=r"2 things are left: .*\(after 300 of 300 s\)") as raised:
        run.solve("clean", DEFAULT, later(ports, 300), "run-1", entered=NOW)
    failed = run.fail(DEFAULT, ports, "run-1", "clean", "Quarantined", str(raised.value))

    left = [
        f"Namespace {WHERE}",
        f"Service {WHERE}/nodejs-app-service (held by the finalizer service.k8s.aws/resources)",
    ]
    record = ports.records.stages("default")["clean"]
    quarantined = dict(ports.events.put_events)["WorkshopQuarantined"]
    assert ("Quarantined", "quarantined") == (failed["error"], failed["status"])
    assert ("quarantined", left) == (record["status"], record["outputs"]["left"])
    assert left == quarantined["left"]


def test_what_the_last_listing_finds_quarantines_as_well() -> None:
    """The check's own deadline ends in the same word."""
    ports = solved("baseline")

    with pytest.raises(Quarantined, match="Deployment .*/crystal-app"):
        run.check("clean", DEFAULT, later(ports, 301), "run-1", NOW)

    assert "quarantined" == ports.records.stages("default")["clean"]["status"]


def test_what_else_runs_with_the_label_goes_too() -> None:
    """A Service in another namespace, a name by hand, a Cloud Map service in a namespace of its own.

    A Secret that somebody copied there is not looked for: that would be the right to read every Secret.
    """
    ports = solved("baseline", "mesh")
    labels = {"canario/workshop": "default"}
    metadata = {"name": "copied", "namespace": "elsewhere", "labels": labels}
    ports.kubernetes.put({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {}})
    ports.kubernetes.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})
    ports.zone.upsert("by-hand.appmeshworkshop.hosted.local", "somewhere")
    ports.cloud_map.spaces.add("other.local")
    ports.cloud_map.create(ServiceName("other.local", "thing"), "default")
    ports.cloud_map.create(ServiceName("other.local", "theirs"), "turma-01")

    cleaned(ports)

    assert ["Secret elsewhere copied", "theirs.other.local"] == everything(ports)


def test_a_rollout_in_flight_is_rolled_back_first() -> None:
    """All traffic is the baseline's, the record says why, and nobody holds the router."""
    ports = solved()
    ports.routers.set(TARGET, 0.0)
    parts = [ports.routers, ports.rollouts, ports.events, ports.data_plane, ports.metrics]
    others = (FakeTokens(), FakeController(), FakeWorkloads(), FakeFaults(), FakePods(), FakeAlarms(), FakeObserver())
    world = World(*parts, *others)
    carried = steps.begin("run-1", TARGET, DEFAULT.canary, "arn", world, NOW)
    ports.routers.set(TARGET, 0.25)

    with pytest.raises(NotReady):
        stage("clean").solve(DEFAULT, ports)

    last = ports.rollouts.entries("run-1")[-1]
    assert 0.0 == ports.routers.read(TARGET).share
    assert ("rolled_back", "the workshop is being cleaned") == (last["outcome"], last["reason"])
    assert {} == ports.rollouts.locks
    assert carried.name == "run-1"


def test_no_stage_works_on_a_workshop_that_is_being_cleaned() -> None:
    """An execution that still runs would make anew, behind the cleaner's back, what has just gone."""
    ports = solved("baseline")
    with pytest.raises(NotReady):
        run.solve("clean", DEFAULT, ports, "cleaning")

    with pytest.raises(Frozen, match="canario clean default"):
        run.solve("mesh", DEFAULT, ports, "run-1")
    with pytest.raises(Frozen, match="begin: the workshop default is being cleaned"):
        run.begin(DEFAULT, ports, "run-2")
    assert ports.lifetimes.get("default") is None

    labels = (ports.kubernetes.get(NAMESPACE, WHERE) or {}).get("metadata", {}).get("labels", {})
    assert {"canario/workshop": "default"} == labels


def test_what_a_stage_makes_meanwhile_is_swept_by_the_next_attempt() -> None:
    """A function that was invoked before the workshop was frozen may still apply something."""
    ports = solved("baseline", "controller", "mesh")
    with pytest.raises(NotReady):
        stage("clean").solve(DEFAULT, ports)
    stage("gateway").solve(DEFAULT, ports)

    cleaned(ports)

    assert [] == everything(ports)
