"""An abort and an alarm: the share goes at once, whatever step is under way."""

from dataclasses import replace

import pytest

from canario.canary import ending, intervention, steps, watchdog
from canario.canary.instructions import Instruction
from canario.canary.refusing import refuse_drift
from canario.errors import Drift, Stopped
from tests.fakes import NOW
from tests.fakes.rollouts import FakeExecutions
from tests.unit.lambdas.rollouts import TARGET, Lab, begun, decided, kinds, later


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
        refuse_drift(carried, lab.routers.read(TARGET))
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
