"""How far the share may rise.

The canary, if it is as bad as the evidence still allows, may cost the harm budget B of extra failed requests in a
window of R requests:

    w_next ≤ B / (R·(p̄ − λ_b)),    p̄ = min(1, λ_b·r̄, q̄)

r̄ and q̄ are the largest ratio and rate, of a grid each, that the evidence for the canary has not rejected at 10 %.
λ_b is smoothed over the windows. Where the last one was beyond that by more than chance, an incident, λ_b and p̄ are
both taken as many times larger: q̄ was learned in quieter windows, and what the canary is worse by grows along.
"""

from math import inf, log

from canario.canary.evidence import LIMIT_RATIOS, below_rate, below_ratios
from canario.canary.guards import Guard
from canario.canary.state import Rollout

FIRST_SHARE = 0.01
STEEPEST = 3.0  # times the share, in one window
WORTHWHILE = 1.1  # times the share: a smaller rise is not worth a change of the router
REJECTED = log(10)
ALMOST_ALL = 0.999  # stands for a rate of 1, under which no success has a likelihood
LIMIT_RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, ALMOST_ALL)  # from the tolerated rate on


def first_share(rollout: Rollout) -> float:
    """min(1 %, B / R): within the budget even if the canary fails every request."""
    plan = rollout.plan
    return min(FIRST_SHARE, plan.harm_budget / rollout.traffic.last, plan.largest_share)


def next_share(share: float, in_force: float, limit: float, best: float) -> float:
    """The share after one that was in force: a rise within `limit` and ×3 towards `best`, or `share` again."""
    wanted = min(limit, STEEPEST * min(share, in_force), best)
    return wanted if wanted >= WORTHWHILE * share else share


def share_limit(rollout: Rollout, worst: float) -> float:
    """The largest share that the harm budget allows if the canary fails at the rate `worst`; may be above 1."""
    extra = rollout.traffic.last * (worst - min(1.0, _surge(rollout) * _expected(rollout)))
    return rollout.plan.harm_budget / extra if extra > 0 else inf


def worst_rate(rollout: Rollout) -> float:
    """p̄: the largest failure rate that the canary may still have. 1 before it has served anything."""
    return min(1.0, _surge(rollout) * min(_worst_by_ratio(rollout), _worst_by_rate(rollout)))


def _worst_by_ratio(rollout: Rollout) -> float:
    guard, evidence = _guard(rollout), rollout.evidence
    if evidence is None:
        return 1.0
    left = [ratio for ratio, below in below_ratios(guard, evidence).items() if below < REJECTED]
    if LIMIT_RATIOS[-1] in left:
        return 1.0
    return _expected(rollout) * max(left, default=guard.r0)


def _worst_by_rate(rollout: Rollout) -> float:
    evidence, τ = rollout.evidence, _guard(rollout).tolerated_rate
    if evidence is None:
        return 1.0
    limits = [*((τ,) if τ else ()), *(rate for rate in LIMIT_RATES if rate > τ)]
    left = max((rate for rate in limits if below_rate(evidence, rate) < REJECTED), default=τ)
    return 1.0 if left == ALMOST_ALL else left


def _guard(rollout: Rollout) -> Guard:
    return rollout.plan.watched[rollout.plan.ramp_guard]


def _surge(rollout: Rollout) -> float:
    return rollout.traffic.surge(_guard(rollout).tolerated_rate)


def _expected(rollout: Rollout) -> float:
    return rollout.traffic.expected_rate(_guard(rollout).tolerated_rate)
