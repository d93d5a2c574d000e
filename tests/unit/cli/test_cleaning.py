"""`canario clean` and `canario extend`, over fakes."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from canario.adapters.executions import Execution
from canario.cli.clean import clean
from canario.cli.extend import extend
from canario.cli.installation import Desk
from canario.errors import InvalidInput
from canario.workshop.ports import Lifetime
from tests.fakes import NOW, FakeWorkshopRecords
from tests.fakes.lifetimes import FakeLifetimes, FakeMachine

W = "turma-01"


class Machine(FakeMachine):
    """The executions that run can be found."""

    def find(self, name: str) -> Execution | None:
        if name not in self.started:
            return None
        return Execution("RUNNING" if name in self.running else "ABORTED", self.started[name])

    def describe(self, name: str) -> Execution:
        raise NotImplementedError


class NoFunctions:
    def invoke(self, stage: str, event: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


@dataclass
class Office:
    records: FakeWorkshopRecords = field(default_factory=FakeWorkshopRecords)
    lifetimes: FakeLifetimes = field(default_factory=FakeLifetimes)
    machine: Machine = field(default_factory=Machine)

    def running(self, stage: str = "mesh") -> None:
        """Its execution is at the stage."""
        self.machine.start("run-1", {})
        self.lifetimes.put(Lifetime(W, "gateway", "run-1", NOW + timedelta(hours=2)), None)
        self.records.put_stage(W, "run-1", stage, {"status": "running"}, NOW)

    @property
    def desk(self) -> Desk:
        return Desk(self.records, NoFunctions(), self.machine, self.lifetimes, clock=lambda: NOW)


def test_clean_stops_what_runs_and_starts_what_only_cleans() -> None:
    """The dialect is the workshop's own."""
    office = Office()
    office.running()

    lines = list(clean(Namespace(workshop=W), office.desk))

    assert {"run-1": "canario clean turma-01"} == office.machine.stopped
    assert {"workshop": W, "mesh": "gateway", "only": "clean"} == office.machine.started[f"{W}-clean-20261102T120000"]
    assert "stopped the execution run-1" == lines[0]


def test_clean_does_not_disturb_a_cleaning() -> None:
    """An execution at its last stage is left to it."""
    office = Office()
    office.running("clean")

    assert [f"the execution run-1 is cleaning already; follow it with: canario show {W}"] == list(
        clean(Namespace(workshop=W), office.desk)
    )
    assert ["run-1"] == list(office.machine.started)


def test_a_workshop_without_any_record_can_be_cleaned() -> None:
    """Half a workshop, whose records are gone."""
    office = Office()

    list(clean(Namespace(workshop=W), office.desk))

    assert [{"workshop": W, "only": "clean"}] == list(office.machine.started.values())


def test_extend_says_until_when() -> None:
    """In UTC, counted from the end that was."""
    office = Office()
    office.running()

    lines = list(extend(Namespace(workshop=W, hours="1.5"), office.desk))

    assert ["the workshop turma-01 lives until 2026-11-02 15:30 UTC"] == lines


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "soon", "inf", "3000"])
def test_hours_that_make_no_sense_change_nothing(hours: str) -> None:
    """One line names the field and what is allowed."""
    office = Office()
    office.running()
    before = office.lifetimes.get(W)

    with pytest.raises(InvalidInput, match="hours"):
        list(extend(Namespace(workshop=W, hours=hours), office.desk))
    assert before == office.lifetimes.get(W)
