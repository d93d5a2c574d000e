"""How long the evidence for a canary as good as the baseline will still take, and from which share it grows fastest.

With R requests a window, p the failure rate, w the share and k = r₁ / r₀, the logs of the two processes of *safe*
grow by about

    R·p·[log(1 + w(k − 1)) − w·log k]      and, where p < τ,      R·w·d(p ‖ τ)

a window (d the Bernoulli divergence, τ where p is far below it), divided by the dispersion; the first to grow by
log(4/β) is enough. Of several guards, and of a guard's edges, the slowest counts.
"""

from math import inf, log, log1p

from canario.canary.combined import Combined
from canario.canary.evidence import Evidence, Reading
from canario.canary.guards import Guard
from canario.canary.state import Rollout


def windows_needed(rollout: Rollout, reading: Combined, share: float) -> float:
    """About how many more windows at this share; inf: never at this traffic."""
    return max(1.0, _needed(rollout, reading, share))


def best_share(rollout: Rollout, reading: Combined) -> float:
    """The share at which the evidence for the canary is there soonest, within the plan."""
    guard, largest = rollout.plan.watched[rollout.plan.ramp_guard], rollout.plan.largest_share
    k = guard.r1 / guard.r0
    by_ratio = min(1 / log(k) - 1 / (k - 1), largest)  # where its growth is largest; below 1/2
    return by_ratio if _needed(rollout, reading, by_ratio) <= _needed(rollout, reading, largest) else largest


def _needed(rollout: Rollout, reading: Combined, share: float) -> float:
    plan, slowest = rollout.plan, 0.0
    for guard, weighed, readings in zip(plan.watched, rollout.guards, reading.series, strict=True):
        if not guard.proves or weighed.proved:
            continue
        requests = rollout.traffic.last / weighed.noise.dispersion
        for evidence, each in zip(weighed.series, readings, strict=True):
            rate = _rate(rollout, guard, evidence)
            slowest = max(slowest, _of_series(guard, each, requests, rate, share, log(4 / plan.beta)))
    return slowest


def _of_series(guard: Guard, reading: Reading, requests: float, p: float, share: float, enough: float) -> float:
    k, τ = guard.r1 / guard.r0, guard.tolerated_rate
    by_ratio = requests * p * (log1p(share * (k - 1)) - share * log(k))
    needed = _windows(enough - reading.for_ratio, by_ratio)
    if p >= τ:
        return needed
    divergence = (p * log(p / τ) if p else 0.0) + (1 - p) * (log1p(-p) - log1p(-τ))
    return min(needed, _windows(enough - reading.for_rate, requests * share * divergence))


def _windows(lacking: float, growth: float) -> float:
    return max(0.0, lacking / growth) if growth > 0 else inf


def _rate(rollout: Rollout, guard: Guard, evidence: Evidence | None) -> float:
    """The rate to reckon with: the baseline's, or the canary's where that has been larger."""
    if guard.kind == "errors":
        known = rollout.traffic.rate
    elif evidence is None or not evidence.baseline.requests:
        return 1.0  # not known yet; the least that it can cost
    else:
        known = evidence.baseline.errors / evidence.baseline.requests
    canary = evidence.canary if evidence else None
    return max(known, canary.errors / canary.requests if canary and canary.requests else 0.0)
