"""`canario start --roster`, over a machine whose executions end as they are told."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from canario.adapters.executions import Execution
from canario.cli.command import main
from canario.cli.kinds import Unmet
from canario.cli.rostered import document, require_good, start_many
from canario.errors import NotReady, RemoteError
from canario.workshop.capacity import Room, Thing
from canario.workshop.many import MOST_MISSES, Reach, WillNotFit, lines_of, room, run
from canario.workshop.room import to_dict
from canario.workshop.roster import Entry
from tests.fakes import NOW, FakeWorkshopRecords
from tests.unit.cli.test_guided import FakeFunctions

PROMOTED = {"name": "rollout ended", "status": "passed", "measured": {"outcome": "promoted"}}


@dataclass
class Machine:
    """`lasts`: looks until a workshop's execution ends; `ends`: how. Counts how many ran at once."""

    records: FakeWorkshopRecords
    lasts: dict[str, int] = field(default_factory=lambda: defaultdict(lambda: 2))
    ends: dict[str, str] = field(default_factory=dict)
    refuses: dict[str, Exception] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)
    running: dict[str, int] = field(default_factory=dict)
    most: int = 0

    def start(self, name: str, content: Mapping[str, Any]) -> str:
        workshop = str(content["workshop"])
        if workshop in self.refuses:
            raise self.refuses[workshop]
        assert name not in self.running
        self.running[name] = self.lasts[workshop]
        self.most = max(self.most, len(self.running))
        return f"arn:{name}"

    def describe(self, name: str) -> Execution:
        workshop = name.rpartition("-")[0]
        if workshop in self.unseen:
            raise RemoteError("reading the execution: no answer")
        if self.running[name] > 0:
            self.running[name] -= 1
            return Execution("RUNNING", {})
        del self.running[name]
        status = self.ends.get(workshop, "SUCCEEDED")
        if status == "TIMED_OUT":
            return Execution(status, {}, "it took too long")
        body = {"status": "passed", "checks": [PROMOTED]}
        if status == "FAILED":
            body = {"status": "failed", "cause": "the pods did not come"}
        self.records.put_stage(workshop, name, "canary", body, NOW)
        return Execution(status, {})


@dataclass
class School:
    records: FakeWorkshopRecords = field(default_factory=FakeWorkshopRecords)
    functions: FakeFunctions = field(default_factory=FakeFunctions)
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.machine = Machine(self.records)

    def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def reach(self) -> Reach:
        return Reach(self.records, self.functions, self.machine, self.pause, lambda: self.now)

    def verdicts(self, entries: list[Entry], parallel: int = 5) -> dict[str, Any]:
        ended = [each for each in run(entries, self.reach, parallel) if not isinstance(each, str)]
        assert len(entries) == len(ended)
        return {each.workshop: each for each in ended}


def entries(count: int, **fields: str) -> list[Entry]:
    return [Entry(number, {"workshop": f"turma-{number}", **fields}) for number in range(1, count + 1)]


@pytest.fixture
def school() -> School:
    return School()


@pytest.mark.parametrize("parallel", [1, 3, 10])
def test_at_most_so_many_at_once(school: School, parallel: int) -> None:
    """All come to their turn, and never are more at work than asked for."""
    found = school.verdicts(entries(7), parallel)

    assert {"passed"} == {verdict.status for verdict in found.values()}
    assert min(parallel, 7) == school.machine.most


def test_one_failure_stops_no_other(school: School) -> None:
    """One fails in a stage, one by time, one does not start, one is not answered for: the others have their own."""
    school.machine.ends["turma-1"] = "FAILED"
    school.machine.refuses["turma-2"] = NotReady("started in this very second")
    school.machine.unseen.add("turma-3")
    school.machine.ends["turma-4"] = "TIMED_OUT"
    found = school.verdicts(entries(5), 2)

    assert ["failed", "failed", "unknown", "failed", "passed"] == [found[f"turma-{n}"].status for n in range(1, 6)]
    assert ("canary", "the pods did not come") == (found["turma-1"].stage, found["turma-1"].message)
    assert "not started: started in this very second" == found["turma-2"].message
    assert MOST_MISSES - 1 <= found["turma-3"].seconds
    assert "it took too long" == found["turma-4"].message
    assert "canary promoted" == found["turma-5"].message


def test_a_guided_workshop_is_done_when_it_waits(school: School) -> None:
    """Its attendee goes on from there; the next workshop of the roster has its turn."""
    school.machine.lasts["turma-1"] = 10**9
    work = run(entries(2, mode="guided"), school.reach, 1)
    run_name = str(next(work)).removeprefix("started arn:")
    school.records.put_stage("turma-1", run_name, "baseline", {"status": "waiting"}, NOW)
    verdict = next(work)

    assert not isinstance(verdict, str)
    assert ("turma-1", "waiting", "baseline") == (verdict.workshop, verdict.status, verdict.stage)
    assert str(next(work)).startswith("started arn:turma-2")


def test_records_of_earlier_runs_say_nothing(school: School) -> None:
    """A stage that waited, or failed, in another execution is no verdict on this one."""
    school.records.put_stage("turma-1", "turma-1-earlier", "mesh", {"status": "waiting"}, NOW)

    assert "passed" == school.verdicts(entries(1))["turma-1"].status


def test_nothing_is_started_that_does_not_fit(school: School) -> None:
    """What is short is named with its numbers, before the first workshop."""
    school.functions.answers = [{"rooms": [to_dict(Room(Thing.PODS, 20, 3, "one node"))]}]
    wanted = entries(2)
    lines = lines_of(wanted, room(wanted, school.reach), 5)
    with pytest.raises(WillNotFit, match=r"pods: 38 needed, 17 free \(3 of 20 in use; one node\)"):
        list(start_many(wanted, lines, school.reach, 5, as_json=True, only_check=False))

    assert 0 == school.machine.most
    assert ["appmesh-workshop-turma-1", "appmesh-workshop-turma-2"] == school.functions.asked[0][1]["namespaces"]


def test_looking_only(school: School) -> None:
    """With --check-only it is said that all fits, and nothing starts."""
    lines = lines_of(entries(1), [Room(Thing.PODS, 100, 0, "one node")], 5)
    said = list(start_many(entries(1), lines, school.reach, 5, as_json=False, only_check=True))

    assert ["  fits          pods: 20 needed, 100 free (0 of 100 in use; one node)"] == said
    assert 0 == school.machine.most


def test_the_table_and_the_status(school: School) -> None:
    """The last lines are a table in the roster's order; the status is 1 when one workshop did not do it."""
    school.machine.ends["turma-1"] = "FAILED"
    school.machine.lasts["turma-1"] = 5
    said: list[str] = []
    with pytest.raises(Unmet):
        said.extend(start_many(entries(2), [], school.reach, 5, as_json=False, only_check=False))

    assert ["turma-1", "turma-2"] == [line.split()[0] for line in said[-3:-1]]
    assert "1 of 2 workshops did what they were told" == said[-1]


def test_as_json(school: School) -> None:
    """A program gets one document: the preflight and a verdict each."""
    lines = lines_of(entries(2), [Room(Thing.PODS, 100, 0, "one node")], 5)
    (text,) = start_many(entries(2), lines, school.reach, 5, as_json=True, only_check=False)
    found = json.loads(text)

    assert [("turma-1", "passed"), ("turma-2", "passed")] == [(e["workshop"], e["status"]) for e in found["workshops"]]
    assert [{"thing": "pods", "needed": 38, "limit": 100, "used": 0, "source": "one node", "fits": True}] == found[
        "preflight"
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--roster", "{roster}"], "roster line 2, workshop: 'Two' is not allowed; allowed: a DNS label"),
        (["--roster", "{roster}.no"], "roster: '{roster}.no' is not allowed; allowed: a text file"),
        (["turma-01", "--roster", "{roster}"], "workshop: 'turma-01' is not allowed; allowed: either"),
        ([], "workshop: None is not allowed; allowed: either"),
    ],
)
def test_refusals_ask_nothing_of_aws(
    given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A roster is read to its end before anything else happens; one line says what is wrong, and the status is 2."""
    roster = tmp_path / "roster.txt"
    roster.write_text("turma-01\nTwo\n")

    assert 2 == main(["start", *(each.format(roster=roster) for each in given)])
    assert said.format(roster=roster) in capsys.readouterr().err


def test_a_good_end_is_no_complaint(school: School) -> None:
    """Waiting counts as done; an empty list of verdicts too."""
    require_good([])
    assert {"preflight": [], "workshops": []} == json.loads(document([], []))
