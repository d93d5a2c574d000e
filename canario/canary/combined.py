"""All guards of a plan together.

**Against the canary** the guards' evidence is averaged by weight, and a guard's own is the mean over its edges. While
the canary is not harmful by any of them each is valid, so the average is, however they depend on each other; the
largest would not be.

**For the canary** every guard that has a say must be proved: under the null "by one of them it is not safe" that one is
valid, so the smallest is. A proof once reached stays, each guard's for itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf, log

from canario.canary.bets import Sample, log_sum
from canario.canary.evidence import Evidence, Reading, Terms, prepare, read, weigh
from canario.canary.guards import Guard
from canario.canary.noise import Noise
from canario.canary.observation import Tally
from canario.canary.plan import Plan


@dataclass(frozen=True)
class Weighed:
    """One guard's evidence: one a series, None before the first window that counted."""

    series: tuple[Evidence | None, ...]
    noise: Noise = field(default_factory=Noise)
    proved: bool = False  # safe by this guard, once

    def begun_anew(self) -> "Weighed":
        """Without what was seen of the nodes; the noise stays, and a proof that is in."""
        return replace(self, series=(None,) * len(self.series))


@dataclass(frozen=True)
class GuardReading:
    """The logs of one guard's processes."""

    harmful: float
    safe: float
    watch: float


@dataclass(frozen=True)
class Combined:
    """All readings: of the guard that the ramp goes by, of each guard, and of all together."""

    ramp: Reading
    guards: tuple[GuardReading, ...]
    series: tuple[tuple[Reading, ...], ...]  # each guard's
    harmful: float
    safe: float
    watch: float


def nothing(plan: Plan) -> tuple[Weighed, ...]:
    return tuple(Weighed((None,) * guard.series) for guard in plan.watched)


def part(plan: Plan, guard: Guard) -> float:
    """Of one series of the guard in the evidence of harm; a muted guard's as if it were heard alone."""
    heard = sum(each.weight for each in plan.watched if not each.muted)
    return (1.0 if guard.muted else guard.weight / heard) / guard.series


def weigh_guard(before: Weighed, guard: Guard, samples: Sequence[Sample | None], terms: Terms) -> Weighed:
    """Add one window in which the canary had a share; a series without requests on it stays as it is."""
    terms = replace(terms, dispersion=before.noise.dispersion)
    pairs = zip(before.series, samples, strict=True)
    return replace(before, series=tuple(weigh(had, guard, each, terms) if each else had for had, each in pairs))


def prepare_guard(before: Weighed, guard: Guard, baselines: Sequence[Tally]) -> Weighed:
    """Add one window in which the canary had no share."""
    if not baselines:
        return before
    pairs = zip(before.series, baselines, strict=True)
    return replace(before, series=tuple(prepare(guard, b) if not had or not had.windows else had for had, b in pairs))


def read_all(plan: Plan, weighed: Sequence[Weighed]) -> Combined:
    """The processes of every guard now."""
    horizon = plan.deadline_windows
    series = tuple(
        tuple([read(guard, evidence, horizon) for evidence in each.series])
        for guard, each in zip(plan.watched, weighed, strict=True)
    )
    guards = tuple(_guard(each) for each in series)
    heard = [(guard.weight, found) for guard, found in zip(plan.watched, guards, strict=True) if not guard.muted]
    weights = sum(weight for weight, _ in heard)
    return Combined(
        ramp=series[plan.ramp_guard][0],
        guards=guards,
        series=series,
        harmful=log_sum(*((weight / weights, found.harmful) for weight, found in heard)),
        safe=_lacking(plan, weighed, guards),
        watch=_mean([(weight / weights, found.watch) for weight, found in heard]),
    )


def prove(plan: Plan, weighed: Sequence[Weighed], reading: Combined) -> tuple[Weighed, ...]:
    """With the proofs that are in now."""
    enough = log(1 / plan.beta)
    return tuple(
        replace(each, proved=each.proved or (guard.proves and found.safe >= enough))
        for guard, each, found in zip(plan.watched, weighed, reading.guards, strict=True)
    )


def proved(plan: Plan, weighed: Sequence[Weighed]) -> bool:
    """Every guard that has a say is."""
    return all(each.proved for guard, each in zip(plan.watched, weighed, strict=True) if guard.proves)


def _guard(series: Sequence[Reading]) -> GuardReading:
    part = 1 / len(series)
    return GuardReading(
        harmful=log_sum(*((part, each.harmful) for each in series)),
        safe=min(each.safe for each in series),
        watch=_mean([(part, each.watch) for each in series]),
    )


def _lacking(plan: Plan, weighed: Sequence[Weighed], guards: Sequence[GuardReading]) -> float:
    """The smallest of the guards that are not proved yet; of all, once all are."""
    known = list(zip(plan.watched, weighed, guards, strict=True))
    left = [found.safe for guard, each, found in known if guard.proves and not each.proved]
    return min(left or [found.safe for guard, _, found in known if guard.proves])


def _mean(terms: Sequence[tuple[float, float]]) -> float:
    """As log_sum, of terms of which all may be nothing."""
    return log_sum(*terms) if any(value > -inf for _, value in terms) else -inf
