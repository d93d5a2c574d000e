"""After the proof the baseline keeps a small share for a watch, whose false alarms are rare by the hour."""

import math
import random
from dataclasses import replace

import pytest

from canario.canary import Guard, Plan, Rollout, Tally, decide
from canario.canary.bets import Sample
from canario.canary.evidence import Terms, read, weigh
from tests.unit.canary.world import binomial, watched, window

WATCHED = Plan(watch_windows=30, deadline_windows=200)


def proved(plan: Plan) -> Rollout:
    """A rollout that is on the watch: at the largest share, with the baseline keeping the rest."""
    rollout = watched(plan, 6000, 0)
    while not rollout.watching:
        served = round(6000 * rollout.share)
        rollout, _ = decide(rollout, window(rollout.windows, rollout.share, (served, 0), (6000 - served, 0)))
    return rollout


def test_a_small_share_stays() -> None:
    """For the watch the baseline keeps 10 %; after it everything follows."""
    rollout, kinds = proved(WATCHED), []
    assert 0.9 == rollout.share
    while rollout.outcome is None:
        rollout, decision = decide(rollout, window(rollout.windows, 0.9, (5400, 5), (600, 1)))
        kinds.append((decision.kind, decision.share))

    assert [("hold", 0.9)] * 29 + [("promote", 1.0)] == kinds
    assert 100_000 == decision.evidence["threshold_watch"]


def test_a_canary_that_goes_bad_on_the_watch() -> None:
    """A regression after the proof is rolled back within the watch."""
    rollout = proved(WATCHED)
    for _ in range(20):
        rollout, _ = decide(rollout, window(rollout.windows, 0.9, (5400, 5), (600, 1)))
    late = 0
    while rollout.outcome is None:
        rollout, decision = decide(rollout, window(rollout.windows, 0.9, (5400, 50), (600, 1)))
        late += 1

    assert "rolled_back" == rollout.outcome
    assert late <= 6
    assert "rollback" == decision.kind


def test_its_own_process_finds_it() -> None:
    """The watch rolls back by itself where the evidence since the beginning is not enough, and says how rare it is."""
    rollout = proved(replace(WATCHED, alpha=1e-12, watch_run_length=1000))
    while rollout.outcome is None:
        rollout, decision = decide(rollout, window(rollout.windows, 0.9, (5400, 50), (600, 1)))

    assert "in the watch the evidence that the canary has become worse is" in decision.reason
    assert "a false alarm comes once in 1,000 windows" in decision.reason
    assert decision.evidence["watch"] >= decision.evidence["threshold_watch"]


def test_windows_before_the_watch_do_not_count() -> None:
    """Its process begins with the watch, however the rollout went before."""
    rollout = proved(WATCHED)
    _, first = decide(rollout, window(rollout.windows, 0.9, (5400, 5), (600, 1)))

    assert 0 < first.evidence["watch"] < 2


def test_its_mean_is_the_number_of_windows() -> None:
    """R grows by at most one a window on average, counted out over everything that may happen in two."""
    guard, terms = Guard("errors", "errors", tolerated_rate=0), Terms(60, 0.1, watching=True)
    total = 0.0
    for first in range(1, 5):
        for second in range(1, 5):
            evidence, chance = None, 1.0
            for x in (first, second):
                chance *= math.comb(9, x) * math.comb(3, 4 - x) / math.comb(12, 4)
                evidence = weigh(evidence, guard, Sample(Tally(9, x), Tally(3, 4 - x)), terms)
            total += chance * math.exp(read(guard, evidence, 60).watch)

    assert pytest.approx(2) == total


def test_run_length() -> None:
    """Watching a canary like its baseline, false alarms come less often than once in the run length."""
    guard, length, windows, alarms = Guard("errors", "errors", tolerated_rate=0), 200.0, 0, 0
    generator, evidence = random.Random(1), None
    for _ in range(4000):
        windows += 1
        sample = Sample(Tally(900, binomial(generator, 900, 0.02)), Tally(100, binomial(generator, 100, 0.02)))
        evidence = weigh(evidence, guard, sample, Terms(60, 0.02, watching=True))
        if read(guard, evidence, 60).watch >= math.log(length):
            evidence, alarms = None, alarms + 1

    assert windows / max(1, alarms) >= length
