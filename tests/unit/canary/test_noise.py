"""Noise beyond chance: measured where both sides run the same code, divided out, and said."""

import itertools
import math
import random
from dataclasses import replace

import pytest

from canario.canary import Counts, Observation, Plan, Rollout, Step, Tally, decide, start
from canario.canary.noise import Noise
from tests.unit.canary.world import MINUTE, NOON, binomial, watched, window


def test_chance_alone() -> None:
    """Over all ways in which failures may fall on three pods, X² has the mean of its degrees of freedom."""
    pods, failed = (5, 3, 7), 4
    total = Noise()
    weight = 0.0
    for ways in itertools.product(range(failed + 1), repeat=3):
        if sum(ways) != failed or any(x > n for x, n in zip(ways, pods, strict=True)):
            continue
        chance = math.prod(math.comb(n, x) for n, x in zip(pods, ways, strict=True)) / math.comb(15, failed)
        found = Noise().then([Tally(n, x) for n, x in zip(pods, ways, strict=True)])
        total = Noise(total.squares + chance * found.squares, total.freedom + chance * found.freedom)
        weight += chance

    assert pytest.approx(1) == weight
    assert pytest.approx(total.freedom) == total.squares


@pytest.mark.parametrize(
    ("groups", "why"), [([(10, 3)], "one"), ([(5, 1), (5, 0)], "single"), ([(2, 2), (3, 3)], "all")]
)
def test_what_says_nothing(groups: list[tuple[int, int]], why: str) -> None:
    """One group, one failure, or nothing but failures says nothing about noise."""
    assert Noise() == Noise().then([Tally(*each) for each in groups]), why


def clustered(generator: random.Random, requests: int, rate: float, size: int, pods: int) -> Counts:
    """A node whose failures arrive in clusters that reach one pod together."""
    each = requests // pods
    seen = {f"pod-{n}": Tally(each, size * binomial(generator, each // size, rate)) for n in range(pods)}
    return Counts(each * pods, sum(pod.errors for pod in seen.values()), pods=seen)


LOOKING = Plan(tolerated_rate=0, noise_windows=5, deadline_windows=120, steps=(Step(0.2, 110),), beta=1e-9)


def rollout_of(size: int, seed: int, *, pods: bool) -> Rollout:
    generator, rollout = random.Random(seed), start(LOOKING)
    while rollout.outcome is None:
        nodes = [clustered(generator, round(3000 * part), 0.01, size, 4) for part in (rollout.share, 1 - rollout.share)]
        canary, baseline = nodes if pods else [replace(each, pods={}) for each in nodes]
        at = NOON + rollout.windows * MINUTE
        rollout, _ = decide(rollout, Observation(at, at + MINUTE, rollout.share, canary, baseline))
    return rollout


def test_clusters() -> None:
    """Failures in clusters of 20 roll a healthy canary back almost always; the baseline's pods tell, and it is not."""
    unknown = [rollout_of(20, seed, pods=False).outcome for seed in range(10)]
    known = [rollout_of(20, seed, pods=True) for seed in range(15)]

    assert unknown.count("rolled_back") >= 8
    assert 0 == [each.outcome for each in known].count("rolled_back")
    assert all(15 < each.dispersion < 35 for each in known)


def test_the_guarantee_is_said() -> None:
    """A decision is exact until a noise beyond chance is in use, and approximate from then on."""
    quiet = {f"pod-{n}": Tally(1000, 10) for n in range(4)}
    loud = {f"pod-{n}": Tally(1000, 40 * (n == 0)) for n in range(4)}
    _, exact = decide(start(Plan()), Observation(NOON, NOON + MINUTE, 0, None, Counts(4000, 40, pods=quiet)))
    rollout, approximate = decide(start(Plan()), Observation(NOON, NOON + MINUTE, 0, None, Counts(4000, 40, pods=loud)))

    assert ("exact", 1) == (exact.guarantee, exact.evidence["dispersion"])
    assert "approximate" == approximate.guarantee
    assert approximate.evidence["dispersion"] > 10
    assert "approximate" == approximate.to_dict()["guarantee"]
    assert rollout == Rollout.from_json(rollout.to_json())


def test_dispersion_divides() -> None:
    """With a dispersion of φ a window weighs what its φ-th part does, for and against."""
    plan = Plan(tolerated_rate=0)
    plain = watched(plan)
    noisy = replace(plain, guards=tuple(replace(each, noise=Noise(4e9, 1e9)) for each in plain.guards))
    counts = (600, 30), (5400, 40)
    _, one = decide(plain, window(1, 0.1, *counts))
    _, half = decide(noisy, window(1, 0.1, *counts))

    assert pytest.approx(4, rel=0.001) == half.evidence["dispersion"]
    assert 1 < half.evidence["against"] < one.evidence["against"]
    assert one.evidence["for_ratio"] < half.evidence["for_ratio"] < 1


def test_an_a_a_phase() -> None:
    """While both nodes run the same code nothing is evidence, the share stays, and the noise is learnt."""
    rollout = watched()
    for number in range(1, 6):
        seen = window(number, rollout.share, (100, 50), (5900, 0))
        rollout, decision = decide(rollout, replace(seen, same_code=True))
        assert "hold" == decision.kind
        assert "run the same code" in decision.reason

    assert 1 == decision.evidence["harmful"]
    assert decision.evidence["dispersion"] > 100


def test_the_first_windows_can_be_more() -> None:
    """A plan may watch the baseline for several windows before the canary gets its first share."""
    rollout = start(Plan(noise_windows=3))
    shares = []
    for number in range(3):
        rollout, decision = decide(rollout, window(number, 0, None, (6000, 12)))
        shares.append(decision.share)

    assert [0, 0, 10 / 6000] == shares


def test_each_trace_once() -> None:
    """Where requests of one session count once, they are what the errors are judged by."""
    at = NOON + MINUTE
    canary = Counts(600, 60, once=Tally(300, 3))
    baseline = Counts(5400, 0, once=Tally(2700, 27))
    _, decision = decide(watched(), Observation(at, at + MINUTE, 0.1, canary, baseline))

    assert (300, 3) == (decision.evidence["canary_requests"], decision.evidence["canary_errors"])
    assert decision.evidence["harmful"] < 2
