"""A stage's turn in a guided workshop."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from canario.canary import Plan
from canario.errors import NotReady, NotWaiting
from canario.workshop import guided, run
from canario.workshop.kinds import NAMESPACE
from canario.workshop.ports import Ports
from canario.workshop.request import Request
from canario.workshop.run import Finish
from tests.fakes import NOW, FakeTasks, FakeWaits, fake_ports
from tests.unit.workshop.test_run import IMAGES, NODE

REQUEST = Request("turma-01", "appmesh", "guided", "clean", Plan())
TOKEN = "a-secret-of-the-execution"


@dataclass
class Workshop:
    """A world in which preflight passes, and its guided machine's side."""

    ports: Ports = field(default_factory=lambda: fake_ports([NODE]))
    waits: FakeWaits = field(default_factory=FakeWaits)
    tasks: FakeTasks = field(default_factory=lambda: FakeTasks(open={TOKEN}))

    def __post_init__(self) -> None:
        self.works(True)

    def works(self, works: bool) -> None:
        self.ports.images.digests = {f"{name}:v1": "sha256:0" for name in IMAGES} if works else {}

    @property
    def guide(self) -> guided.Guide:
        return guided.Guide(self.waits, self.tasks)

    def wait(self, stage: str = "preflight", run_name: str = "run-1") -> dict[str, object]:
        return guided.wait(stage, REQUEST, self.ports, self.guide, run_name, TOKEN)

    def attempt(self, stage: str = "preflight") -> dict[str, object]:
        return guided.attempt(stage, REQUEST, self.ports, self.guide)

    def status(self, stage: str = "preflight") -> str:
        return str(self.ports.records.stages("turma-01")[stage]["status"])

    @property
    def said(self) -> list[str]:
        return [kind for kind, _ in self.ports.events.put_events]


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


def test_a_stage_that_waits_says_so(workshop: Workshop) -> None:
    """The record and the bus say that it waits; the task's token is kept, and the task lives."""
    workshop.wait()

    assert ("waiting", ["StageWaiting"]) == (workshop.status(), workshop.said)
    assert TOKEN == workshop.waits.waiting["turma-01", "preflight"].token
    assert {} == workshop.tasks.ended


def test_the_token_is_nowhere_but_where_it_is_kept(workshop: Workshop) -> None:
    """No record, event, answer or text of a value has it."""
    workshop.works(False)
    said = [workshop.wait(), workshop.attempt()]
    workshop.works(True)
    waiting = repr(workshop.waits.waiting)
    said.append(workshop.attempt())

    records, events = workshop.ports.records.written, workshop.ports.events.put_events
    assert TOKEN not in f"{said}{records}{events}{waiting}"


def test_an_attempt_that_fails_is_counted_and_keeps_the_wait_alive(workshop: Workshop) -> None:
    """Nothing is recorded of the stage itself: it still waits."""
    workshop.works(False)
    workshop.wait()
    answers = [workshop.attempt() for _ in range(3)]

    assert [("failed", 1), ("failed", 2), ("failed", 3)] == [(each["status"], each["attempts"]) for each in answers]
    assert ("waiting", 3) == (workshop.status(), len(workshop.tasks.heartbeats))
    assert ["StageWaiting", *["StageAttempted"] * 3] == workshop.said


def test_when_all_conditions_hold_the_machine_goes_on(workshop: Workshop) -> None:
    """The task ends as done, once; the stage's pass is the machine's own check's to record."""
    workshop.wait()
    answer = workshop.attempt()

    assert ("passed", True) == (answer["status"], answer["waiting"])
    assert {TOKEN: {"finish": "done"}} == workshop.tasks.ended
    assert ("waiting", {}) == (workshop.status(), workshop.waits.waiting)


def test_a_stage_that_does_not_wait_is_only_looked_at(workshop: Workshop) -> None:
    """Its checks can be run at any time; no attempt is counted, nothing recorded or said."""
    workshop.works(False)
    answer = workshop.attempt()

    assert ("failed", False, 0) == (answer["status"], answer["waiting"], answer["attempts"])
    assert ([], {}) == (workshop.said, workshop.ports.records.written)


def test_a_token_that_nobody_waits_for_is_one_clear_error(workshop: Workshop) -> None:
    """An execution that timed out or was stopped cannot be answered; the attempt does not count."""
    workshop.wait()
    workshop.tasks.open.clear()

    with pytest.raises(NotWaiting, match="does not wait"):
        workshop.attempt()
    assert 0 == workshop.waits.waiting["turma-01", "preflight"].attempts


@pytest.mark.parametrize("how", [Finish.SOLVE, Finish.SKIP])
def test_a_wait_can_be_ended_without_the_work(workshop: Workshop, how: Finish) -> None:
    """`solve` and `skip` end the task and say how; a second time there is nothing to end."""
    workshop.wait()
    guided.finish("preflight", REQUEST, workshop.guide, how)

    assert {TOKEN: {"finish": str(how)}} == workshop.tasks.ended
    with pytest.raises(NotWaiting, match="canario show turma-01"):
        guided.finish("preflight", REQUEST, workshop.guide, how)


def test_what_the_attendee_did_is_recorded_as_theirs(workshop: Workshop) -> None:
    """Solve does nothing then; the check measures, and the record says by whom it passed."""
    workshop.wait()
    answer = run.solve("preflight", REQUEST, workshop.ports, "run-1", Finish.DONE)
    run.check("preflight", REQUEST, workshop.ports, "run-1", NOW)

    record = workshop.ports.records.stages("turma-01")["preflight"]
    assert ("running", "passed", "attendee") == (answer["status"], record["status"], record["by"])


def test_what_the_machine_did_is_recorded_as_the_machines(workshop: Workshop) -> None:
    """Solved by the machine, whether by `canario solve` or in mode auto."""
    run.solve("preflight", REQUEST, workshop.ports, "run-1")
    run.check("preflight", REQUEST, workshop.ports, "run-1", NOW)

    assert "machine" == workshop.ports.records.stages("turma-01")["preflight"]["by"]


def test_a_skipped_stage_has_not_passed(workshop: Workshop) -> None:
    """It is recorded as skipped, without checks; solve, check and wait leave it so, and a later run does too."""
    run.solve("preflight", REQUEST, workshop.ports, "run-1", Finish.SKIP)
    workshop.works(False)

    assert "skipped" == run.check("preflight", REQUEST, workshop.ports, "run-1", NOW)["status"]
    assert "skipped" == workshop.wait(run_name="run-2")["status"]
    assert {TOKEN: {"finish": "done"}} == workshop.tasks.ended
    assert ("skipped", ["StageSkipped"]) == (workshop.status(), workshop.said)


def test_a_stage_that_has_passed_does_not_wait_again(workshop: Workshop) -> None:
    """A new execution of the workshop resumes: the wait ends by itself."""
    run.solve("preflight", REQUEST, workshop.ports, "run-1")
    run.check("preflight", REQUEST, workshop.ports, "run-1", NOW)

    assert "passed" == workshop.wait(run_name="run-2")["status"]
    assert {TOKEN: {"finish": "done"}} == workshop.tasks.ended
    assert {} == workshop.waits.waiting


def test_who_comes_late_goes_on_without_a_rollout(workshop: Workshop) -> None:
    """A rollout takes time and traffic: before the attendee's first stage it is skipped, and the record says why."""
    late = replace(REQUEST, guided_from="clean")
    answer = run.solve("canary", late, workshop.ports, "run-1")

    record = workshop.ports.records.stages("turma-01")["canary"]
    assert ("skipped", "skipped") == (answer["status"], record["status"])
    assert "takes time and traffic" in record["reason"]


def test_an_abandoned_stage_says_what_to_do(workshop: Workshop) -> None:
    """A time-out has no cause of its own."""
    workshop.wait()
    answer = run.fail(REQUEST, workshop.ports, "run-1", "preflight", "States.Timeout", "")

    assert "start the workshop again in mode guided" in answer["cause"]
    assert answer["cause"] == workshop.ports.records.stages("turma-01")["preflight"]["cause"]


def test_the_attendees_namespace_becomes_the_workshops(workshop: Workshop) -> None:
    """By the label other workshops know that this one uses the controller, and `clean` finds what is left."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": REQUEST.names.namespace}}
    workshop.ports.kubernetes.put(namespace)
    run.solve("baseline", REQUEST, workshop.ports, "run-1", Finish.DONE)

    found = workshop.ports.kubernetes.get(NAMESPACE, REQUEST.names.namespace)
    assert {"canario/workshop": "turma-01"} == found["metadata"]["labels"]


def test_undoing_waits_for_the_namespace(workshop: Workshop) -> None:
    """A stage is not said to be undone while its namespace is still going."""
    metadata = {"name": REQUEST.names.namespace, "deletionTimestamp": NOW.isoformat()}
    clean = lambda: run.clean("controller", REQUEST, workshop.ports, "run-1")  # noqa: E731
    workshop.ports.kubernetes.put({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    with pytest.raises(NotReady, match="is still going"):
        clean()
    workshop.ports.kubernetes.delete(NAMESPACE, REQUEST.names.namespace)
    assert ("cleaned", "cleaned") == (clean()["status"], workshop.status("controller"))


def test_a_wait_begins_anew_in_a_new_run(workshop: Workshop) -> None:
    """Redriven or started again, the stage waits for the new task's token, and hints begin anew."""
    workshop.works(False)
    workshop.wait()
    workshop.attempt()
    workshop.tasks.open = {"another"}
    later = replace(workshop.ports, now=NOW + timedelta(hours=5))
    guided.wait("preflight", REQUEST, later, workshop.guide, "run-2", "another")

    assert (1, "run-2") == (workshop.attempt()["attempts"], workshop.waits.waiting["turma-01", "preflight"].run)
