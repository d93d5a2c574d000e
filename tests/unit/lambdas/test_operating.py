"""Rollouts under people, alarms, killed executions and full histories, over fakes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from canario.canary import Plan, Tally, ending, intervention, steps, watchdog
from canario.canary.carried import Carried
from canario.canary.gates import Gates
from canario.canary.instructions import Instruction
from canario.canary.ports import NodeCounts, RouterState, Target
from canario.errors import Drift, NotReady, NotWaiting, RemoteError, Stopped
from tests.fakes import NOW, FakeRouters
from tests.fakes_rollouts import FakeExecutions
from tests.unit.lambdas.rollouts import PLAN, TARGET, Lab, begun, decided, later, through_json


@pytest.fixture
def lab() -> Lab:
    return Lab()


def kinds(lab: Lab) -> list[str]:
    return [kind for kind, _ in lab.events.put_events]


def one_turn(carried: Carried, lab: Lab, seconds: float) -> Carried:
    """Observe and decide, as the machine does, and shift where the decision asks for it."""
    carried = through_json(steps.observe(carried, lab.world, later(seconds)))
    if not carried.observations:
        return carried
    carried = through_json(steps.decide(carried, lab.world, later(seconds)))
    if carried.decision and carried.decision["share"] != carried.asked:
        carried = steps.shift(carried, lab.world)
        lab.in_force(carried.written)
        carried = steps.verify(carried, lab.world, later(seconds))
    return through_json(carried)


def test_a_gate_at_zero_keeps_everything_from_the_canary(lab: Lab) -> None:
    """With a gate at 0 the first share needs a person; the bus is told once that one is waited for."""
    carried = begun(lab, gates=Gates((0.0,)))
    lab.serve(NOW, 1000, 0, windows=40)
    for seconds in (10, 15, 20):
        carried = one_turn(carried, lab, seconds)

    assert (carried.written, (carried.waiting or {})["gate"]) == (0.0, 0.0)
    assert kinds(lab).count("RolloutWaiting") == 1
    assert "approve r1" in str(lab.records.entries("r1")[-1]["reason"])


def test_an_approval_lets_the_share_rise(lab: Lab) -> None:
    """Who approved and when is on record, the wait is woken, and the next window's decision rises."""
    carried = begun(lab, gates=Gates((0.0, 0.5)))
    lab.serve(NOW, 1000, 0, windows=40)
    carried = one_turn(carried, lab, 10)
    steps.wait_for_person(carried, "token-1", lab.world)
    answer = intervention.instruct("r1", "approve", "arn:ana", "looks good", lab.world, later(12))
    after = one_turn(carried, lab, 15)

    assert (answer["share"], answer["woken"], lab.tokens.woken) == (0.0, True, ["token-1"])
    assert after.written > 0
    assert lab.records.instructions("r1") == [Instruction("approve", "arn:ana", later(12), "looks good", 0.0)]


def test_an_approval_before_the_token_is_kept_wakes_at_once(lab: Lab) -> None:
    """A word that came between the decision and the wait is not waited out."""
    carried = begun(lab, gates=Gates((0.0,)))
    lab.serve(NOW, 1000, 0, windows=40)
    carried = one_turn(carried, lab, 10)
    intervention.instruct("r1", "approve", "arn:ana", "", lab.world, later(11))
    steps.wait_for_person(carried, "token-1", lab.world)

    assert lab.tokens.woken == ["token-1"]


def test_a_word_wakes_once(lab: Lab) -> None:
    """After the look that a word caused, the wait goes on for the next word, and since when it was."""
    carried = begun(lab, gates=Gates((0.0,)))
    lab.serve(NOW, 1000, 0, windows=40)
    carried = one_turn(carried, lab, 10)
    intervention.instruct("r1", "pause", "arn:ana", "", lab.world, later(12))
    looked = through_json(steps.observe(carried, lab.world, later(13)))
    steps.wait_for_person(looked, "token-2", lab.world)

    assert (looked.waiting or {})["since"] == (carried.waiting or {})["since"]
    assert lab.tokens.woken == []


def test_a_word_in_mid_step_is_for_the_next_look(lab: Lab) -> None:
    """A decision that is taken twice, because its worker was killed, is the same whatever was said in between."""
    carried = begun(lab, gates=Gates((0.0,)))
    lab.serve(NOW, 1000, 0, windows=40)
    observed = through_json(steps.observe(carried, lab.world, later(10)))
    before = steps.decide(observed, lab.world, later(10))
    intervention.instruct("r1", "approve", "arn:ana", "", lab.world, later(11))
    again = steps.decide(observed, lab.world, later(12))
    steps.wait_for_person(again, "token-1", lab.world)

    assert before == again
    assert lab.tokens.woken == ["token-1"]


def test_nothing_is_approved_where_no_gate_is_closed(lab: Lab) -> None:
    """An approval needs a gate, and an instruction a rollout that runs; the error names those that do."""
    begun(lab)

    with pytest.raises(NotWaiting, match="no gate"):
        intervention.instruct("r1", "approve", "arn:ana", "", lab.world, NOW)
    with pytest.raises(NotWaiting, match=r"running; those that are: r1"):
        intervention.instruct("r2", "pause", "arn:ana", "", lab.world, NOW)


def test_a_pause_holds_until_it_is_resumed(lab: Lab) -> None:
    """Windows count on in the pause; after it the share rises."""
    carried = begun(lab)
    lab.serve(NOW, 1000, 0, windows=40)
    intervention.instruct("r1", "pause", "arn:ana", "lunch", lab.world, NOW)
    for seconds in (10, 15, 20):
        carried = one_turn(carried, lab, seconds)
    paused = carried
    intervention.instruct("r1", "resume", "arn:ana", "", lab.world, later(21))
    resumed = one_turn(paused, lab, 25)

    assert (paused.written, paused.rollout.windows) == (0.0, 3)
    assert resumed.written > 0


def test_an_abort_takes_the_share_away_at_once(lab: Lab) -> None:
    """Before the execution looks: share 0, on record, the wait woken. Then it ends rolled back, by whom and why."""
    carried = steps.shift(decided(begun(lab), 0.3), lab.world)
    lab.tokens.keep("r1", "token-1")
    intervention.instruct("r1", "abort", "arn:ana", "wrong build", lab.world, later(3))
    withdrawn = lab.share
    with pytest.raises(Stopped, match=r"aborted by arn:ana at 2026-11-02 12:00:03 UTC: wrong build") as stopped:
        steps.observe(carried, lab.world, later(10))
    stop = {"error": "Stopped", "cause": str(stopped.value)}
    rolled_back = ending.roll_back(replace(carried, stopped=stop), lab.world, later(10))
    ended = ending.end(rolled_back, lab.world, later(10))

    assert (withdrawn, lab.tokens.woken) == (0.0, ["token-1"])
    assert (ended["outcome"], "error" in ended) == ("rolled_back", False)
    assert "wrong build" in ended["reason"]
    assert lab.records.locks == {}


def test_an_alarm_in_mid_rollout_is_the_reason(lab: Lab) -> None:
    """The share that the alarm took away looks like drift to the next step; the record says that it was the alarm."""
    carried = steps.shift(decided(begun(lab, alarms=("checkout-5xx",)), 0.3), lab.world)
    struck = intervention.alarm("checkout-5xx", "threshold crossed", lab.world, later(3))
    with pytest.raises(Drift) as drift:
        steps._refuse_drift(carried, lab.routers.read(TARGET))
    why = {"error": "Drift", "cause": str(drift.value)}
    ended = ending.end(ending.roll_back(replace(carried, drift=why), lab.world, later(9)), lab.world, later(9))

    assert [each["rollout"] for each in struck] == ["r1"]
    assert ended["reason"] == ("the alarm checkout-5xx went off at 2026-11-02 12:00:03 UTC: threshold crossed")


@pytest.mark.parametrize(
    ("name", "is_its"),
    [
        ("canario/ns/nodejs-router", True),
        ("canario/ns/nodejs-router/p99", True),
        ("canario/ns/nodejs-router-2", False),
        ("canario/other/nodejs-router", False),
        ("cpu-high", False),
    ],
)
def test_an_alarms_name_may_name_the_router(lab: Lab, name: str, is_its: bool) -> None:
    """An alarm called canario/<namespace>/<router> is the router's; any other has to be named by the rollout."""
    begun(lab)

    assert bool(intervention.alarm(name, "", lab.world, NOW)) is is_its


def test_an_alarm_twice_is_one_rollback(lab: Lab) -> None:
    """EventBridge may deliver twice: the bus is told once."""
    begun(lab, alarms=("a",))
    for _ in range(2):
        intervention.alarm("a", "", lab.world, NOW)

    assert kinds(lab).count("RolloutInstructed") == 1


def test_an_ended_rollout_is_no_alarms_business(lab: Lab) -> None:
    """A promoted canary keeps its traffic when an alarm goes off later."""
    carried = replace(begun(lab, alarms=("a",)), outcome="promoted", written=1.0, decision={"reason": "safe"})
    ending.end(carried, lab.world, NOW)
    lab.routers.set(TARGET, 1.0)

    assert intervention.alarm("a", "", lab.world, NOW) == []
    assert lab.share == 1.0


def test_a_stop_between_reading_and_writing_is_seen_after_the_write(lab: Lab) -> None:
    """A share that was written though the rollout had been stopped is not left standing."""
    carried = decided(begun(lab), 0.3)
    lab.records.instruct("r1", Instruction("alarm", "a", NOW))  # its withdrawal came before this write

    with pytest.raises(Stopped):
        steps.shift(carried, lab.world)
    ending.roll_back(replace(carried, stopped={"error": "Stopped", "cause": "a"}), lab.world, NOW)
    assert lab.share == 0.0


def test_a_killed_executions_share_is_withdrawn(lab: Lab) -> None:
    """The watchdog ends the rollout of an execution that runs no more: share 0, record, event, router free."""
    steps.shift(decided(begun(lab), 0.3), lab.world)
    found = watchdog.sweep(lab.world, FakeExecutions(), later(60))
    again = watchdog.sweep(lab.world, FakeExecutions(), later(120))

    assert (found.orphans, again.orphans) == ((TARGET.key,), ())
    assert (lab.share, lab.records.locks) == (0.0, {})
    assert lab.records.entries("r1")[-1]["outcome"] == "rolled_back"
    assert "ShareOrphaned" in kinds(lab)


def test_a_running_execution_is_left_alone(lab: Lab) -> None:
    """A share with an execution behind it is nobody's orphan."""
    steps.shift(decided(begun(lab), 0.3), lab.world)

    assert watchdog.sweep(lab.world, FakeExecutions({"arn:execution"}), NOW).orphans == ()
    assert lab.share == 0.3


def test_a_share_after_the_end_is_withdrawn_unless_it_was_promoted(lab: Lab) -> None:
    """Whoever gives a rolled back canary traffic by hand loses it; a promoted canary keeps its own."""
    for outcome, left in (("rolled_back", 0.0), ("held", 0.0), ("promoted", 0.4)):
        lab.routers.set(TARGET, 0.0)
        carried = begun(Lab(routers=lab.routers, records=(lab := Lab(routers=lab.routers)).records))
        ending.end(replace(carried, outcome=outcome, decision={"reason": "x"}), lab.world, NOW)
        lab.routers.set(TARGET, 0.4, manager="kubectl-edit")
        found = watchdog.sweep(lab.world, FakeExecutions(), later(60))

        assert (lab.share, bool(found.orphans)) == (left, left == 0.0), outcome


def test_a_new_rollout_is_not_taken_for_an_orphan(lab: Lab) -> None:
    """A rollout that began while the watchdog looked has the lock by the time it has a share."""
    carried = begun(lab)
    ending.end(replace(carried, outcome="held", decision={"reason": "x"}), lab.world, NOW)
    lab.records.lock(TARGET, "r2", "arn:second", NOW)  # its router is noted a moment later
    lab.routers.set(TARGET, 0.1)

    assert watchdog.sweep(lab.world, FakeExecutions({"arn:second"}), NOW).orphans == ()
    assert lab.share == 0.1


def test_a_router_that_cannot_be_read_keeps_the_others_from_nothing(lab: Lab) -> None:
    """The problem is told; the other routers are looked at."""
    begun(lab)
    broken = replace(TARGET, router="broken")
    lab.records.steer(replace(lab.records.routers[TARGET.key], target=broken, rollout="r9", outcome="held"))
    world = replace(lab.world, routers=BrokenRouters(lab.routers, broken.key))
    found = watchdog.sweep(world, FakeExecutions(), NOW)

    assert (found.looked_at, len(found.problems), found.orphans) == (2, 1, (TARGET.key,))


def test_a_full_history_goes_on_in_a_fresh_execution(lab: Lab) -> None:
    """After so many looks the next part's name is carried; its first look counts anew and knows no name."""
    carried = begun(lab)
    for look in range(1, steps.MOST_LOOKS):
        carried = steps.observe(carried, lab.world, NOW)
        assert (carried.looks, carried.continue_as) == (look, None)
    full = through_json(steps.observe(carried, lab.world, NOW))
    fresh = through_json(steps.observe(full, lab.world, NOW))

    assert full.continue_as == "r1-part-2"
    assert (fresh.looks, fresh.part, fresh.continue_as) == (1, 2, None)


def test_a_part_of_a_long_name_has_a_name_of_its_own() -> None:
    """Step Functions allows 80 characters; two long names with one beginning stay two."""
    names = {steps._part_name("x" * 79 + end, 12) for end in "ab"}

    assert len(names) == 2
    assert {len(name) for name in names} == {80}


def test_a_part_that_went_further_is_not_overwritten(lab: Lab) -> None:
    """When a later part was killed, the first one rolls back, and its record comes after everything that is there."""
    carried = begun(lab)
    lab.records.put("r1", 7, "decision", {"decision": "advance"}, NOW)
    why = {"error": "States.TaskFailed", "cause": "aborted"}
    after = ending.roll_back(replace(carried, failure=why), lab.world, NOW)
    again = ending.roll_back(replace(carried, failure=why), lab.world, NOW)
    ended = ending.end(after, lab.world, NOW)

    assert (after.sequence, again.sequence) == (8, 8)
    assert (ended["outcome"], ended["error"]) == ("rolled_back", "States.TaskFailed")
    assert [entry["sequence"] for entry in lab.records.entries("r1")] == [0, 7, 8, 9]


def test_a_rollout_ends_once(lab: Lab) -> None:
    """When somebody else has ended it meanwhile, the execution's answer is how it ended; nothing is written twice."""
    carried = begun(lab)
    ending.abandon("r1", "the workshop failed", TARGET, lab.world, NOW)
    before = len(lab.records.entries("r1"))
    why = {"error": "Drift", "cause": "somebody"}
    ended = ending.end(ending.roll_back(replace(carried, drift=why), lab.world, NOW), lab.world, NOW)

    assert (ended["outcome"], ended["reason"]) == ("rolled_back", "the workshop failed")
    assert len(lab.records.entries("r1")) == before


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
    looks = [steps._readable(NOW, replace(carried, name=f"r{n}")) for n in range(200)]
    offsets = {(look - later(120)).total_seconds() for look in looks}

    assert (min(offsets), max(offsets), len(offsets)) == (0, steps.SPREAD_SECONDS - 1, steps.SPREAD_SECONDS)
    assert steps._readable(NOW, replace(carried, name="r0")) == looks[0]


def test_another_rollouts_share_is_left_to_it(lab: Lab) -> None:
    """A rollout that was ended from outside, and whose router another one holds by now, takes nothing from that one."""
    carried = begun(lab)
    ending.abandon("r1", "cleaned", TARGET, lab.world, NOW)
    steps.begin("r2", TARGET, PLAN, "arn:second", lab.world, NOW)
    lab.routers.set(TARGET, 0.2)
    with pytest.raises(Drift, match="held by r2"):
        steps.observe(carried, lab.world, later(10))
    why = {"error": "Drift", "cause": "x"}
    ended = ending.end(ending.roll_back(replace(carried, drift=why), lab.world, NOW), lab.world, NOW)

    assert (ended["outcome"], lab.share, lab.records.locks) == ("rolled_back", 0.2, {TARGET.key: "r2"})


class BrokenRouters:
    """Nobody answers for one router; the others are the inner ones."""

    def __init__(self, inner: FakeRouters, key: str) -> None:
        self._inner, self._key = inner, key

    def read(self, target: Target) -> RouterState:
        if target.key == self._key:
            raise RemoteError(f"reading the router {target.key}: no answer")
        return self._inner.read(target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.mark.parametrize("outcome", ["rolled_back", "held", None])
def test_a_router_that_is_gone_is_nobodys_problem(lab: Lab, outcome: str | None) -> None:
    """Its workshop was cleaned: with the router the share is gone, and a killed rollout ends all the same."""
    begun(lab)
    lab.records.routers[TARGET.key] = replace(lab.records.routers[TARGET.key], outcome=outcome)
    del lab.routers.routers[TARGET.key]
    found = [watchdog.sweep(lab.world, FakeExecutions(), later(60 * n)) for n in (1, 2)]

    assert [(), ()] == [each.problems for each in found]
    assert () == found[1].orphans
    assert (outcome or "rolled_back") == lab.records.routers[TARGET.key].outcome


@pytest.mark.parametrize("alarm", ["checkout-5xx", f"canario/{TARGET.key}", f"canario/{TARGET.key}/p99"])
def test_no_rollout_begins_while_its_alarm_is_in_alarm(lab: Lab, alarm: str) -> None:
    """Such an alarm has no change of state to tell: the rollout is refused by its name, and the router is free."""
    lab.alarms.alarmed = {alarm, "somebody-elses", f"canario/{TARGET.key}-2"}
    with pytest.raises(Stopped, match=f"no rollout of {TARGET.key} begins .*: {alarm}; "):
        begun(lab, alarms=("checkout-5xx",))

    assert ({}, [], []) == (lab.records.locks, list(lab.records.entries("r1")), kinds(lab))
    assert "rolled_back" == lab.records.routers[TARGET.key].outcome  # no instruction and no alarm takes it for running
    assert watchdog.sweep(lab.world, FakeExecutions(), NOW).orphans == ()


def test_other_alarms_keep_nothing_from_beginning(lab: Lab) -> None:
    """An alarm that the rollout does not name, or of a router with a longer name, is not its own."""
    lab.alarms.alarmed = {"somebody-elses", f"canario/{TARGET.key}-2"}

    assert "r1" == begun(lab, alarms=("checkout-5xx",)).name
