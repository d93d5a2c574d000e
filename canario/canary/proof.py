"""The evidence that the canary's failure rate is below r₁ times the baseline's, window by window given its failures.

Given that m of a window's requests failed, and the canary's odds of failure are r₁ times the baseline's, the canary's
failures X have Fisher's noncentral hypergeometric distribution: C(n_c, x)·C(n_b, m − x)·r₁^x, normalised by
M(r₁)·C(N, m), M the moment of moment.py. So bet j on odds of r_j < r₁ multiplies what it has by

    (r_j / r₁)^x · M(r₁) / M(r_j)

which has a mean of exactly 1; where moments are bounded, M(r₁) is from below and M(r_j) from above. A canary with
p_c ≥ r₁·p_b has odds of r₁ times the baseline's or more, so more failures, and the bets fall with x: the null holds.

**Nothing is paid above what is enough** (payout.py): e(x), what a window multiplies the mixture by, falls with x as the
bets do, so the mean that is kept at odds of r₁ is less for every p_c ≥ r₁·p_b. It is done only where failures show no
more noise than chance, and where something is above the cap at all.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import exp, log

from canario.canary.bets import Sample, log_sum
from canario.canary.guards import Guard
from canario.canary.moment import log_moment_from_below, log_moments
from canario.canary.payout import largest_factor, normalised

GENTLER = ((1.25, 0.08), (1.0, 0.72), (0.8, 0.15), (0.5, 0.05))  # × r₀, weight: most on a canary like the baseline
MOST_FAILURES = 300  # in a window, up to which what is above the cap is reckoned


@lru_cache(maxsize=64)
def lower_ratios(guard: Guard) -> tuple[tuple[float, float], ...]:
    """The ratios that are bet on, and their weights: those of GENTLER that are below r₁."""
    lower = [(guard.r0 * f, weight) for f, weight in GENTLER if guard.r0 * f < guard.r1]
    total = sum(weight for _, weight in lower)
    return tuple((ratio, weight / total) for ratio, weight in lower)


def gains_for(guard: Guard, sample: Sample, dispersion: float) -> list[float]:
    """What one window adds to each bet."""
    n, x, m = sample.canary.requests, sample.canary.errors, sample.failed
    total = n + sample.baseline.requests
    ratios = [ratio for ratio, _ in lower_ratios(guard)]
    null = log_moment_from_below(guard.r1, n, m, total)
    charges = log_moments(ratios, n, m, total)
    return [(x * log(r / guard.r1) + null - each) / dispersion for r, each in zip(ratios, charges, strict=True)]


def mixture(guard: Guard, bets: Sequence[float]) -> float:
    return log_sum(*((weight, each) for each, (_, weight) in zip(bets, lower_ratios(guard), strict=True)))


def raised(guard: Guard, before: Sequence[float], after: Sequence[float], sample: Sample, cap: float) -> float:
    """What is to be added to the mixture's log for what it may win in this window to end at `cap`, a log.

    log c where the window brought less than that. `before` and `after`: the bets' logs on both sides of the window.
    """
    m, n_b, x = sample.failed, sample.baseline.requests, sample.canary.errors
    least, most = max(0, m - n_b), min(m, sample.canary.requests)
    had = mixture(guard, before)
    steps = [log(ratio / guard.r1) for ratio, _ in lower_ratios(guard)]
    if cap <= 0 or m > MOST_FAILURES or _at(guard, after, steps, least - x) - had <= cap:
        return 0.0
    chances = _chances(guard.r1, sample, least, most)
    gained = [exp(_at(guard, after, steps, each - x) - had) for each in range(least, most + 1)]
    factor = largest_factor(reversed(list(zip(chances, gained, strict=True))), 1.0, exp(cap))
    return min(log(max(1.0, factor)), cap - (mixture(guard, after) - had))


def _at(guard: Guard, after: Sequence[float], steps: Sequence[float], more: int) -> float:
    """The log of the mixture if the canary had had that many more of the failures."""
    return mixture(guard, [each + more * step for each, step in zip(after, steps, strict=True)])


def _chances(odds: float, sample: Sample, least: int, most: int) -> list[float]:
    """P(X = least), … P(X = most) under these odds."""
    m, n, n_b = sample.failed, sample.canary.requests, sample.baseline.requests
    return normalised([odds * (m - x) * (n - x) / ((x + 1) * (n_b - m + x + 1)) for x in range(least, most)])
