"""How long the evidence for a canary as good as the baseline will still take, and from which share it grows fastest.

With R requests a window, p the failure rate, w the share and k = r₁ / r₀, the logs of the two processes of *safe*
grow by about

    R·p·[log(1 + w(k − 1)) − w·log k]      and, where p < τ,      R·w·d(p ‖ τ)

a window (d the Bernoulli divergence, τ where p is far below it), and the first to grow by log(4/β) is enough.
"""

from math import inf, log, log1p

from canario.canary.evidence import Reading
from canario.canary.state import Rollout


def windows_needed(rollout: Rollout, reading: Reading, share: float) -> float:
    """About how many more windows at this share; inf: never at this traffic."""
    return min(_by_ratio(rollout, reading, share), _by_rate(rollout, reading, share))


def best_share(rollout: Rollout, reading: Reading) -> float:
    """The share at which the evidence for the canary is there soonest, within the plan."""
    k, largest = rollout.plan.r1 / rollout.plan.r0, rollout.plan.largest_share
    by_ratio = min(1 / log(k) - 1 / (k - 1), largest)  # where its growth is largest; below 1/2
    sooner = _by_ratio(rollout, reading, by_ratio) <= _by_rate(rollout, reading, largest)
    return by_ratio if sooner else largest


def _by_ratio(rollout: Rollout, reading: Reading, share: float) -> float:
    k = rollout.plan.r1 / rollout.plan.r0
    growth = rollout.traffic.last * _rate(rollout) * (log1p(share * (k - 1)) - share * log(k))
    return _windows(rollout, reading.for_ratio, growth)


def _by_rate(rollout: Rollout, reading: Reading, share: float) -> float:
    p, τ = _rate(rollout), rollout.plan.tolerated_rate
    if p >= τ:
        return inf
    divergence = (p * log(p / τ) if p else 0.0) + (1 - p) * (log1p(-p) - log1p(-τ))
    return _windows(rollout, reading.for_rate, rollout.traffic.last * share * divergence)


def _windows(rollout: Rollout, now: float, growth: float) -> float:
    return max(1.0, (log(4 / rollout.plan.beta) - now) / growth) if growth > 0 else inf


def _rate(rollout: Rollout) -> float:
    """The failure rate to reckon with: the baseline's, or the canary's where that has been larger."""
    canary = rollout.evidence.canary if rollout.evidence else None
    return max(rollout.traffic.rate, canary.errors / canary.requests if canary else 0.0)
