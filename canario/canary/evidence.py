"""Evidence by betting on one series: each process starts at 1 and on average does not grow while its null is true.

One window: the canary serves n_c requests of which x_c fail (or are slow, or have a fault), the baseline n_b of which
x_b do; m = x_c + x_b, π = n_c / (n_c + n_b), D(r) = 1 + π(r − 1). By Ville's inequality P(a process ever reaches 1/α)
≤ α under its null, however often one looks.

- *against*: null p_c ≤ r₀·p_b. Bet j adds x_c·log(r_j/r₀) − m·log(D(r_j)/D(r₀)): its exponential has a mean of at most
  exp(n_b·p_b·(1/d − 1) + n_c·p_c·(r_j/(r₀·d) − 1)) ≤ 1, d = D(r_j)/D(r₀), as 1 + x ≤ exp(x). For r₀ = 1 the charge
  m·log D is replaced by the hypergeometric moment (moment.py), which is less: exact given m under p_c = p_b, and for
  p_c < p_b the canary's failures are fewer still.
- *harmful*: null p_c ≤ max(r₀·p_b, τ). Each window adds to bet j the **smaller** of that and of the test of the
  canary's rate against τ with the same stake k on a failure, x_c·log k − n_c·log(1 + τ(k − 1)). In each window one of
  the two is valid, so the smaller is: also where the limit that binds changes from window to window.
- *for_ratio*: null p_c ≥ r₁·p_b. Of the errors: proof.py. Of latency, where exceedances are common and a ratio of the
  odds would be another question: as *against* with D, and ratios below r₁.
- *for_rate*: null p_c ≥ τ, of the canary alone.
- *safe*: null p_c ≥ max(r₁·p_b, τ). Both are valid under it, so their average is. Its weights are set before the
  canary's first request, from what the baseline showed until then.
- *watch*: R ← (R + 1)·exp(ℓ) with the ℓ of *harmful*. R_t − t does not grow on average under the null, so at the
  first time T with R ≥ L: E[T] ≥ E[R_T] ≥ L. Its average run length to a false alarm is at least L windows, and
  P(T ≤ n) ≤ n/L (Shiryaev, Roberts).

With a dispersion φ ≥ 1 every ℓ is divided by it: exp(ℓ/φ) has a mean of at most 1 where exp(ℓ) has (Jensen), and
where failures come in clusters of φ that are routed together it is what one failure a cluster would give.

Sources: Lindon, Sanden, Shirikian, KDD 2022 (arXiv 2205.14762); Shin, Ramdas, Rinaldo, E-detectors, 2022 (2203.03532).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, expm1, inf, log, log1p, sqrt

from canario.canary.bets import (
    LOG_WEIGHTS,
    STEEPER,
    WEIGHTS,
    Sample,
    bet,
    log_rate,
    log_sum,
    log_total,
    reserve,
    stake,
    worth,
)
from canario.canary.guards import Guard
from canario.canary.harm import raised
from canario.canary.moment import log_moments
from canario.canary.observation import Tally
from canario.canary.proof import gains_for, lower_ratios, mixture
from canario.canary.proof import raised as proof_raised

RARER = ((0.01, 0.25), (0.1, 0.25), (0.25, 0.25), (0.5, 0.25))  # × τ, weight
LITTLE = log(0.05)  # the log of a stake that is not worth reckoning with
ROUNDING = 1e-9  # what is enough is not missed by the last digit
LIMIT_RATIOS = (2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 40.0, 100.0, 300.0, 1000.0)  # what the ramp asks about


@dataclass(frozen=True)
class Evidence:
    """What the windows that counted (share above zero) add up to. Its size does not depend on their number."""

    windows: int
    ratio_weight: float  # of for_ratio in safe
    canary: Tally  # totals
    baseline: Tally
    failed: float  # Σ x_c / φ
    served: float  # Σ n_c / φ
    spread: tuple[float, ...]  # Σ m·log D(r) / φ, for the ratios of `spread_ratios`
    against: tuple[float, ...]  # logs of the bets, in the order of STEEPER; likewise the next two
    harmful: tuple[float, ...]
    proof: tuple[float, ...] = ()  # of the errors: the bets of *for_ratio*
    raised: float = 0.0  # Σ log c of proof.py
    watch: tuple[float, ...] = ()  # none before the watch


@dataclass(frozen=True)
class Reading:
    """The logs of the processes: 0 says nothing, log(1/α) is enough."""

    against: float = 0.0
    harmful: float = 0.0
    for_ratio: float = 0.0
    for_rate: float = 0.0
    safe: float = 0.0
    watch: float = -inf


@dataclass(frozen=True)
class Terms:
    """What a window is weighed by, besides its guard; all of it known before the window."""

    horizon: int  # windows that may count
    rate: float  # the baseline's failure rate as it seemed
    enough: float = inf  # log(1/β), until it is proved safe
    harm: float = inf  # the log of the evidence of harm that is enough
    dispersion: float = 1.0
    watching: bool = False


def weigh(before: Evidence | None, guard: Guard, sample: Sample, terms: Terms) -> Evidence:
    """Add one window, in which the canary served something."""
    then, φ = before or _nothing(guard, terms.rate), terms.dispersion
    against, harmful = gains(guard, sample, φ)
    staked = stake(then.windows, terms.horizon)
    begun = bet(then.harmful, staked, [0.0] * len(STEEPER))
    more = _more(then, guard, sample, terms, begun, harmful)
    proof, added = _proof(then, guard, sample, terms)
    return replace(
        then,
        windows=then.windows + 1,
        canary=then.canary + sample.canary,
        baseline=then.baseline + sample.baseline,
        failed=then.failed + sample.canary.errors / φ,
        served=then.served + sample.canary.requests / φ,
        spread=_spread(then.spread, guard, sample, φ),
        against=bet(then.against, staked, against) if then.against else (),
        harmful=tuple([had + gain + more for had, gain in zip(begun, harmful, strict=True)]),
        proof=proof,
        raised=then.raised + added,
        watch=bet(then.watch or (-inf,) * len(STEEPER), 1.0, harmful) if terms.watching else (),
    )


def prepare(guard: Guard, baseline: Tally) -> Evidence:
    """Before the canary has served anything: what the baseline alone shows decides how *safe* is weighted."""
    return _nothing(guard, (baseline.errors + 1) / (baseline.requests + 1 / max(guard.tolerated_rate, 0.001)))


def gains(guard: Guard, sample: Sample, dispersion: float = 1.0) -> tuple[list[float], list[float]]:
    """What one window adds to the bets *against* and *harmful*, for each ratio of STEEPER."""
    (n, x), m, π, τ = (sample.canary.requests, sample.canary.errors), sample.failed, sample.share, guard.rate
    norm = log1p(π * (guard.r0 - 1))
    spreads = [log1p(π * (guard.r0 * f - 1)) - norm for f in STEEPER]
    if guard.r0 == 1:
        charges = log_moments(STEEPER, n, m, n + sample.baseline.requests)
    else:
        charges = [m * each for each in spreads]
    against, harmful = [], []
    for log_f, log_d, charge in zip(LOGS, spreads, charges, strict=True):
        by_ratio, log_k = x * log_f - charge, log_f - log_d
        by_rate = x * log_k - n * log1p(τ * expm1(log_k)) if τ else inf
        against.append(by_ratio / dispersion)
        harmful.append(min(by_ratio, by_rate) / dispersion)
    return against, harmful


def read(guard: Guard, evidence: Evidence | None, horizon: int) -> Reading:
    """The processes now; all say nothing before the first window that counts."""
    if evidence is None or not evidence.windows:
        return Reading()
    rest = reserve(evidence.windows - 1, horizon)
    harmful = worth(evidence.harmful, rest)
    against = worth(evidence.against, rest) if evidence.against else harmful
    watch = log_sum(*zip(WEIGHTS, evidence.watch, strict=True)) if evidence.watch else -inf
    if guard.kind in ("limit", "faults"):
        return Reading(against=against, harmful=harmful, watch=watch)
    for_ratio, for_rate = _for_ratio(guard, evidence), _for_rate(guard, evidence)
    safe = log_sum((evidence.ratio_weight, for_ratio), (1 - evidence.ratio_weight, for_rate))
    return Reading(against, harmful, for_ratio, for_rate, safe, watch)


def below_ratios(guard: Guard, evidence: Evidence) -> dict[float, float]:
    """For each limit of LIMIT_RATIOS above r₀: the log evidence that the ratio is below it."""
    spread = _by_ratio(guard, evidence)
    return {
        limit: log_sum(*((0.5, _log_ratio(spread, evidence, r, limit)) for r in _lower(guard.r0, limit)))
        for limit in LIMIT_RATIOS
        if limit > guard.r0
    }


def below_rate(evidence: Evidence, limit: float) -> float:
    """The log evidence that the canary's failure rate is below `limit`, which is below 1."""
    odds = (log_rate(evidence.failed, evidence.served, limit * f, limit) for f in (0.05, 0.5))
    return log_sum(*((0.5, each) for each in odds))


@lru_cache(maxsize=64)
def spread_ratios(guard: Guard) -> tuple[float, ...]:
    """The ratios whose Σ m·log D(r) is kept, rising: of the errors for the ramp, of latency for *for_ratio*."""
    if guard.kind == "errors":
        limits = [limit for limit in LIMIT_RATIOS if limit > guard.r0]
        return tuple(sorted({*limits, *(r for limit in limits for r in _lower(guard.r0, limit))}))
    if guard.kind == "latency":
        return tuple(sorted({guard.r1, *(ratio for ratio, _ in lower_ratios(guard))}))
    return ()


def bets_against(guard: Guard) -> int:
    """How many bets *against* are kept: none where *harmful* is all that anybody reads."""
    return len(STEEPER) if guard.kind == "errors" else 0


def bets_for(guard: Guard) -> int:
    """How many bets of *for_ratio* are kept."""
    return len(lower_ratios(guard)) if guard.kind == "errors" else 0


LOGS = tuple(log(f) for f in STEEPER)


def _nothing(guard: Guard, rate: float) -> Evidence:
    powers = rate**6, guard.tolerated_rate**6
    weight = min(max(powers[0] / sum(powers), 0.03), 0.97) if guard.tolerated_rate else 1.0
    return Evidence(
        windows=0,
        ratio_weight=weight,
        canary=Tally(0, 0),
        baseline=Tally(0, 0),
        failed=0.0,
        served=0.0,
        spread=(0.0,) * len(spread_ratios(guard)),
        against=(-inf,) * bets_against(guard),
        harmful=(-inf,) * len(STEEPER),
        proof=(0.0,) * bets_for(guard),
    )


def _more(
    then: Evidence, guard: Guard, sample: Sample, terms: Terms, begun: Sequence[float], gained: Sequence[float]
) -> float:
    """What is added to the bets *harmful* because nothing above what is enough is paid out."""
    if terms.dispersion > 1 or guard.r0 != 1 or terms.harm == inf:
        return 0.0
    cap = terms.harm + ROUNDING + log1p(-reserve(then.windows, terms.horizon) * exp(-terms.harm))
    bets = [had + weight for had, weight in zip(begun, LOG_WEIGHTS, strict=True)]
    if not LITTLE < log_total(bets) < cap:
        return 0.0
    after = log_total([had + gain for had, gain in zip(bets, gained, strict=True)])
    return min(raised(bets, sample, guard.rate, cap), cap - after)


def _proof(then: Evidence, guard: Guard, sample: Sample, terms: Terms) -> tuple[tuple[float, ...], float]:
    """The bets of *for_ratio* after the window, and what is added because nothing above what is enough is paid out."""
    if not then.proof:
        return (), 0.0
    gained = gains_for(guard, sample, terms.dispersion)
    after = tuple([had + gain for had, gain in zip(then.proof, gained, strict=True)])
    if terms.dispersion > 1 or terms.enough == inf or not sample.failed:
        return after, 0.0
    cap = terms.enough + ROUNDING - log(then.ratio_weight) - mixture(guard, then.proof) - then.raised
    return after, proof_raised(guard, then.proof, after, sample, cap)


def _spread(before: tuple[float, ...], guard: Guard, sample: Sample, φ: float) -> tuple[float, ...]:
    m, π = sample.failed / φ, sample.share
    if not m:
        return before
    return tuple([had + m * log1p(π * (r - 1)) for had, r in zip(before, spread_ratios(guard), strict=True)])


def _by_ratio(guard: Guard, evidence: Evidence) -> dict[float, float]:
    return dict(zip(spread_ratios(guard), evidence.spread, strict=True))


def _for_ratio(guard: Guard, evidence: Evidence) -> float:
    if evidence.proof:
        return mixture(guard, evidence.proof) + evidence.raised
    spread = _by_ratio(guard, evidence)
    return log_sum(*((w, _log_ratio(spread, evidence, r, guard.r1)) for r, w in lower_ratios(guard)))


def _for_rate(guard: Guard, evidence: Evidence) -> float:
    τ = guard.tolerated_rate
    if not τ:
        return 0.0
    return log_sum(*((weight, log_rate(evidence.failed, evidence.served, f * τ, τ)) for f, weight in RARER))


def _log_ratio(spread: Mapping[float, float], evidence: Evidence, ratio: float, null: float) -> float:
    return evidence.failed * log(ratio / null) - spread[ratio] + spread[null]


def _lower(r0: float, limit: float) -> tuple[float, float]:
    return r0, sqrt(r0 * limit)
