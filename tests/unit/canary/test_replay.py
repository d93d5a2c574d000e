"""What a plan would have decided on a record."""

from dataclasses import replace

from canario.canary import Observation, Plan, decide, start
from canario.canary.recording import Recording
from canario.canary.replay import replay
from tests.unit.canary.world import binomial, window

PLAN = Plan()


def constant(share: float, errors: tuple[int, int], windows: int, first: int = 1) -> list[Observation]:
    """Windows of 6,000 requests with the same counts, after those that only watched."""
    n = round(6000 * share)
    watched = [window(k, 0.0, None, (6000, errors[1])) for k in range(first)]
    return watched + [window(first + k, share, (n, errors[0]), (6000 - n, errors[1])) for k in range(windows)]


def test_a_rollout_replays_itself() -> None:
    """Canario's own record gives Canario's own decisions, to the last word."""
    from random import Random

    draw, rollout, seen, decisions = Random(7), start(PLAN), [], []
    while rollout.outcome is None:
        n = binomial(draw, 6000, rollout.share)
        counts = (n, binomial(draw, n, 0.002)), (6000 - n, binomial(draw, 6000 - n, 0.002))
        seen.append(window(len(seen), rollout.share, *counts))
        rollout, decision = decide(rollout, seen[-1])
        decisions.append(decision)
    again = replay(PLAN, Recording(tuple(seen), "recorded"))

    assert decisions == [each.decision for each in again.decided]
    assert rollout.outcome == again.rollout.outcome


def test_a_clock_that_went_on_too_long() -> None:
    """The incident is found, and what the record went on to fail is counted; the share was not Canario's."""
    record = Recording(tuple(constant(0.1, (12, 16), 30)), "recorded")
    found = replay(PLAN, record)

    assert "rolled_back" == found.rollout.outcome
    assert 31 == len(found.decided) + len(found.rest)
    text = " ".join(found.notes)
    assert "not those that Canario would have set" in text
    assert "the record's share was above what Canario would have allowed" in text
    assert f"for {len(found.rest)} windows, in which the canary failed {12 * len(found.rest)} of" in text


def test_a_share_that_never_rose_still_shows_the_proof() -> None:
    """A record that stays at 10 % is not promoted, but it says from when Canario would have gone on to."""
    found = replay(PLAN, Recording(tuple(constant(0.1, (0, 0), 40)), "recorded"))
    first = next(each for each in found.decided if each.decision.evidence["safe"] >= 20)

    assert found.rollout.outcome is None
    assert (
        f"the canary was proved safe by the window that ended at {first.observation.end.isoformat()}" in found.notes[-1]
    )


def test_windows_after_the_canary_are_not_decided() -> None:
    """Their tool took the canary away: nothing is left to decide, and no new canary begins."""
    after = [window(10 + k, 0.0, (0, 0), (6000, 16)) for k in range(3)]
    found = replay(PLAN, Recording((*constant(0.1, (2, 16), 5), *after), "recorded"))

    assert 6 == len(found.decided)
    assert 3 == len(found.rest)


def test_a_share_of_zero_between_is_no_new_beginning() -> None:
    """A pause in the record holds; the share does not start again from the first."""
    before = constant(0.1, (1, 16), 3)
    pause = window(4, 0.0, (0, 0), (6000, 16))
    found = replay(PLAN, Recording((*before, pause, *constant(0.1, (1, 16), 1, first=5)[5:]), "recorded"))

    assert "hold" == found.decided[4].decision.kind


def test_longer_windows_are_told() -> None:
    """Windows of five minutes through a plan of one: one decision each, and the notes say so."""
    from datetime import timedelta

    each = constant(0.1, (1, 16), 1)[1]
    found = replay(PLAN, Recording((replace(each, end=each.start + timedelta(minutes=5)),), "measured"))

    assert any("The record's windows are 300 s, the plan's 60 s" in note for note in found.notes)
    assert "as its requests show" in found.notes[0]
