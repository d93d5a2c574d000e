"""The requests that are seen must match the share that was set."""

import random
from dataclasses import replace

import pytest

from canario.canary import Plan, Step, decide
from canario.canary.bets import Sample
from canario.canary.observation import Tally
from canario.canary.split import Split, enough
from tests.unit.canary.world import binomial, watched, window

CLOCK = Plan(steps=(Step(0.1, 3), Step(0.5, 30)))


@pytest.mark.parametrize("served", [0.3, 0.02])
def test_a_mismatch(served: float) -> None:
    """A canary that gets thrice its share, or a fifth, holds the rollout, which says so."""
    rollout, shares = watched(CLOCK), []
    for number in range(1, 7):
        canary = round(6000 * served)
        rollout, decision = decide(rollout, window(number, 0.1, (canary, 0), (6000 - canary, 12)))
        shares.append(decision.share)

    assert [0.1] * 6 == shares
    assert f"{served * 100:g} % of the requests came to the canary where 10 % was set" in decision.reason
    assert decision.evidence["split"] >= 100


def test_a_mismatch_that_ends() -> None:
    """Once the requests follow the share again, the rollout goes on."""
    rollout = watched(CLOCK)
    for number in range(1, 6):
        rollout, held = decide(rollout, window(number, 0.1, (3000, 6), (3000, 6)))
    rollout, decision = decide(rollout, window(6, 0.1, (600, 1), (5400, 11)))

    assert "hold" == held.kind
    assert ("advance", 0.5) == (decision.kind, decision.share)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("off", [1.0, 1.15])
def test_chance_is_no_mismatch(share: float, off: float) -> None:
    """Requests routed by chance, and weights that are a little off, are never a mismatch."""
    real = share + (off - 1) * min(share, 1 - share)
    for seed in range(20):
        generator, split = random.Random(seed), Split()
        for _ in range(60):
            served = binomial(generator, 300, real)
            split = split.then(share, Sample(Tally(served, 0), Tally(300 - served, 0)))
            assert not enough(split, 1.0, 0.01)


def test_another_share_begins_anew() -> None:
    """What was seen at another share is not held against this one."""
    split = Split().then(0.1, Sample(Tally(5000, 0), Tally(5000, 0)))

    assert Split(0.5, 510, 1000, 0.51) == split.then(0.5, Sample(Tally(510, 0), Tally(490, 0)))


def test_a_canary_that_hangs_gets_no_more_traffic() -> None:
    """Requests that are not answered yet are not counted: while too few ended for its share, the share waits."""
    rollout = watched()
    rollout, rising = decide(rollout, window(1, 0.01, (60, 0), (5940, 12)))
    hanging, held = decide(rollout, window(2, rising.share, (8, 0), (5820, 12)))
    _, again = decide(hanging, window(3, rising.share, (30, 0), (5820, 12)))

    assert ("hold", rising.share) == (held.kind, held.share)
    assert "Only 8 of the canary's about 29 requests that its share makes ended in this window" in held.reason
    assert "advance" == again.kind


@pytest.mark.parametrize(("ended", "total"), [(7, 300), (0, 20), (560, 6000)])
def test_a_window_that_is_short_by_chance_is_none(ended: int, total: int) -> None:
    """Few requests, or a tenth too few of many, are no sign of any that hang."""
    split = Split().then(0.05 if total < 6000 else 0.1, Sample(Tally(ended, 0), Tally(total - ended, 0)))

    assert not split.falls_short(ended, total, 1.0)


def test_a_proved_canary_that_hangs_is_not_promoted() -> None:
    """Nor does it get the rest on what ended before."""
    rollout = replace(watched(), share=0.9, safe=True, dwell=9)
    _, decision = decide(rollout, window(1, 0.9, (50, 0), (600, 1)))

    assert "hold" == decision.kind
