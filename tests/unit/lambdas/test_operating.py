"""Rollouts side by side, late data, images, X-Ray's vote, what is measured."""

from dataclasses import replace
from datetime import timedelta

import pytest

from canario.canary import Plan, Tally, looks, steps
from canario.canary.ports import NodeCounts
from canario.errors import NotReady
from tests.fakes import NOW
from tests.unit.lambdas.rollouts import PLAN, TARGET, Lab, begun, later, one_turn, through_json


def test_two_starts_at_once_are_one_rollout(lab: Lab) -> None:
    """The one that is refused changes nothing of the other: neither its lock, nor its place, nor its share."""
    begun(lab)
    noted = dict(lab.records.routers)
    with pytest.raises(Exception, match="r1"):
        steps.begin("r2", TARGET, PLAN, "arn:other", lab.world, NOW)

    assert lab.records.routers == noted
    assert lab.records.entries("r2") == []


def test_a_window_whose_data_may_be_late_is_waited_for(lab: Lab) -> None:
    """Half a minute beyond its time it is looked for again, a window later each time; then it counts, once."""
    carried = begun(lab)
    first = steps.observe(carried, lab.world, later(10))
    lab.serve(NOW, 100, 1, windows=2)
    second = steps.observe(first, lab.world, later(15))
    third = steps.observe(second, lab.world, later(20))

    assert [(), later(15)] == [first.observations, first.wait]
    assert [NOW, later(5)] == [each.start for each in second.observations]
    assert all(each.canary for each in second.observations)
    assert () == third.observations


def test_a_window_that_comes_later_than_that_stays_absent(lab: Lab) -> None:
    """What was waited for in vain is observed as absent, and not read again when its data come."""
    carried = begun(lab)
    first = steps.observe(carried, lab.world, later(40))
    lab.serve(NOW, 100, 1, windows=2)
    second = steps.observe(first, lab.world, later(45))

    assert [(NOW, None)] == [(each.start, each.canary) for each in first.observations]
    assert [later(5)] == [each.start for each in second.observations]


def test_windows_before_a_late_one_are_not_held_back(lab: Lab) -> None:
    """A canary is judged by what is there; only what comes after the gap waits for it."""
    carried = begun(lab)
    lab.serve(NOW, 100, 1)
    lab.serve(later(10), 100, 1)

    assert [NOW] == [each.start for each in steps.observe(carried, lab.world, later(20)).observations]


def test_every_decision_is_measured(lab: Lab) -> None:
    """The controller's own metrics: decisions by kind, the share, the evidence both ways, the decision's age."""
    carried = begun(lab)
    lab.serve(NOW, 1000, 0, windows=2)
    one_turn(carried, lab, 16)

    named = {each.name for each in lab.controller.measured}
    assert named >= {"Decisions", "Share", "DecisionAge"}
    assert sum(lab.controller.values("Decisions")) == 2
    assert lab.controller.values("DecisionAge") == [6.0]


def test_the_canary_gets_its_image_before_its_share(lab: Lab) -> None:
    """Deploy is not done before the pods run it."""
    image = {"deployment": "nodejsv2-app", "container": "app", "reference": "repo@sha256:1"}
    carried = through_json(begun(lab, image=image))
    lab.workloads.troubles["nodejsv2-app"] = "0 availableReplicas of 3"
    with pytest.raises(NotReady, match="0 availableReplicas"):
        steps.deploy(carried, lab.world)
    del lab.workloads.troubles["nodejsv2-app"]

    assert steps.deploy(carried, lab.world) == carried
    assert lab.workloads.images == {"ns/nodejsv2-app/app": "repo@sha256:1"}


def test_xrays_vote_is_read_where_the_plan_asks_and_its_lack_holds_nothing(lab: Lab) -> None:
    """Sampled traces are the nodes'; an X-Ray that fails, or a plan that does not ask, leaves them out."""
    guards = [{"name": each, "kind": each} for each in ("errors", "faults")]
    plan = Plan.from_dict({"window_seconds": 5, "guards": guards})
    lab.serve(NOW, 100, 1)
    lab.faults.nodes[TARGET.canary] = {NOW: Tally(10, 3)}
    (asked,) = steps.observe(begun(lab, plan), lab.world, later(10)).observations
    lab.faults.fails = True
    (failed,) = steps.observe(begun(lab, plan), lab.world, later(10)).observations
    (silent,) = steps.observe(begun(lab), lab.world, later(10)).observations

    assert asked.canary is not None
    assert asked.canary.sampled == Tally(10, 3)
    assert [each.canary and each.canary.sampled for each in (failed, silent)] == [None, None]


def test_an_edge_that_is_missing_is_not_zero(lab: Lab) -> None:
    """Requests without their latency are an observation without `slower`."""
    plan = Plan(window_seconds=5, latency_edges=(10.0,))
    carried = begun(lab, plan)
    for node in (TARGET.canary, TARGET.baseline):
        lab.metrics.nodes[node] = [NodeCounts(NOW, 100, 0, None)]
    (observed,) = through_json(steps.observe(carried, lab.world, NOW + timedelta(seconds=10))).observations

    assert observed.canary is not None
    assert observed.canary.slower is None


def test_rollouts_of_minutes_look_at_seconds_of_their_own(lab: Lab) -> None:
    """Windows end together at the minute; the looks at them are spread, each always at the same second."""
    carried = begun(lab, Plan())
    times = [looks.readable(NOW, replace(carried, name=f"r{n}")) for n in range(200)]
    offsets = {(look - later(120)).total_seconds() for look in times}

    assert (min(offsets), max(offsets), len(offsets)) == (0, looks.SPREAD_SECONDS - 1, looks.SPREAD_SECONDS)
    assert looks.readable(NOW, replace(carried, name="r0")) == times[0]
