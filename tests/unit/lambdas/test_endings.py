"""Long rollouts in parts, and how each of them ends once."""

from dataclasses import replace

import pytest

from canario.canary import ending, looks, steps
from canario.errors import Drift
from tests.fakes import NOW
from tests.unit.lambdas.rollouts import PLAN, TARGET, Lab, begun, later, through_json


def test_a_full_history_goes_on_in_a_fresh_execution(lab: Lab) -> None:
    """After so many looks the next part's name is carried; its first look counts anew and knows no name."""
    carried = begun(lab)
    for look in range(1, looks.MOST_LOOKS):
        carried = steps.observe(carried, lab.world, NOW)
        assert (carried.looks, carried.continue_as) == (look, None)
    full = through_json(steps.observe(carried, lab.world, NOW))
    fresh = through_json(steps.observe(full, lab.world, NOW))

    assert full.continue_as == "r1-part-2"
    assert (fresh.looks, fresh.part, fresh.continue_as) == (1, 2, None)


def test_a_part_of_a_long_name_has_a_name_of_its_own() -> None:
    """Step Functions allows 80 characters; two long names with one beginning stay two."""
    names = {looks.part_name("x" * 79 + end, 12) for end in "ab"}

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
