"""What an attendee reads: `canario check`, `solve`, `skip`, `reset`, over fakes."""

import json
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from canario.adapters.executions import Execution
from canario.cli.check import check
from canario.cli.finish import finish
from canario.cli.installation import Desk
from canario.cli.kinds import Unmet, own_language
from canario.cli.reset import reset
from canario.cli.texts import _TEXTS
from canario.errors import InvalidInput, NotReady, NotWaiting
from canario.workshop.hints import hints
from canario.workshop.names import names
from canario.workshop.ports import Lifetime
from canario.workshop.run import Finish
from tests.fakes import NOW, FakeWorkshopRecords
from tests.fakes.lifetimes import FakeLifetimes

W = "turma-01"
Answer = Callable[[str, Mapping[str, Any]], dict[str, Any]]


@dataclass
class FakeFunctions:
    """`answers`: what the functions answer, in order; a callable is called, an error is raised."""

    answers: list[Any] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def invoke(self, stage: str, event: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((stage, event))
        answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer


@dataclass
class FakeMachine:
    statuses: list[str] = field(default_factory=lambda: ["RUNNING"])
    input: Mapping[str, Any] = field(default_factory=lambda: {"workshop": W, "mode": "guided"})
    started: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def start(self, name: str, content: Mapping[str, Any]) -> str:
        self.started.append((name, content))
        return f"arn:{name}"

    def describe(self, name: str) -> Execution:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return Execution(status, self.input)


@dataclass
class Classroom:
    records: FakeWorkshopRecords = field(default_factory=FakeWorkshopRecords)
    functions: FakeFunctions = field(default_factory=FakeFunctions)
    machine: FakeMachine = field(default_factory=FakeMachine)
    while_pausing: list[Callable[[], None]] = field(default_factory=list)
    lifetimes: FakeLifetimes = field(default_factory=FakeLifetimes)

    def is_at(self, stage: str, status: str, **body: Any) -> None:
        self.records.put_stage(W, "run-1", stage, {"status": status, **body}, NOW)

    def pause(self, seconds: float) -> None:
        self.while_pausing.pop(0)()

    @property
    def desk(self) -> Desk:
        return Desk(self.records, self.functions, self.machine, self.lifetimes, self.pause, lambda: NOW)


def given(stage: str | None = None, lang: str = "en") -> Namespace:
    return Namespace(workshop=W, stage=stage, lang=lang)


def attempted(status: str, attempts: int = 0, waiting: bool = True) -> dict[str, Any]:
    checks = [
        {"name": "mesh accepted", "status": "passed", "message": "11 objects are active"},
        {"name": "envoy in every pod", "status": status, "message": "7 pods"},
    ]
    return {"stage": "mesh", "status": status, "attempts": attempts, "waiting": waiting, "checks": checks}


def unmet(lines: Iterator[str]) -> list[str]:
    """The lines of a check that does not hold."""
    said: list[str] = []
    with pytest.raises(Unmet):
        said.extend(lines)  # keeps what came before the end
    return said


@pytest.fixture
def room() -> Classroom:
    """The stage mesh waits."""
    found = Classroom()
    found.is_at("controller", "passed", by="machine")
    found.is_at("mesh", "waiting")
    return found


@pytest.mark.parametrize("lang", ["en", "pt-BR"])
def test_hints_grow_with_every_failed_attempt(room: Classroom, lang: str) -> None:
    """Each attempt that failed brings the next hint; the last is the solution, and stays."""
    wanted = hints("mesh", lang, names(W))
    for attempts in range(1, len(wanted) + 3):
        room.functions.answers = [attempted("failed", attempts)]
        said = unmet(check(given(lang=lang), room.desk))

        assert wanted[min(attempts, len(wanted)) - 1] == said[-1]
    assert ("solution" if lang == "en" else "solução") in said[-2]


def test_a_check_is_of_the_workshops_own_dialect(room: Classroom) -> None:
    """The installation's default may be another one."""
    room.lifetimes.put(Lifetime(W, "gateway", "run-1", NOW), None)
    room.functions.answers = [attempted("failed", 1)]
    unmet(check(given(), room.desk))

    assert [("mesh", {"action": "attempt", "workshop": W, "mesh": "gateway"})] == room.functions.asked


def test_a_check_says_which_conditions_hold(room: Classroom) -> None:
    """The stage that waits is asked by itself; each condition is a line with what was measured."""
    room.functions.answers = [attempted("failed", 1)]
    said = unmet(check(given(), room.desk))

    assert [("mesh", {"action": "attempt", "workshop": W})] == room.functions.asked
    assert ["  ✓ mesh accepted: 11 objects are active", "  ✗ envoy in every pod: 7 pods"] == said[1:3]
    assert "1 of 2 conditions do not hold" in said[3]


def test_when_all_hold_the_next_stage_is_named(room: Classroom) -> None:
    """The command looks until the machine has recorded the pass and the next stage waits."""
    room.functions.answers = [attempted("passed")]
    room.while_pausing = [
        lambda: room.is_at("mesh", "running", by="attendee"),
        lambda: room.is_at("mesh", "passed", by="attendee"),
        lambda: room.is_at("canary", "waiting"),
    ]
    said = list(check(given(), room.desk))

    assert "Stage mesh passed (your own work)." == said[-2]
    assert "The next stage is canary (Canary Deploy)" in said[-1]


def test_after_the_last_stage_it_says_so(room: Classroom) -> None:
    """When the execution has ended after the stage there is no next one."""
    room.functions.answers = [attempted("passed")]
    room.machine.statuses = ["SUCCEEDED"]
    room.while_pausing = [lambda: room.is_at("mesh", "passed", by="attendee")]

    assert "That was the last one. See it all: canario show turma-01" == list(check(given(), room.desk))[-1]


def test_a_machine_that_fails_after_all_is_said(room: Classroom) -> None:
    """What held a moment ago may not hold in the machine's own check."""
    room.functions.answers = [attempted("passed")]
    room.while_pausing = [lambda: room.is_at("mesh", "failed", cause="stage mesh: envoy in every pod failed")]

    assert "Stage mesh failed: stage mesh: envoy in every pod failed" == list(check(given(), room.desk))[-1]


def test_a_stage_that_does_not_wait_gets_no_hint(room: Classroom) -> None:
    """Looking at another stage is allowed, and costs nothing."""
    room.functions.answers = [attempted("failed", 0, waiting=False)]
    said = unmet(check(given("baseline"), room.desk))

    assert "no hint is given" in said[-1]
    assert "baseline" == room.functions.asked[0][0]


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        ("running", {}, "its newest record is mesh, running"),
        ("failed", {"cause": "a bug"}, "stage mesh failed: a bug. What to do: canario start turma-01 --mode guided"),
    ],
)
def test_nobody_waits_and_it_says_what_is(room: Classroom, status: str, body: dict[str, str], says: str) -> None:
    """One line: where the workshop is instead, and what to do."""
    room.is_at("mesh", status, **body)

    with pytest.raises(NotWaiting, match=says):
        list(check(given(), room.desk))


def test_a_workshop_that_has_not_begun_is_said_to_be_so() -> None:
    """With nothing on record the command to start it is named."""
    with pytest.raises(NotWaiting, match="nothing is recorded of it. What to do: canario start turma-01 --mode guided"):
        list(check(given(), Classroom().desk))


@pytest.mark.parametrize(
    ("how", "said", "record", "ends"),
    [
        (Finish.SOLVE, "solving", {"status": "passed", "by": "machine"}, "Stage mesh passed (solved by the machine)."),
        (Finish.SKIP, "skipping", {"status": "skipped"}, "Stage mesh skipped."),
    ],
)
def test_the_machine_solves_or_skips(room: Classroom, how: Finish, said: str, record: dict, ends: str) -> None:
    """The stage's function is told how, and the record's words come back."""
    room.while_pausing = [lambda: (room.is_at("mesh", **record), room.is_at("canary", "waiting"))]
    lines = list(finish(how, said, given(), room.desk))

    assert [("mesh", {"action": "finish", "workshop": W, "finish": str(how)})] == room.functions.asked
    assert ends == lines[1]


def test_reset_undoes_backwards_and_resumes(room: Classroom) -> None:
    """The wait is ended, each stage from the last to the named one is cleaned, and the workshop starts again."""
    room.is_at("preflight", "passed")
    room.is_at("baseline", "passed")
    room.machine.statuses = ["RUNNING", "FAILED"]
    room.functions.answers = [{}, NotReady("still going"), {}, {}, {}]
    room.while_pausing = [lambda: None]
    said = list(reset(given("baseline"), room.desk))

    asked = [(event["action"], stage) for stage, event in room.functions.asked]
    assert [
        ("abandon", "mesh"),
        *[("clean", stage) for stage in ("mesh", "mesh", "controller", "baseline")],
    ] == asked
    assert [("turma-01-20261102T120000", room.machine.input)] == room.machine.started
    assert "resumes at the stage baseline" in said[-1]


def test_reset_of_a_finished_workshop_leaves_the_start_to_people(room: Classroom) -> None:
    """One that ran by itself is not started again by an undoing."""
    room.machine.statuses, room.machine.input = ["SUCCEEDED"], {"workshop": W}
    said = list(reset(given("mesh"), room.desk))

    assert [("mesh", "clean")] == [(stage, event["action"]) for stage, event in room.functions.asked]
    assert ([], True) == (room.machine.started, "canario start turma-01" in said[-1])


def test_reset_does_not_interrupt_the_machine_at_work(room: Classroom) -> None:
    """While no stage waits, a rollout may be in flight: nothing is undone."""
    room.is_at("mesh", "running")

    with pytest.raises(NotWaiting, match="mesh, running"):
        list(reset(given("controller"), room.desk))
    assert [] == room.functions.asked


@pytest.mark.parametrize("stage", ["canary", "lunch"])
def test_only_what_has_begun_can_be_reset(room: Classroom, stage: str) -> None:
    """The error names the stages that can be."""
    with pytest.raises(InvalidInput, match=f"stage: '{stage}' is not allowed; allowed: .* controller, mesh"):
        list(reset(given(stage), room.desk))


def test_both_languages_have_every_text() -> None:
    """A text that is missing in one language would end a command in the middle; places for values are the same."""
    places = {
        language: {name: sorted(part.split("}")[0] for part in text.split("{")[1:]) for name, text in texts.items()}
        for language, texts in _TEXTS.items()
    }

    assert places["en"] == places["pt-BR"], json.dumps(places, indent=1)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "pt_BR.UTF-8"}, "pt-BR"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "pt_BR.UTF-8", "LC_ALL": "C"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_is_the_environments(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], language: str
) -> None:
    """LC_ALL before LC_MESSAGES before LANG; English unless it is Portuguese."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert language == own_language()
