"""The proof that a canary is safe wastes nothing above what is enough, and is worth no more for it."""

import math
from dataclasses import replace

import pytest

from canario.canary import Plan, Rollout, decide
from tests.unit.canary.world import watched, window

WINDOWS = ((0.5, 40, 40), (0.3, 30, 60))  # the share, n_c and n_b


def odds(canary: int, baseline: int, failed: int, ratio: float) -> list[float]:
    """P(X = x) if the canary's odds of failure are `ratio` times the baseline's, `failed` requests having failed."""
    weights = [
        math.comb(canary, x) * math.comb(baseline, failed - x) * ratio**x for x in range(min(canary, failed) + 1)
    ]
    return [each / math.fsum(weights) for each in weights]


def mean(rollout: Rollout, failures: tuple[int, ...], ratio: float, at: int = 0) -> tuple[float, float]:
    """The mean of for_ratio where the rollout stops or the windows end, and the chance of a proof."""
    share, n_c, n_b = WINDOWS[at]
    worth, proved = 0.0, 0.0
    for x, chance in enumerate(odds(n_c, n_b, failures[at], ratio)):
        after, decision = decide(rollout, window(at + 1, share, (n_c, x), (n_b, failures[at] - x)))
        if after.safe or at + 1 == len(failures):
            worth, proved = worth + chance * decision.evidence["for_ratio"], proved + chance * after.safe
            continue
        more = mean(after, failures, ratio, at + 1)
        worth, proved = worth + chance * more[0], proved + chance * more[1]
    return worth, proved


@pytest.mark.parametrize("beta", [0.5, 0.2, 0.05])
@pytest.mark.parametrize("failures", [(12, 12), (5, 20), (30, 8)])
def test_the_mean(beta: float, failures: tuple[int, int]) -> None:
    """Given the failures, its mean at odds of r₁ is 1 whether or not something is above what is enough."""
    plan = Plan(alpha=1e-12, beta=beta, tolerated_rate=0)
    worth, proved = mean(watched(plan, 100, 10), failures, 2.0)

    assert worth <= 1 + 1e-9
    assert worth > 0.995
    assert proved <= beta


def test_a_worse_canary() -> None:
    """Beyond r₁ the mean only falls."""
    plan = Plan(alpha=1e-12, beta=0.2, tolerated_rate=0)
    means = [mean(watched(plan, 100, 10), (12, 12), ratio)[0] for ratio in (2.0, 2.5, 4.0)]

    assert means == sorted(means, reverse=True)


def test_nothing_is_wasted() -> None:
    """A proof is never worth more than enough, and what it would have been above that is paid out below."""
    plan = Plan(alpha=1e-12, beta=0.2, tolerated_rate=0)
    far = replace(plan, beta=1e-12)
    share, n_c, n_b = WINDOWS[0]
    for x in range(13):
        counts = (n_c, x), (n_b, 12 - x)
        after, decision = decide(watched(plan, 100, 10), window(1, share, *counts))
        _, plain = decide(watched(far, 100, 10), window(1, share, *counts))
        if after.safe:
            assert pytest.approx(5) == decision.evidence["for_ratio"]
        else:
            assert decision.evidence["for_ratio"] > plain.evidence["for_ratio"]
