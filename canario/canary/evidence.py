"""Evidence by betting: each process here starts at 1 and on average does not grow while its null is true.

One window: the canary serves n_c requests of which x_c fail, the baseline n_b of which x_b fail; m = x_c + x_b,
π = n_c / (n_c + n_b), D(r) = 1 + π(r − 1). With r a ratio of the failure rates, q a failure rate of the canary:

    ℓ(r; r') = x_c·log(r / r') − m·log(D(r) / D(r'))                       against the null "the ratio is r'"
    ℓ(q; q') = x_c·log(q / q') + (n_c − x_c)·log((1 − q) / (1 − q'))       against the null "the rate is q'"

By Ville's inequality P(a process ever reaches 1/α) ≤ α under its null, however often one looks.

- *against*: null ratio ≤ r₀. *against_rate*: null rate ≤ τ. Means over ten bets.
- *harmful*: null p_c ≤ max(r₀·p_b, τ). Each window adds to bet j the **smaller** of ℓ(r_j; r₀) and ℓ(q_j; τ), so it
  holds also where the limit that binds changes from window to window; the smaller of the two whole processes would
  not. q_j is set before the window, from the baseline's earlier rate: the rate that r_j would mean.
- *safe*: null p_c ≥ max(r₁·p_b, τ). Both *for_ratio* and *for_rate* are valid under it, so their average is. Its
  weights are set before the canary's first request, from what the baseline showed until then.

The bets against begin anew whenever the regression may have (bets.stake). Since Σ_s u_s·exp(Σ_{k ≥ s} ℓ_k) is the
recursion A ← (A + u)·exp(ℓ), any number of starts costs one number a bet. The bets for the canary have one start,
so that they are functions of sums.

Source: Lindon, Sanden, Shirikian, KDD 2022 (arXiv 2205.14762), with the mixtures of docs/canary.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf, log, log1p, sqrt

from canario.canary.bets import STEEPER, bet, gains, log_rate, log_sum, mean_with_reserve, real_share, reserve, stake
from canario.canary.observation import Counts, Tally
from canario.canary.plan import Plan

GENTLER = ((1.25, 0.25), (1.0, 0.4), (0.8, 0.25), (0.5, 0.1))  # × r₀, weight: most on a canary like the baseline
RARER = ((0.01, 0.25), (0.1, 0.25), (0.25, 0.25), (0.5, 0.25))  # × τ, weight
LIMIT_RATIOS = (2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 40.0, 100.0, 300.0, 1000.0)  # what the ramp asks about


@dataclass(frozen=True)
class Evidence:
    """What the windows that counted (share above zero) add up to. Its size does not depend on their number."""

    windows: int
    changes: int  # how many of them began with another share than the one before
    share: float  # in force in the last of them
    ratio_weight: float  # of for_ratio in safe
    canary: Tally  # totals
    baseline: Tally
    spread: tuple[float, ...]  # Σ m·log D(r), for the ratios of `spread_ratios`
    against: tuple[float, ...]  # logs of the bets, in the order of STEEPER; likewise the next two
    harmful: tuple[float, ...]


@dataclass(frozen=True)
class Reading:
    """The logs of the six processes: 0 says nothing, log(1/α) is enough."""

    against: float = 0.0
    harmful: float = 0.0
    for_ratio: float = 0.0
    for_rate: float = 0.0
    safe: float = 0.0


def weigh(
    before: Evidence | None, plan: Plan, share: float, canary: Counts, baseline: Counts, rate: float
) -> Evidence | None:
    """Add one window. `rate`: the baseline's failure rate as it seemed before the window.

    A window in which the canary served nothing says nothing, and changes nothing.
    """
    if share <= 0 or canary.requests == 0:
        return before
    then = before or _nothing(plan, share, rate)
    changed = share != then.share
    staked = stake(then.windows, then.changes + 1 if changed else 0)
    against, harmful = gains(plan, canary, baseline)
    return replace(
        then,
        windows=then.windows + 1,
        changes=then.changes + changed,
        share=share,
        canary=then.canary + Tally(canary.requests, canary.errors),
        baseline=then.baseline + Tally(baseline.requests, baseline.errors),
        spread=tuple(a + b for a, b in zip(then.spread, _spread(plan, canary, baseline), strict=True)),
        against=bet(then.against, staked, against),
        harmful=bet(then.harmful, staked, harmful),
    )


def read(plan: Plan, evidence: Evidence | None) -> Reading:
    """The processes now; all say nothing before the first window that counts."""
    if evidence is None:
        return Reading()
    rest = reserve(evidence.windows - 1, evidence.changes)
    for_ratio, for_rate = _for_ratio(plan, evidence), _for_rate(plan, evidence)
    return Reading(
        against=mean_with_reserve(evidence.against, rest),
        harmful=mean_with_reserve(evidence.harmful, rest),
        for_ratio=for_ratio,
        for_rate=for_rate,
        safe=log_sum((evidence.ratio_weight, for_ratio), (1 - evidence.ratio_weight, for_rate)),
    )


def below_ratios(plan: Plan, evidence: Evidence) -> dict[float, float]:
    """For each limit of LIMIT_RATIOS above r₀: the log evidence that the ratio is below it."""
    spread = _by_ratio(plan, evidence)
    return {
        limit: log_sum(*((0.5, _log_ratio(spread, evidence, r, limit)) for r in _lower(plan.r0, limit)))
        for limit in LIMIT_RATIOS
        if limit > plan.r0
    }


def below_rate(evidence: Evidence, limit: float) -> float:
    """The log evidence that the canary's failure rate is below `limit`, which is below 1."""
    return log_sum(*((0.5, log_rate(evidence.canary, limit * f, limit)) for f in (0.05, 0.5)))


@lru_cache(maxsize=32)
def spread_ratios(r0: float, r1: float) -> tuple[float, ...]:
    """The ratios whose Σ m·log D(r) is kept: what the evidence for the canary needs, rising."""
    limits = [limit for limit in LIMIT_RATIOS if limit > r0]
    lower = [r for limit in limits for r in _lower(r0, limit)]
    return tuple(sorted({r1, *(r0 * f for f, _ in GENTLER), *limits, *lower}))


def _nothing(plan: Plan, share: float, rate: float) -> Evidence:
    zeros, no_bets = Tally(0, 0), (-inf,) * len(STEEPER)
    squares = rate**2, plan.tolerated_rate**2
    weight = min(max(squares[0] / sum(squares), 0.05), 0.95) if squares[1] else 1.0
    return Evidence(
        windows=0,
        changes=0,
        share=share,
        ratio_weight=weight,
        canary=zeros,
        baseline=zeros,
        spread=(0.0,) * len(spread_ratios(plan.r0, plan.r1)),
        against=no_bets,
        harmful=no_bets,
    )


def _spread(plan: Plan, canary: Counts, baseline: Counts) -> list[float]:
    m, π = canary.errors + baseline.errors, real_share(canary, baseline)
    return [m * log1p(π * (r - 1)) for r in spread_ratios(plan.r0, plan.r1)]


def _by_ratio(plan: Plan, evidence: Evidence) -> dict[float, float]:
    return dict(zip(spread_ratios(plan.r0, plan.r1), evidence.spread, strict=True))


def _for_ratio(plan: Plan, evidence: Evidence) -> float:
    spread = _by_ratio(plan, evidence)
    lower = [(plan.r0 * f, weight) for f, weight in GENTLER if plan.r0 * f < plan.r1]
    total = sum(weight for _, weight in lower)
    return log_sum(*((weight / total, _log_ratio(spread, evidence, r, plan.r1)) for r, weight in lower))


def _for_rate(plan: Plan, evidence: Evidence) -> float:
    τ = plan.tolerated_rate
    return log_sum(*((weight, log_rate(evidence.canary, f * τ, τ)) for f, weight in RARER)) if τ else 0.0


def _log_ratio(spread: Mapping[float, float], evidence: Evidence, ratio: float, null: float) -> float:
    return evidence.canary.errors * log(ratio / null) - spread[ratio] + spread[null]


def _lower(r0: float, limit: float) -> tuple[float, float]:
    return r0, sqrt(r0 * limit)
