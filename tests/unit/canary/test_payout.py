"""Evidence of harm wastes nothing above what is enough, and is worth no more for it: counted out over all outcomes."""

import math
from dataclasses import replace
from functools import cache

import pytest

from canario.canary import Guard, Plan, Step, Tally, decide
from canario.canary.bets import STEEPER, Sample
from canario.canary.evidence import Terms, prepare, read, weigh
from canario.canary.payout import failed, largest_factor, routed
from tests.unit.canary.world import watched, window

N_C, N_B = 10, 16
ENOUGH = math.log(20)
HAD = (  # the bets' logs before the window: begun, far ahead by small ratios, by large ones, lost
    (0.0,) * len(STEEPER),
    tuple(2.5 - each for each in range(len(STEEPER))),
    tuple(each - 2.5 for each in range(len(STEEPER))),
    (-1.5,) * len(STEEPER),
)


@cache
def worths(had: tuple[float, ...], rate: float) -> tuple[float, dict[tuple[int, int], float]]:
    """What *harmful* is before the window, what is staked anew with it, and after every outcome of the window."""
    guard = Guard("errors", "errors", tolerated_rate=rate)
    before = replace(prepare(guard, Tally(100, 1)), windows=5, harmful=had)
    terms = Terms(60, 0.01, harm=ENOUGH)
    after = {}
    for x in range(N_C + 1):
        for y in range(N_B + 1):
            found = weigh(before, guard, Sample(Tally(N_C, x), Tally(N_B, y)), terms)
            after[x, y] = math.exp(read(guard, found, 60).harmful)
    return math.exp(read(guard, before, 60).harmful), after


def binomial(n: int, x: int, p: float) -> float:
    return math.comb(n, x) * p**x * (1 - p) ** (n - x)


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.1, 0.3])
@pytest.mark.parametrize("had", HAD)
def test_where_the_ratio_binds(had: tuple[float, ...], rate: float) -> None:
    """Given how many failed, however they hang together, routing gives *harmful* a mean of at most what it was."""
    before, after = worths(had, rate)
    for m in range(N_C + N_B + 1):
        ways = {x: math.comb(N_C, x) * math.comb(N_B, m - x) for x in range(max(0, m - N_B), min(m, N_C) + 1)}
        mean = sum(each * after[x, m - x] for x, each in ways.items()) / sum(ways.values())
        assert mean <= before * (1 + 1e-9)
        if not rate:
            assert mean >= before * (1 - 1e-6)  # and nothing is wasted, whatever is cut off


@pytest.mark.parametrize("p_b", [0.05, 0.2, 0.6])
@pytest.mark.parametrize("rate", [0.0, 0.1])
@pytest.mark.parametrize("had", HAD)
def test_a_better_canary(had: tuple[float, ...], rate: float, p_b: float) -> None:
    """A canary that fails less than its baseline gives *harmful* no more than one like it."""
    before, after = worths(had, rate)
    for p_c in (0.0, 0.4 * p_b, p_b):
        mean = sum(binomial(N_C, x, p_c) * binomial(N_B, y, p_b) * worth for (x, y), worth in after.items())
        assert mean <= before * (1 + 1e-9)


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("had", HAD)
def test_where_the_tolerated_rate_binds(had: tuple[float, ...], rate: float) -> None:
    """Whatever the baseline did, a canary within the tolerated rate gives *harmful* no more than it had."""
    before, after = worths(had, rate)
    for y in range(N_B + 1):
        for p_c in (0.0, 0.4 * rate, rate):
            mean = sum(binomial(N_C, x, p_c) * after[x, y] for x in range(N_C + 1))
            assert mean <= before * (1 + 1e-9)
    if rate == 0.1:
        assert sum(binomial(N_C, x, rate) * after[x, 0] for x in range(N_C + 1)) > 0.99 * before


@pytest.mark.parametrize("rate", [0.0, 0.02])
def test_nothing_is_paid_above_what_is_enough(rate: float) -> None:
    """What would be beyond the threshold is at it, what is below is worth more for it, and nothing is worth less."""
    plan = Plan(alpha=0.05, tolerated_rate=rate, steps=(Step(0.5, 9),))
    ends = []
    for x in range(11):
        counts = (30, x), (30, 10 - x)
        _, plain = decide(watched(replace(plan, alpha=1e-12), 100, 10), window(1, 0.5, *counts))
        after, raised = decide(watched(plan, 100, 10), window(1, 0.5, *counts))
        ends.append(after.outcome)
        if plain.evidence["harmful"] >= 20:
            assert pytest.approx(20) == raised.evidence["harmful"]
        elif after.outcome is None:
            assert raised.evidence["harmful"] > plain.evidence["harmful"]

    assert {None, "rolled_back"} == set(ends)


def test_the_largest_factor() -> None:
    """It is where the mean is what was staked; what is not given of the probability counts as much as the cap."""
    points = [(0.5, 0.2), (0.3, 1.0), (0.2, 50.0)]

    assert pytest.approx((1 - 0.2 * 3) / 0.4) == largest_factor(points, 1.0, 3.0)
    assert pytest.approx((1 - 0.2 * 3) / 0.4) == largest_factor(points[:2], 1.0, 3.0)
    assert pytest.approx(1 / 10.4) == largest_factor(points, 1.0, 100.0)
    assert 0 == largest_factor([], 1.0, 3.0)


@pytest.mark.parametrize(("n", "m", "total"), [(10, 3, 100), (90, 60, 100), (500, 400, 5000), (4, 90, 100)])
def test_routing_by_chance(n: int, m: int, total: int) -> None:
    """All that is likely is there, with its chance."""
    low, chances = routed(n, m, total)
    expected = [math.comb(n, x) * math.comb(total - n, m - x) for x in range(low, low + len(chances))]

    assert pytest.approx([each / math.comb(total, m) for each in expected]) == chances


def test_failing_by_chance() -> None:
    """The same of requests that fail each for itself."""
    low, chances = failed(800, 0.1)

    assert 60 > low > 0
    assert pytest.approx([binomial(800, x, 0.1) for x in range(low, low + len(chances))]) == chances
