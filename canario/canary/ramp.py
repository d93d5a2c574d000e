"""How far the share may rise, and how long the evidence will still take.

The share rises so that the canary, if it is as bad as the evidence still allows, costs at most the harm budget B of
extra failed requests in a window of R requests:

    w_next ≤ B / (R·(p̄ − λ_b)),    p̄ = min(1, λ_b·r̄, q̄)

r̄ and q̄ are the largest ratio and rate, of a grid each, that the evidence for the canary has not rejected at 10 %.
"""

from dataclasses import dataclass
from math import inf, log, log1p

from canario.canary.evidence import LIMIT_RATIOS, Evidence, Reading, below_rate, below_ratios
from canario.canary.plan import Plan

FIRST_SHARE = 0.01
STEEPEST = 3.0  # times the share, in one window
WORTHWHILE = 1.1  # times the share: a smaller rise is not worth a change of the router
REJECTED = log(10)
LIMIT_RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.999)  # from τ on; the last stands for 1


@dataclass(frozen=True)
class Traffic:
    """What the baseline showed, the older the window the less; and the last window's requests, both nodes'."""

    requests: float = 0.0
    errors: float = 0.0
    last: int = 0

    def then(self, requests: int, errors: int, last: int) -> "Traffic":
        """One window later; a window counts half after about seven."""
        return Traffic(0.9 * self.requests + requests, 0.9 * self.errors + errors, last)

    @property
    def rate(self) -> float:
        """The baseline's failure rate as seen; 0 without requests."""
        return self.errors / self.requests if self.requests else 0.0

    def expected_rate(self, plan: Plan) -> float:
        """The same, drawn towards the tolerated rate while few requests have been seen; never 0."""
        prior = 1 / max(plan.tolerated_rate, LIMIT_RATES[0])
        return (self.errors + 1) / (self.requests + prior)


def worst_rate(plan: Plan, evidence: Evidence | None, rate: float) -> float:
    """p̄: the largest failure rate that the canary may still have. 1 before it has served anything."""
    if evidence is None:
        return 1.0
    by_ratio = below_ratios(plan, evidence)
    ratio = max((r for r, against in by_ratio.items() if against < REJECTED), default=plan.r0)
    limits = (plan.tolerated_rate, *(each for each in LIMIT_RATES if each > plan.tolerated_rate))
    worst = max((q for q in limits if q and below_rate(evidence, q) < REJECTED), default=0.0)
    known = ratio < LIMIT_RATIOS[-1]
    return min(1.0, rate * ratio if known else 1.0, 1.0 if worst == LIMIT_RATES[-1] else worst)


def share_limit(plan: Plan, traffic: Traffic, worst: float) -> float:
    """The largest share that the harm budget allows; 1 or more: all of them."""
    extra = traffic.last * (worst - traffic.expected_rate(plan))
    return plan.harm_budget / extra if extra > 0 else inf


def first_share(plan: Plan, traffic: Traffic) -> float:
    """min(1 %, B / R): even if the canary fails every request."""
    return min(FIRST_SHARE, plan.harm_budget / traffic.last, plan.largest_share)


def next_share(plan: Plan, traffic: Traffic, share: float, limit: float) -> float:
    """The share after one that was in force with requests: `share` again, or a rise that is worth it."""
    wanted = min(limit, STEEPEST * share, best_share(plan, traffic))
    return wanted if wanted >= WORTHWHILE * share else share


def best_share(plan: Plan, traffic: Traffic) -> float:
    """The share from which the evidence for the canary grows fastest, within the plan."""
    k = plan.r1 / plan.r0
    by_ratio = min(1 / log(k) - 1 / (k - 1), plan.largest_share)
    faster = _growth_by_ratio(plan, traffic, by_ratio) >= _growth_by_rate(plan, traffic, plan.largest_share)
    return by_ratio if faster else plan.largest_share


def windows_needed(plan: Plan, traffic: Traffic, reading: Reading, share: float) -> float:
    """About how many windows until a canary as good as the baseline is proved safe; inf: never at this traffic."""
    enough = log(4 / plan.beta)
    growths = (
        (reading.for_ratio, _growth_by_ratio(plan, traffic, share)),
        (reading.for_rate, _growth_by_rate(plan, traffic, share)),
    )
    return min((max(1.0, (enough - max(0.0, now)) / growth) for now, growth in growths if growth > 0), default=inf)


def _growth_by_ratio(plan: Plan, traffic: Traffic, share: float) -> float:
    """R·p·[log(1 + w(k − 1)) − w·log k] a window, k = r₁/r₀."""
    k = plan.r1 / plan.r0
    return traffic.last * traffic.rate * (log1p(share * (k - 1)) - share * log(k))


def _growth_by_rate(plan: Plan, traffic: Traffic, share: float) -> float:
    """R·w·d(p ‖ τ) a window while p < τ, d the Bernoulli divergence; R·w·τ where p is far below τ."""
    p, τ = traffic.rate, plan.tolerated_rate
    if p >= τ:
        return 0.0
    divergence = (p * log(p / τ) if p else 0.0) + (1 - p) * (log1p(-p) - log1p(-τ))
    return traffic.last * share * divergence
