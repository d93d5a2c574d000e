"""Nothing is paid above what is enough: what a window might bring beyond is spread over all else that it may bring.

A window multiplies what was staked by e(x), x the canary's failures. If chance under the null never gives e(x) a mean
above 1, then neither min(c·e(x), cap / stake) for the largest c with

    Σ_x P(x)·min(c·stake·e(x), cap) ≤ stake

and c ≥ 1, so every outcome below the cap is worth more (truncated and boosted e-values: Wang, Ramdas, JRSS B 2022;
Fischer, Ramdas 2024 of tests that stop). P is the null's most harmful member: where e is monotone in x, every other
member, whose failures are stochastically on the other side, gives less.
"""

from collections.abc import Iterable
from itertools import accumulate
from math import exp, log, sqrt

REACH = 8.0  # standard deviations, and as many failures, that are looked at on both sides of the mean


def largest_factor(points: Iterable[tuple[float, float]], stake: float, cap: float) -> float:
    """c, for the pairs (P(x), stake·e(x)) with e rising; 0 where none is known.

    What the pairs leave of the probability is taken to be at the cap, so that a tail may be left out. Each cut of the
    pairs into those below the cap and those at it gives a c that keeps the mean; the best of them is the largest.
    """
    known = spent = best = 0.0
    for chance, worth in points:
        if best * worth >= cap:
            break
        known, spent = known + chance, spent + chance * worth
        if spent > 0:
            best = max(best, (stake - cap * max(0.0, 1 - known)) / spent)
    return best


def routed(n: int, m: int, total: int) -> tuple[int, list[float]]:
    """The least likely-enough number of the canary's failures, and the chances from it on, if routing alone decides.

    n of the `total` requests went to the canary, m of them failed: the hypergeometric distribution, within REACH.
    """
    mean, spread = m * n / total, sqrt(m * n * (total - n)) / total
    low, high = _within(mean, spread, max(0, m - (total - n)), min(m, n))
    ratios = [(m - x) * (n - x) / ((x + 1) * (total - n - m + x + 1)) for x in range(low, high)]
    return low, normalised(ratios)


def failed(n: int, rate: float) -> tuple[int, list[float]]:
    """The same of n requests that each fail at this rate: the binomial distribution, within REACH."""
    low, high = _within(n * rate, sqrt(n * rate * (1 - rate)), 0, n)
    odds = rate / (1 - rate)
    return low, normalised([(n - x) * odds / (x + 1) for x in range(low, high)])


def normalised(ratios: Iterable[float]) -> list[float]:
    """Chances of which each is that many times the one before."""
    logs = list(accumulate((log(each) for each in ratios), initial=0.0))
    top = max(logs)
    weights = [exp(each - top) for each in logs]
    total = sum(weights)
    return [each / total for each in weights]


def _within(mean: float, spread: float, least: int, most: int) -> tuple[int, int]:
    """What is left out has a chance of less than 1e-12."""
    reach = REACH * (spread + 1)
    return max(least, int(mean - reach)), min(most, int(mean + reach) + 1)
