"""The canary machine's steps, over fakes."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canario.canary import Plan, ending, intervention, steps
from canario.canary.ports import ProxyShare, RouterState, Target
from canario.errors import AlreadyRunning, Drift, NotReady, Stopped
from tests.fakes import NOW
from tests.unit.lambdas.rollouts import PLAN, TARGET, Lab, begun, decided, later, through_json


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_begin_locks_the_router_and_says_so(lab: Lab) -> None:
    """A rollout starts with the lock, the record `started` and the event RolloutStarted."""
    carried = begun(lab)

    assert lab.records.locks == {TARGET.key: "r1"}
    assert [entry["kind"] for entry in lab.records.entries("r1")] == ["started"]
    assert [kind for kind, _ in lab.events.put_events] == ["RolloutStarted"]
    assert (carried.written, carried.asked, carried.rollout.share) == (0.0, 0.0, 0.0)


def test_begin_twice_is_one_rollout(lab: Lab) -> None:
    """A worker killed after its work was done begins again without harm."""
    begun(lab)
    begun(lab)

    assert len(lab.records.entries("r1")) == 1


def test_a_router_in_use_is_refused(lab: Lab) -> None:
    """A second rollout of the same router does not begin, and does not take the lock away."""
    begun(lab)

    with pytest.raises(AlreadyRunning):
        steps.begin("r2", TARGET, PLAN, "arn:other", lab.world, NOW)
    assert lab.records.locks == {TARGET.key: "r1"}


def test_traffic_that_no_rollout_gave_is_drift(lab: Lab) -> None:
    """A router whose canary has a share already is refused, names who wrote it, and is not kept locked."""
    lab.routers.set(TARGET, 0.3, manager="kubectl-edit")

    with pytest.raises(Drift, match="kubectl-edit") as refused:
        steps.begin("r1", TARGET, PLAN, "arn:execution", lab.world, NOW)
    assert refused.value.by == "kubectl-edit"
    assert lab.records.locks == {}


def test_a_share_counts_from_when_every_proxy_has_it(lab: Lab) -> None:
    """Verify gives the moment from which windows count: the next period of the metric."""
    carried = begun(lab)
    verified = steps.verify(carried, lab.world, later(2.3))

    assert (verified.since, verified.wait) == (later(3), later(13))


def test_windows_of_a_minute_begin_with_the_minute(lab: Lab) -> None:
    """CloudWatch cuts time at whole minutes unless a metric has a higher resolution."""
    verified = steps.verify(begun(lab, Plan(window_seconds=120)), lab.world, later(1))

    assert verified.since == later(60)


@pytest.mark.parametrize("share", [None, 0.1, 0.4999])
def test_a_share_that_a_proxy_does_not_have_is_not_ready(lab: Lab, share: float | None) -> None:
    """Another share, or none, at a single proxy keeps the next window from counting."""
    carried = replace(begun(lab), written=0.5)
    lab.in_force(0.5)
    lab.data_plane.proxies[1] = ProxyShare("frontend-2", share, "has no outbound routes yet")

    with pytest.raises(NotReady, match="frontend-2"):
        steps.verify(carried, lab.world, NOW)


def test_no_proxy_at_all_proves_nothing(lab: Lab) -> None:
    """Without a caller nobody shows that the share is in force."""
    carried = begun(lab)
    lab.data_plane.proxies = []

    with pytest.raises(NotReady, match="no proxy"):
        steps.verify(carried, lab.world, NOW)


def test_a_window_is_read_one_window_after_its_end(lab: Lab) -> None:
    """Before that there is nothing to observe, and the machine is told when there will be."""
    carried = begun(lab)
    lab.serve(NOW, 100, 1)

    too_early = steps.observe(carried, lab.world, later(9.9))
    observed = steps.observe(too_early, lab.world, later(10))

    assert (too_early.observations, too_early.wait) == ((), later(10))
    assert [(each.start, each.canary.requests) for each in observed.observations if each.canary] == [(NOW, 100)]


def test_each_window_is_read_once(lab: Lab) -> None:
    """What was observed is not observed again; what was not observed yet comes next, in order."""
    carried = begun(lab)
    lab.serve(NOW, 100, 1, windows=4)

    first = steps.observe(carried, lab.world, later(17))
    second = steps.observe(first, lab.world, later(25))

    assert [each.start for each in first.observations] == [NOW, later(5)]
    assert [each.start for each in second.observations] == [later(10), later(15)]


@given(looks=st.lists(st.floats(0.1, 40), min_size=1, max_size=12))
def test_windows_never_overlap_nor_leave_a_gap(looks: list[float]) -> None:
    """However often and however late somebody looks, every whole window is read exactly once, in order."""
    lab = Lab()
    carried, now = begun(lab), 0.0
    seen = []
    for each in looks:
        now += each
        carried = through_json(steps.observe(carried, lab.world, later(now)))
        seen += [observation.start for observation in carried.observations]

    assert seen == [later(5 * n) for n in range(len(seen))]
    assert all(start + timedelta(seconds=10) <= later(now) for start in seen)


def test_nobody_waits_for_a_share_that_somebody_else_has_overwritten(lab: Lab) -> None:
    """A person's edit between the write and the proof is drift, at once; so is an abort a stop."""
    carried = steps.shift(decided(begun(lab), 0.1), lab.world)
    lab.in_force(0.5)
    with pytest.raises(NotReady):
        steps.verify(carried, lab.world, later(1))
    lab.routers.set(TARGET, 0.5, manager="kubectl-edit")
    with pytest.raises(Drift, match="kubectl-edit"):
        steps.verify(carried, lab.world, later(1))
    intervention.instruct("r1", "abort", "arn:ana", "", lab.world, later(2))
    with pytest.raises(Stopped, match="arn:ana"):
        steps.verify(carried, lab.world, later(3))


def test_absent_data_is_absent_not_zero(lab: Lab) -> None:
    """A window that a node has no counters for is observed as None."""
    carried = begun(lab)
    lab.serve(NOW, 100, 1)
    lab.metrics.nodes[TARGET.canary] = []

    observation = steps.observe(replace(carried, written=0.1), lab.world, later(40)).observations[0]

    assert observation.canary is None
    assert observation.baseline is not None


def test_a_change_by_somebody_else_is_seen_before_the_next_decision(lab: Lab) -> None:
    """Observe raises Drift that names who changed the weights, and to what."""
    carried = begun(lab)
    lab.routers.set(TARGET, 0.25, manager="kubectl-edit")

    with pytest.raises(Drift, match=r"25.*kubectl-edit"):
        steps.observe(carried, lab.world, later(10))


def test_a_change_of_the_status_alone_is_no_drift(lab: Lab) -> None:
    """A new resourceVersion with the same weights is the controller's own doing."""
    carried = begun(lab)
    lab.routers.set(TARGET, 0.0, manager="appmesh-controller")

    assert steps.shift(decided(carried, 0.1), lab.world).written == 0.1


def test_who_changes_something_else_while_a_share_is_written_stops_nothing(lab: Lab) -> None:
    """A label, a time-out or a status between reading and writing: the share is written beside it."""
    carried, writing = decided(begun(lab), 0.1), lab.routers.write
    changes = iter([0.0, 0.0])

    def write(target: Target, share: float, expected_version: str) -> RouterState:
        for unchanged in changes:
            lab.routers.set(TARGET, unchanged, manager="ana")
            break
        return writing(target, share, expected_version)

    lab.routers.write = write  # type: ignore[method-assign]

    assert steps.shift(carried, lab.world).written == lab.share == 0.1


def test_every_decision_is_recorded_once_and_said(lab: Lab) -> None:
    """Deciding the same windows twice leaves one record each, with the numbers behind it."""
    carried = begun(lab)
    lab.serve(NOW, 100, 1, windows=2)
    observed = steps.observe(carried, lab.world, later(15))

    after = steps.decide(through_json(observed), lab.world, later(15))
    again = steps.decide(through_json(observed), lab.world, later(16))

    entries = [entry for entry in lab.records.entries("r1") if entry["kind"] == "decision"]
    assert after == again
    assert [entry["sequence"] for entry in entries] == [1, 2]
    assert {(entry["requests"], entry["errors"], entry["in_force"]) for entry in entries} == {(100, 1, 0.0)}
    assert {"RolloutStarted", "RolloutDecided"} == {kind for kind, _ in lab.events.put_events}


def test_a_shift_writes_what_the_dialect_can(lab: Lab) -> None:
    """Asked and written are kept apart: observations carry what was really written."""
    shifted = steps.shift(decided(begun(lab), 0.123), lab.world)

    assert (shifted.asked, shifted.written, lab.share) == (0.123, 0.12, 0.12)


def test_a_shift_that_was_cut_off_after_writing_is_recognised(lab: Lab) -> None:
    """A worker killed between the write and its answer writes the same share again without drift."""
    carried = decided(begun(lab), 0.1)
    first = steps.shift(carried, lab.world)
    second = steps.shift(carried, lab.world)

    assert (first, lab.routers.version) == (second, 2)


def test_somebody_elses_share_is_not_taken_for_ones_own(lab: Lab) -> None:
    """The same weights by another hand, or share 0 by one's own, are drift."""
    carried = decided(replace(begun(lab), weights={TARGET.baseline: 90, TARGET.canary: 10}, written=0.1), 0.3)
    lab.routers.set(TARGET, 0.3, manager="kubectl-edit")
    with pytest.raises(Drift):
        steps.shift(carried, lab.world)
    lab.routers.set(TARGET, 0.0)

    with pytest.raises(Drift):
        steps.shift(carried, lab.world)


def test_a_rollback_takes_all_traffic_whatever_the_version(lab: Lab) -> None:
    """Nobody's change in between keeps a rollback from share 0."""
    carried = replace(begun(lab), drift={"error": "Drift", "cause": "kubectl-edit changed it"})
    lab.routers.set(TARGET, 0.7, manager="kubectl-edit")

    after = ending.roll_back(carried, lab.world, NOW)

    assert (lab.share, after.written, after.outcome, after.error) == (0.0, 0.0, "rolled_back", None)
    assert "kubectl-edit" in str(lab.records.entries("r1")[-1]["reason"])


def test_a_rollback_after_an_error_fails_the_execution_with_it(lab: Lab) -> None:
    """The error that was rolled back stays the execution's error."""
    carried = replace(begun(lab), failure={"error": "ValueError", "cause": "a bug"})

    after = ending.roll_back(carried, lab.world, NOW)

    assert (after.outcome, after.error) == ("rolled_back", "ValueError")
    assert "a bug" in str(after.cause)


def test_a_decided_rollback_is_not_recorded_twice(lab: Lab) -> None:
    """The decision is on record already; rolling back adds nothing."""
    carried = replace(begun(lab), decision={"kind": "rollback", "share": 0.0, "reason": "evidence"})
    before = len(lab.records.entries("r1"))
    ending.roll_back(carried, lab.world, NOW)

    assert len(lab.records.entries("r1")) == before


def test_the_end_is_recorded_the_router_free_and_the_bus_told(lab: Lab) -> None:
    """A rollout's end carries outcome, reason and share, and lets the router go."""
    carried = replace(begun(lab), outcome="promoted", written=1.0, decision={"reason": "safe"})
    ended = ending.end(carried, lab.world, NOW)

    assert ended == {"rollout": "r1", "outcome": "promoted", "reason": "safe", "share": 1.0, "decisions": 0}
    assert lab.records.locks == {}
    assert lab.records.entries("r1")[-1]["outcome"] == "promoted"
    assert lab.events.put_events[-1][0] == "RolloutEnded"


def test_a_rollout_in_flight_is_abandoned_to_share_zero(lab: Lab) -> None:
    """When its workshop fails, a rollout that has not ended loses its traffic and its lock."""
    begun(lab)
    lab.routers.set(TARGET, 0.4)

    assert ending.abandon("r1", "the workshop failed", TARGET, lab.world, NOW)
    assert (lab.share, lab.records.locks) == (0.0, {})
    assert lab.records.entries("r1")[-1]["outcome"] == "rolled_back"


def test_a_rollout_that_has_ended_keeps_what_it_won(lab: Lab) -> None:
    """A promoted canary is not rolled back by a later failure of its workshop."""
    carried = replace(begun(lab), outcome="promoted", written=1.0, decision={"reason": "safe"})
    ending.end(carried, lab.world, NOW)
    lab.routers.set(TARGET, 1.0)

    assert not ending.abandon("r1", "the workshop failed", TARGET, lab.world, NOW)
    assert not ending.abandon("never-began", "the workshop failed", TARGET, lab.world, NOW)
    assert lab.share == 1.0


def test_what_is_carried_goes_through_json_without_loss(lab: Lab) -> None:
    """A state machine stores exactly what the step gave, in a fraction of its 256 KiB."""
    carried = begun(lab)
    lab.serve(NOW, 1000, 3, windows=30)
    for seconds in range(10, 150, 20):
        carried = steps.decide(steps.observe(carried, lab.world, later(seconds)), lab.world, later(seconds))
    observed = steps.observe(replace(carried, since=NOW), lab.world, later(1000))

    assert through_json(observed) == observed
    assert len(observed.observations) == steps.MOST_WINDOWS_AT_ONCE
    assert len(json.dumps(observed.to_dict())) < 32 * 1024
