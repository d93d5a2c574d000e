"""One bad pod of the canary: read, named, replaced once, and the release promoted without it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from canario.canary import Plan, Tally, steps
from canario.canary.carried import Carried
from canario.canary.ports import NodeCounts, Wanted
from canario.cli.canary.show import show
from tests.fakes import FakeWorkshopRecords
from tests.unit.lambdas.rollouts import TARGET, Lab, begun, later, through_json

PLAN = Plan(window_seconds=5, tolerated_rate=0.01, deadline_windows=200)
OLD = ["v2-0", "v2-1", "v2-2"]


@dataclass
class Metrics:
    """Every window 6,000 requests by the share that is set; `bad` fails half of its own as long as it is there."""

    lab: Lab
    bad: tuple[str, ...]
    gone: tuple[str, ...] = ()  # of the canary: there no more, but in the windows that are still to be read
    asked: list[Wanted] = field(default_factory=list)

    def read_many(self, wanted: Sequence[Wanted]) -> Sequence[Sequence[NodeCounts]]:
        self.asked += wanted
        return [[self._window(each)] for each in wanted]

    def _window(self, wanted: Wanted) -> NodeCounts:
        share, canary = self.lab.share, wanted.node == TARGET.canary
        pods = [*self.lab.pods.nodes[wanted.node], *(self.gone if canary else ())]
        each = round(6000 * (share if canary else 1 - share)) // len(pods)
        there = {name: Tally(each, each // 2 if name in self.bad else 0) for name in pods}
        return NodeCounts(
            wanted.start,
            sum(each.requests for each in there.values()),
            sum(each.errors for each in there.values()),
            pods={name: each for name, each in there.items() if name in wanted.pods},
        )


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    lab.pods.nodes = {TARGET.canary: [*OLD], TARGET.baseline: ["v1-0", "v1-1", "v1-2"]}
    lab.metrics = Metrics(lab, ("v2-1",))
    return lab


def look(carried: Carried, lab: Lab) -> Carried:
    """One look with one window in it, and what follows from it."""
    now = carried.wait
    carried = steps.decide(through_json(steps.observe(carried, lab.world, now)), lab.world, now)
    if carried.outcome is None and carried.decision["share"] != carried.asked:
        carried = steps.shift(carried, lab.world)
    return through_json(carried)


def until(carried: Carried, lab: Lab, what: str) -> Carried:
    """Looks until a decision has this in its record, or the rollout has ended."""
    while carried.outcome is None:
        carried = look(carried, lab)
        if what in lab.records.entries("r1")[-1]:
            break
    return carried


def replaced(lab: Lab) -> list[str]:
    return [entry["replaced"] for entry in lab.records.entries("r1") if "replaced" in entry]


def test_a_bad_pod_is_replaced_once_and_the_release_promoted(lab: Lab) -> None:
    """It is deleted once, on record and on the bus; when another has come in its place the canary is promoted."""
    carried = until(begun(lab, PLAN), lab, "replaced")
    carried = look(look(carried, lab), lab)  # it drains: named all the same, and let be

    assert (["v2-1"], ["v2-1"]) == (lab.pods.deleted, replaced(lab))
    assert "v2-1" == lab.records.entries("r1")[-1]["suspect"]

    lab.pods.nodes[TARGET.canary][1] = "v2-3"
    carried = until(carried, lab, "nothing that is recorded")
    said = [detail for kind, detail in lab.events.put_events if kind == "PodReplaced"]

    assert "promoted" == carried.outcome
    assert ["v2-1"] == lab.pods.deleted
    assert [("v2-1", TARGET.canary, TARGET.key)] == [(each["pod"], each["node"], each["router"]) for each in said]
    assert "v2-1" in said[0]["reason"]
    assert any("pod v2-1 was replaced" in line for line in show("r1", None, lab.records, FakeWorkshopRecords()))


def test_the_last_windows_of_a_pod_that_is_gone_are_read(lab: Lab) -> None:
    """Windows are read late: what a replaced pod did before it was gone is known for its own, and left out."""
    carried = until(begun(lab, PLAN), lab, "replaced")
    lab.pods.nodes[TARGET.canary], lab.metrics.gone = ["v2-0", "v2-2"], ("v2-1",)
    carried = look(carried, lab)
    asked = next(each for each in reversed(lab.metrics.asked) if each.node == TARGET.canary)

    assert ("v2-1", "v2-0", "v2-2") == asked.pods
    assert "hold" == carried.decision["kind"]


def test_a_second_run_of_the_step_replaces_nothing_more(lab: Lab) -> None:
    """A worker that was killed after its work decides the same; the pod is deleted by name, which is gone by then."""
    carried = begun(lab, PLAN)
    while "replaced" not in lab.records.entries("r1")[-1]:
        observed = steps.observe(carried, lab.world, carried.wait)
        carried = steps.decide(observed, lab.world, observed.looked)
        carried = steps.shift(carried, lab.world)
    again = steps.decide(observed, lab.world, observed.looked)

    assert {"v2-1"} == set(lab.pods.deleted)
    assert ["v2-1"] == replaced(lab)
    assert ("v2-1",) == again.replaced


def test_a_pod_that_cannot_be_deleted_is_tried_again(lab: Lab) -> None:
    """The rollout holds and says why; the next decision tries again."""
    carried = begun(lab, PLAN)
    while not carried.rollout.suspects:
        observed = steps.observe(carried, lab.world, carried.wait)
        lab.pods.fails = True
        carried = steps.decide(observed, lab.world, observed.looked)
        lab.pods.fails = False
        carried = steps.shift(carried, lab.world)

    assert "the cluster does not answer" == lab.records.entries("r1")[-1]["not_replaced"]
    assert [] == replaced(lab)
    look(carried, lab)
    assert ["v2-1"] == replaced(lab)


def test_pods_that_cannot_be_listed_hold_nothing(lab: Lab) -> None:
    """Without pods the nodes are read as a whole."""
    lab.pods.fails, lab.metrics.bad = True, ()
    carried = until(begun(lab, PLAN), lab, "nothing that is recorded")

    assert "promoted" == carried.outcome
    assert {()} == {each.pods for each in lab.metrics.asked}


def test_one_pod_alone_is_not_asked_for(lab: Lab) -> None:
    """It has no other to be compared with, so its series would be paid for nothing."""
    lab.pods.nodes[TARGET.canary] = ["v2-0"]
    steps.observe(begun(lab, PLAN), lab.world, later(10))

    assert {TARGET.canary: (), TARGET.baseline: ("v1-0", "v1-1", "v1-2")} == {
        each.node: each.pods for each in lab.metrics.asked
    }


def test_a_release_that_is_bad_is_rolled_back_and_no_pod_deleted(lab: Lab) -> None:
    """Where every pod fails none is blamed."""
    lab.metrics.bad = tuple(OLD)
    carried = until(begun(lab, PLAN), lab, "nothing that is recorded")

    assert "rollback" == carried.decision["kind"]
    assert [] == lab.pods.deleted
