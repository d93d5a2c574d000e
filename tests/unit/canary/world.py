"""A service for the canary's tests: windows one after the other, counts as a test says or as seeded chance has it."""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from canario.canary import Counts, Decision, Observation, Plan, Rollout, decide, start

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

Rates = Callable[[int], tuple[float, float]]  # window → failure rates of canary and baseline


def window(number: int, share: float, canary: tuple[int, int] | None, baseline: tuple[int, int] | None) -> Observation:
    """The `number`-th minute after noon; each node as (requests, errors), None without data."""
    counts = [None if each is None else Counts(*each) for each in (canary, baseline)]
    return Observation(NOON + number * MINUTE, NOON + (number + 1) * MINUTE, share, counts[0], counts[1])


def watched(plan: Plan | None = None, requests: int = 6000, errors: int = 12) -> Rollout:
    """A rollout after the window that only watches."""
    return decide(start(plan or Plan()), window(0, 0, None, (requests, errors)))[0]


def steady(plan: Plan, requests: int, baseline: float, canary: float) -> tuple[Rollout, list[Decision]]:
    """A rollout to its end with the same rates in every window, every count rounded: no chance at all."""
    return _drive(plan, lambda _: (canary, baseline), lambda n, p: round(n * p), requests)


def chance(plan: Plan, requests: int, rates: Rates, seed: int) -> tuple[Rollout, list[Decision]]:
    """A rollout to its end in which every request is routed and fails by seeded chance."""
    generator = random.Random(seed)
    return _drive(plan, rates, lambda n, p: binomial(generator, n, p), requests)


def binomial(generator: random.Random, n: int, p: float) -> int:
    """Successes among n, by the gaps between them: as many draws as successes."""
    if p > 0.5:
        return n - binomial(generator, n, 1 - p)
    found, at = 0, 0
    while p > 0:
        at += 1 + int(math.log(1 - generator.random()) / math.log1p(-p))
        if at > n:
            break
        found += 1
    return found


def _drive(
    plan: Plan, rates: Rates, draw: Callable[[int, float], int], requests: int
) -> tuple[Rollout, list[Decision]]:
    rollout, decisions = start(plan), []
    while rollout.outcome is None:
        number, share = len(decisions), rollout.share
        p_c, p_b = rates(number)
        n_c = draw(requests, share)
        n_b = requests - n_c
        counts = (n_c, draw(n_c, p_c)), (n_b, draw(n_b, p_b))
        rollout, decision = decide(rollout, window(number, share, *counts))
        decisions.append(decision)
    return rollout, decisions
