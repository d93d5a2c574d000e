"""The evidence is valid: under its null every process has a mean of at most 1, counted out over all outcomes."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from canario.canary import Decision, Plan, Rollout, Step, decide
from tests.unit.canary.world import watched, window

# No threshold can be reached, so that every outcome can be followed to its end.
ENDLESS = Plan(alpha=1e-12, beta=1e-12, tolerated_rate=0.1)
Rates = tuple[tuple[float, float], ...]  # each window's failure rates: the canary's, the baseline's
SHARES = ((0.4, 4, 6), (0.25, 3, 9))  # the share, n_c and n_b of each window


def mean(plan: Plan, name: str, rates: Rates) -> float:
    """The exact mean of a process after windows with these failure rates."""
    return sum(chance * decision.evidence[name] for chance, decision in outcomes(watched(plan, 100, 10), rates))


def outcomes(rollout: Rollout, rates: Rates, at: int = 0) -> Iterator[tuple[float, Decision]]:
    """The last decision of every outcome of the windows, with its probability."""
    share, n_c, n_b = SHARES[at]
    for x_c, x_b in itertools.product(range(n_c + 1), range(n_b + 1)):
        chance = binomial(n_c, x_c, rates[at][0]) * binomial(n_b, x_b, rates[at][1])
        if not chance:
            continue
        after, decision = decide(rollout, window(at + 1, share, (n_c, x_c), (n_b, x_b)))
        if at + 1 == len(rates):
            yield chance, decision
        else:
            yield from ((chance * rest, last) for rest, last in outcomes(after, rates, at + 1))


def binomial(n: int, x: int, p: float) -> float:
    return math.comb(n, x) * p**x * (1 - p) ** (n - x)


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("r0", [1.0, 1.5])
def test_against(p: float, r0: float) -> None:
    """The mean of *against* is at most 1 if the canary fails r₀ times as often, whatever the baseline's rate."""
    plan = replace(ENDLESS, r0=r0, r1=3)
    rates = ((min(1, r0 * p), p), (min(1, r0 * 0.3 * p), 0.3 * p))

    assert mean(plan, "against", rates) <= 1 + 1e-12


def test_against_wastes_nothing() -> None:
    """With rare failures *against* is exact at its limit: its mean is all but 1."""
    assert pytest.approx(1, abs=0.005) == mean(ENDLESS, "against", ((0.005, 0.005), (0.02, 0.02)))


@pytest.mark.parametrize("failed", range(1, 11))
def test_against_under_any_correlation(failed: int) -> None:
    """However many requests fail together: if routing alone decides whose they are, the mean is at most 1."""
    share, n_c, n_b = SHARES[0]
    total = 0.0
    for x_c in range(max(0, failed - n_b), min(n_c, failed) + 1):
        chance = math.comb(n_c, x_c) * math.comb(n_b, failed - x_c) / math.comb(n_c + n_b, failed)
        _, decision = decide(watched(ENDLESS, 100, 10), window(1, share, (n_c, x_c), (n_b, failed - x_c)))
        total += chance * decision.evidence["against"]

    assert total <= 1 + 1e-12


@pytest.mark.parametrize(
    "rates",
    [
        ((0.1, 0.0), (0.1, 0.0)),  # the tolerated rate binds
        ((0.5, 0.5), (0.3, 0.3)),  # the ratio binds
        ((0.1, 0.0), (0.8, 0.8)),  # first the one, then, in an incident, the other
        ((0.9, 0.9), (0.1, 0.02)),
        ((0.05, 0.0), (0.2, 0.6)),  # inside the null
    ],
)
def test_harmful(rates: Rates) -> None:
    """The mean of *harmful* is at most 1 also where the limit that binds changes from window to window."""
    assert mean(ENDLESS, "harmful", rates) <= 1 + 1e-12


def test_harmful_wastes_little() -> None:
    """Where one limit clearly binds the mean is near 1."""
    assert mean(ENDLESS, "harmful", ((0.1, 0.0), (0.1, 0.0))) > 0.999
    assert mean(replace(ENDLESS, tolerated_rate=0.001), "harmful", ((0.02, 0.02), (0.02, 0.02))) > 0.98


@pytest.mark.parametrize(
    "rates",
    [
        ((0.1, 0.0), (0.1, 0.05)),  # the tolerated rate binds
        ((0.4, 0.2), (0.6, 0.3)),  # the ratio binds
        ((0.1, 0.01), (1.0, 0.5)),
        ((0.5, 0.05), (0.9, 0.4)),  # inside the null: worse than both
    ],
)
def test_safe(rates: Rates) -> None:
    """The mean of *safe*, and of both its parts, is at most 1 if the canary is as bad as the plan refuses."""
    for name in ("for_ratio", "for_rate", "safe"):
        assert mean(ENDLESS, name, rates) <= 1 + 1e-12


def test_safe_wastes_little() -> None:
    """With rare failures both parts of *safe* are exact at their limits."""
    rare = replace(ENDLESS, tolerated_rate=0.002)

    assert pytest.approx(1, abs=0.005) == mean(rare, "for_ratio", ((0.004, 0.002), (0.01, 0.005)))
    assert pytest.approx(1, abs=1e-9) == mean(rare, "for_rate", ((0.002, 0.0), (0.002, 0.001)))


def test_no_tolerated_rate() -> None:
    """With a tolerated rate of 0 the ratio alone decides: *harmful* is *against*, and *safe* is *for_ratio*."""
    plan = replace(ENDLESS, tolerated_rate=0)
    for _, decision in outcomes(watched(plan, 100, 10), ((0.5, 0.5),)):
        assert decision.evidence["against"] == decision.evidence["harmful"]
        assert decision.evidence["for_ratio"] == decision.evidence["safe"]


RATIOS = {1.4: 0.15, 2.2: 0.17, 4: 0.2, 10: 0.24, 40: 0.24}  # and their parts of the stake


def moment(r: float, m: int, n_c: int, n_b: int) -> float:
    """E[r^X] over all ways in which m failures may fall on n_c + n_b requests."""
    ways = [math.comb(n_c, x) * math.comb(n_b, m - x) * r**x for x in range(min(m, n_c) + 1)]
    return sum(ways) / math.comb(n_c + n_b, m)


def test_the_formula() -> None:
    """One window's evidence against the canary: r^X over its moment, for five ratios with 90 % at stake."""
    _, decision = decide(watched(replace(ENDLESS, tolerated_rate=0)), window(1, 0.1, (100, 3), (900, 5)))
    bets = sum(part * r**3 / moment(r, 8, 100, 900) for r, part in RATIOS.items())

    assert pytest.approx(0.1 + 0.9 * bets) == decision.evidence["against"]


@pytest.mark.parametrize(("r0", "tolerated"), [(1.0, 0.001), (1.0, 0.02), (1.5, 0.001), (1.5, 0.02)])
@pytest.mark.parametrize("x_b", [0, 5])
def test_the_formula_of_harm(r0: float, tolerated: float, x_b: int) -> None:
    """One window's evidence of harm is the smaller of what the ratio and what the tolerated rate would give.

    For r₀ = 1 it may be a little more, as far as neither limit would mind (test_payout.py).
    """
    plan = Plan(r0=r0, r1=3, tolerated_rate=tolerated)
    _, decision = decide(watched(plan), window(1, 0.1, (100, 3), (900, x_b)))
    bets = 0.0
    for f, part in RATIOS.items():
        d = (1 + 0.1 * (r0 * f - 1)) / (1 + 0.1 * (r0 - 1))
        charge = moment(f, 3 + x_b, 100, 900) if r0 == 1 else d ** (3 + x_b)
        bets += part * min(f**3 / charge, (f / d) ** 3 / (1 + tolerated * (f / d - 1)) ** 100)

    assert decision.evidence["harmful"] >= 0.1 + 0.9 * bets - 1e-9
    if r0 != 1:
        assert pytest.approx(0.1 + 0.9 * bets) == decision.evidence["harmful"]


def test_a_ratio_close_to_the_limit() -> None:
    """With r₁ near r₀ only the ratios below r₁ are bet on: still valid, and still nothing wasted."""
    near = replace(ENDLESS, r1=1.2)

    _, bad = decide(watched(near), window(1, 0.5, (1000, 30), (1000, 10)))

    assert bad.evidence["for_ratio"] < 0.2
    assert mean(near, "for_ratio", ((0.6, 0.5), (0.9, 0.75))) <= 1
    assert pytest.approx(1, abs=0.005) == mean(near, "for_ratio", ((0.0024, 0.002), (0.006, 0.005)))


def test_a_canary_that_goes_bad_late() -> None:
    """A regression after a day's good windows is found as a new one: the bets begin anew with every window."""
    plan = Plan(deadline_windows=10_000, steps=(Step(0.1, 9_000),))
    rollout = watched(plan)
    for number in range(1, 1441):
        rollout, _ = decide(rollout, window(number, 0.1, (600, 1), (5400, 11)))
    _, first = decide(rollout, window(1441, 0.1, (600, 30), (5400, 11)))

    assert "rollback" == first.kind


def test_windows_without_a_share_do_not_count() -> None:
    """What happens while the canary has no share is not evidence, whatever it is."""
    rollout, decision = decide(watched(), window(1, 0, (100, 100), (5900, 0)))

    assert rollout.evidence is None
    assert 1 == decision.evidence["harmful"] == decision.evidence["safe"]


def test_the_real_share_counts() -> None:
    """The requests that really went to the canary drive the evidence, not the share that was asked for."""
    counts = (60, 6), (540, 6)

    asked = [decide(watched(), window(1, share, *counts))[1].evidence["harmful"] for share in (0.01, 0.1, 0.5)]

    assert 1 == len(set(asked))
