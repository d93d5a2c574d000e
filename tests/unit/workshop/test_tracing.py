"""The stage `tracing`: what it does to the world, and what its checks see."""

from dataclasses import replace
from datetime import timedelta

import pytest

from canario.errors import NotReady
from canario.workshop.application import url
from canario.workshop.dialects import APP_MESH
from canario.workshop.kinds import DEPLOYMENT, POD
from canario.workshop.ports import Ports, Segment, Trace
from canario.workshop.stages import stage
from canario.workshop.traces import is_whole
from tests.fakes import NOW
from tests.unit.workshop.world import DEFAULT, NAMESPACE, answering, deployment_of, world

SYSTEM, CONTROLLER = "appmesh-system", "appmesh-controller"
FRONTEND, NODEJS, CRYSTAL = (APP_MESH.segment(DEFAULT.names, service) for service in ("frontend", "nodejs", "crystal"))
WHOLE = Trace(
    "1-2-3",
    (
        Segment("a", None, FRONTEND, False),
        Segment("b", "a", FRONTEND, False),
        Segment("c", "b", NODEJS, False),
        Segment("d", "a", FRONTEND, False),
        Segment("e", "d", CRYSTAL, False),
    ),
)


@pytest.fixture
def ports() -> Ports:
    """A world with the mesh in it."""
    found = world()
    for each in ("baseline", "controller", "mesh"):
        stage(each).solve(DEFAULT, found)
    found.http.answers[url(DEFAULT.names, "frontend")] = answering("frontend", "envoy")
    return found


def without(*services: str) -> Trace:
    return Trace("1-2-4", tuple(segment for segment in WHOLE.segments if segment.service not in services))


def said(ports: Ports) -> dict[str, str]:
    """check → status."""
    return {each.name: str(each.finding.status) for each in stage("tracing").check(DEFAULT, ports)}


def arguments(ports: Ports) -> list[str]:
    found = ports.kubernetes.get(DEPLOYMENT, CONTROLLER, SYSTEM) or {}
    return list(found["spec"]["template"]["spec"]["containers"][0].get("args", []))


def test_the_controller_is_told_first(ports: Ports) -> None:
    """No pod starts anew before the controller that traces runs: it would come up without a daemon."""
    ports.kubernetes.settles = False
    controller = ports.kubernetes.get(DEPLOYMENT, CONTROLLER, SYSTEM)
    ports.kubernetes.put({**controller, "status": {}})

    with pytest.raises(NotReady, match="appmesh-controller has not started again as it was told"):
        stage("tracing").solve(DEFAULT, ports)
    assert ["--enable-xray-tracing=true"] == arguments(ports)
    template = (deployment_of(ports, "nodejs") or {})["spec"]["template"]
    assert "canario/tracing" not in template["metadata"]["annotations"]


def test_without_a_controller_there_is_nothing_to_tell() -> None:
    """The reason names the stage that is to be solved first."""
    with pytest.raises(NotReady, match="solve the stage controller first"):
        stage("tracing").solve(DEFAULT, world())


def test_solved_twice(ports: Ports) -> None:
    """The flag is there once, other flags stay, and nothing starts anew a second time."""
    controller = ports.kubernetes.get(DEPLOYMENT, CONTROLLER, SYSTEM)
    controller["spec"]["template"]["spec"]["containers"][0]["args"] = ["--enable-xray-tracing=false", "--v=1"]
    ports.kubernetes.put(controller)
    stage("tracing").solve(DEFAULT, ports)
    before = {key: value["spec"] for key, value in ports.kubernetes.objects.items() if "spec" in value}

    stage("tracing").solve(DEFAULT, ports)

    assert ["--v=1", "--enable-xray-tracing=true"] == arguments(ports)
    assert before == {key: value["spec"] for key, value in ports.kubernetes.objects.items() if "spec" in value}


def test_another_workshops_controller_stage_leaves_the_flag(ports: Ports) -> None:
    """The controller is every workshop's: installing it again turns nobody's tracing off."""
    stage("tracing").solve(DEFAULT, ports)
    stage("controller").solve(replace(DEFAULT, workshop="turma-02"), ports)

    assert ["--enable-xray-tracing=true"] == arguments(ports)


def test_passes_when_a_request_can_be_followed(ports: Ports) -> None:
    """Daemons run, X-Ray knows both edges, and one trace is whole."""
    stage("tracing").solve(DEFAULT, ports)
    ports.traces.kept.append((NOW - timedelta(seconds=5), WHOLE))

    assert {"passed"} == set(said(ports).values())


def test_an_edge_that_nobody_traced_is_missing(ports: Ports) -> None:
    """The check names the edge, and has asked the frontend so that there is something to see the next time."""
    stage("tracing").solve(DEFAULT, ports)
    ports.traces.kept.append((NOW - timedelta(seconds=5), without(CRYSTAL)))

    found = {each.name: each.finding for each in stage("tracing").check(DEFAULT, ports)}

    assert f"edges {FRONTEND} → {CRYSTAL} yet; frontend was asked once and answered 200" in found["edges"].message
    assert {f"{FRONTEND} → {NODEJS}": 1} == found["edges"].measured["edges"]
    assert {"failed"} == {str(found[name].status) for name in ("edges", "whole trace")}
    assert url(DEFAULT.names, "frontend") in ports.http.asked


def test_what_was_traced_before_the_stage_proves_nothing(ports: Ports) -> None:
    """Only what X-Ray has seen since the stage began counts."""
    stage("tracing").solve(DEFAULT, ports)
    ports.records.put_stage("default", "run-1", "tracing", {"started": NOW.isoformat()}, NOW)
    ports.traces.kept.append((NOW - timedelta(seconds=5), WHOLE))

    assert ("failed", "failed") == (said(ports)["edges"], said(ports)["whole trace"])


def test_a_restarts_broken_traces_do_not_hide_whole_ones(ports: Ports) -> None:
    """Segments were lost while the pods started anew; what is traced afterwards proves the stage."""
    stage("tracing").solve(DEFAULT, ports)
    broken = Trace("1-2-5", WHOLE.segments[1:])
    ports.traces.kept += [(NOW - timedelta(seconds=100), broken)] * 50 + [(NOW - timedelta(seconds=5), WHOLE)]

    assert "passed" == said(ports)["whole trace"]


def test_a_daemon_that_does_not_run_is_named(ports: Ports) -> None:
    """A container that is there but waits is no daemon."""
    stage("tracing").solve(DEFAULT, ports)
    pod, *_ = ports.kubernetes.list(POD, NAMESPACE, {"app": "nodejs-app"})
    waiting = {"name": "xray-daemon", "state": {"waiting": {"reason": "ErrImagePull"}}}
    ports.kubernetes.put({**pod, "status": {"containerStatuses": [waiting]}})

    found = {each.name: each.finding for each in stage("tracing").check(DEFAULT, ports)}["xray-daemon in every pod"]

    assert ("failed", "no xray-daemon container runs in nodejs-app-0: waiting") == (found.status, found.message)


def test_cleaning_undoes_the_stage(ports: Ports) -> None:
    """Afterwards nothing is traced and the checks fail again; cleaning where there is nothing is harmless."""
    stage("tracing").solve(DEFAULT, ports)
    stage("tracing").clean(DEFAULT, ports)
    stage("tracing").clean(DEFAULT, world())

    template = (deployment_of(ports, "nodejs") or {})["spec"]["template"]
    assert ["canario/mesh"] == list(template["metadata"]["annotations"])
    assert [] == arguments(ports)
    assert "failed" == said(ports)["xray-daemon in every pod"]


def test_cleaning_leaves_other_workshops_traced(ports: Ports) -> None:
    """The controller goes on tracing while another workshop is there."""
    stage("tracing").solve(DEFAULT, ports)
    stage("baseline").solve(replace(DEFAULT, workshop="turma-02"), ports)
    stage("tracing").clean(DEFAULT, ports)

    assert ["--enable-xray-tracing=true"] == arguments(ports)


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        (WHOLE, True),
        (without(NODEJS), False),
        (Trace("t", WHOLE.segments[1:]), False),
        (Trace("t", (WHOLE.segments[0], Segment("c", "a", NODEJS, False), Segment("e", "c", CRYSTAL, False))), False),
        (Trace("t", ()), False),
    ],
)
def test_whole(trace: Trace, expected: bool) -> None:
    """A whole trace lacks no parent, and both upstreams' segments were caused by the frontend's own."""
    assert expected == is_whole(trace, FRONTEND, (NODEJS, CRYSTAL))
