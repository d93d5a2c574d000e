"""Gates, approvals and pauses: a rollout that waits for a person."""

import pytest

from canario.canary import intervention, steps
from canario.canary.gates import Gates
from canario.canary.instructions import Instruction
from canario.errors import NotWaiting
from tests.fakes import NOW
from tests.unit.lambdas.rollouts import Lab, begun, kinds, later, one_turn, through_json


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
