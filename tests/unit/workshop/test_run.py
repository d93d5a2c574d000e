"""A stage's turn in an execution."""

from dataclasses import replace
from datetime import timedelta

import pytest

from canario.canary import Plan
from canario.errors import CheckFailed, NotReady
from canario.workshop import run
from canario.workshop.ports import Ports
from canario.workshop.request import Request
from tests.fakes import NOW, fake_ports

REQUEST = Request("turma-01", "appmesh", "auto", "clean", Plan())
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "n"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {"pods": "110"}},
}
IMAGES = ("canario/frontend", "canario/nodejs", "canario/nodejs-v2", "canario/crystal")


@pytest.fixture
def ports() -> Ports:
    """A world in which preflight passes."""
    found = fake_ports([NODE])
    found.images.digests.update({f"{name}:v1": "sha256:0" for name in IMAGES})
    return found


def later(ports: Ports, seconds: float) -> Ports:
    return replace(ports, now=NOW + timedelta(seconds=seconds))


def test_a_stage_whose_checks_pass_is_recorded_and_said(ports: Ports) -> None:
    """The record has the stage's seconds and every check; the bus has the same."""
    run.solve("preflight", REQUEST, ports, "run-1")
    answer = run.check("preflight", REQUEST, later(ports, 3), "run-1", NOW)

    record = ports.records.stages("turma-01")["preflight"]
    assert ("passed", 3.0) == (answer["status"], answer["seconds"])
    assert ("passed", "run-1") == (record["status"], record["run"])
    assert {"passed"} == {check["status"] for check in record["checks"]}
    assert ["StagePassed"] == [kind for kind, _ in ports.events.put_events]


def test_a_check_that_does_not_hold_yet_is_not_ready_and_records_nothing(ports: Ports) -> None:
    """Step Functions tries again: nothing is said to have failed before the deadline."""
    ports.images.digests.clear()

    with pytest.raises(NotReady, match="images failed: not there: .*/canario/crystal:v1, .*canario-images"):
        run.check("preflight", REQUEST, ports, "run-1", NOW)
    assert [] == ports.events.put_events


def test_at_the_deadline_the_failing_checks_are_named(ports: Ports) -> None:
    """The failure says which check, what was expected and what was seen; the record and the bus have it."""
    ports.images.digests.clear()

    with pytest.raises(CheckFailed, match=r"stage preflight: images failed: .*\(after 61 of 60 s\)"):
        run.check("preflight", REQUEST, later(ports, 61), "run-1", NOW)
    assert "failed" == ports.records.stages("turma-01")["preflight"]["status"]
    assert ["StageFailed"] == [kind for kind, _ in ports.events.put_events]


def test_what_no_wait_can_mend_fails_at_once(ports: Ports) -> None:
    """App Mesh does not come back to AWS within the deadline."""
    on_aws = replace(ports, dialects=("gateway",))

    with pytest.raises(CheckFailed, match="AWS ended App Mesh on 2026-09-30.*What to do"):
        run.check("preflight", REQUEST, on_aws, "run-1", NOW)


def test_a_stage_that_has_passed_is_neither_done_nor_judged_again(ports: Ports) -> None:
    """A second execution resumes after it, even where its checks would no longer hold."""
    run.solve("preflight", REQUEST, ports, "run-1")
    run.check("preflight", REQUEST, ports, "run-1", NOW)
    ports.images.digests.clear()

    assert "passed" == run.solve("preflight", REQUEST, ports, "run-2")["status"]
    assert "passed" == run.check("preflight", REQUEST, ports, "run-2", NOW)["status"]


def test_a_failure_keeps_what_the_check_recorded(ports: Ports) -> None:
    """The state machine's own account of a failure does not overwrite the checks'."""
    ports.images.digests.clear()
    with pytest.raises(CheckFailed):
        run.check("preflight", REQUEST, later(ports, 61), "run-1", NOW)

    run.fail(REQUEST, ports, "run-1", "preflight", "CheckFailed", "…")

    assert 7 == len(ports.records.stages("turma-01")["preflight"]["checks"])
    assert ["StageFailed", "WorkshopFailed"] == [kind for kind, _ in ports.events.put_events]


def test_a_crash_in_a_stage_is_recorded_as_its_failure(ports: Ports) -> None:
    """A function that died leaves no record of its own."""
    run.solve("preflight", REQUEST, ports, "run-1")

    run.fail(REQUEST, ports, "run-1", "preflight", "Lambda.Unknown", "killed")

    record = ports.records.stages("turma-01")["preflight"]
    assert ("failed", "Lambda.Unknown", "killed") == (record["status"], record["error"], record["cause"])


def test_after_clean_a_workshop_starts_afresh_and_its_history_stays(ports: Ports) -> None:
    """Nothing already recorded is ever lost."""
    run.solve("preflight", REQUEST, ports, "run-1")
    run.check("preflight", REQUEST, ports, "run-1", NOW)
    run.check("clean", REQUEST, ports, "run-1", NOW)
    before = ports.records.history("turma-01")

    run.end(REQUEST, ports, "run-1")

    assert {} == ports.records.stages("turma-01")
    assert before == ports.records.history("turma-01")
    assert ["preflight", "clean"] == [record["stage"] for record in before if record["status"] == "passed"]
