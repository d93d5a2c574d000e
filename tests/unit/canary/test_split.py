"""The requests that are seen must match the share that was set."""

import random

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
