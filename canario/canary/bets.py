"""The arithmetic of evidence: what one window adds to a bet, and when bets begin. The formulas: evidence.py."""

from collections.abc import Iterable, Sequence
from math import exp, expm1, log, log1p

from canario.canary.observation import Counts, Tally
from canario.canary.plan import Plan

STEEPER = (1.25, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 40.0, 100.0)  # × the limit that should not be passed


def log_sum(*terms: tuple[float, float]) -> float:
    """log Σ w·exp(x) of the pairs (w, x), without overflow; of the weights one at least is above zero."""
    top = max(x for w, x in terms if w > 0)
    return top + log(sum(w * exp(x - top) for w, x in terms if w > 0))


def mean_with_reserve(bets: Sequence[float], reserve: float) -> float:
    """The log of the bets' mean; `reserve` is what is not staked yet, and counts as it is."""
    return log_sum((reserve, 0.0), *((1 / len(bets), each) for each in bets))


def stake(later: int, change: int) -> float:
    """u of the start before a window: `later` windows after the first that counted, at the `change`-th change.

    Half is for the first window, a quarter for the changes of share, a quarter for every later window (a canary may
    go bad at any time). Since Σ 1/(k(k+1)) = 1, they never add up to more than 1, however many come.
    """
    if later == 0:
        return 0.5
    return 0.25 / (later * (later + 1)) + (0.25 / (change * (change + 1)) if change else 0.0)


def reserve(later: int, changes: int) -> float:
    """1 − Σ u of the starts so far."""
    return 0.25 / (later + 1) + 0.25 / (changes + 1)


def bet(bets: Sequence[float], staked: float, gains: Iterable[float]) -> tuple[float, ...]:
    """A ← (A + u)·exp(ℓ) for every bet, in logs."""
    return tuple(log_sum((1, each), (staked, 0.0)) + gain for each, gain in zip(bets, gains, strict=True))


def gains(plan: Plan, canary: Counts, baseline: Counts) -> tuple[list[float], list[float]]:
    """What one window adds to the bets *against* and *harmful*, for each ratio of STEEPER."""
    π, against, harmful = real_share(canary, baseline), [], []
    norm = log1p(π * (plan.r0 - 1))
    for f in STEEPER:
        log_d = log1p(π * (plan.r0 * f - 1)) - norm
        won = canary.errors * (log(f) - log_d)
        by_ratio = baseline.errors * log_d
        by_rate = canary.requests * log1p(plan.tolerated_rate * expm1(log(f) - log_d))
        against.append(won - by_ratio)
        harmful.append(won - max(by_ratio, by_rate))
    return against, harmful


def log_rate(canary: Tally, rate: float, null: float) -> float:
    """ℓ(rate; null) of the canary alone; both within (0, 1)."""
    served = canary.requests - canary.errors
    return canary.errors * log(rate / null) + served * (log1p(-rate) - log1p(-null))


def real_share(canary: Counts, baseline: Counts) -> float:
    """π: the share of the requests that really went to the canary."""
    return canary.requests / (canary.requests + baseline.requests)
