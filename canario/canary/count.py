"""One window counted and weighed: what a rollout knows after it, before anything is decided."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from math import inf, log

from canario.canary.bets import Sample
from canario.canary.combined import Combined, Weighed, part, prepare_guard, weigh_guard
from canario.canary.evidence import Terms
from canario.canary.observation import Counts, Observation, Tally
from canario.canary.pods import MOST_SUSPECTS, Ill, LeftOut, Pods, still_ill, weigh_pods, worst_pod
from canario.canary.series import alone, groups, samples
from canario.canary.state import Rollout, utc

IN_FORCE = 0.8  # of the share decided; integer weights come closer than that


def count(rollout: Rollout, observation: Observation) -> Rollout:
    """The rollout with the window counted and, where it is evidence, weighed."""
    start, end = utc(observation.start), utc(observation.end)
    seen = replace(
        rollout,
        windows=rollout.windows + 1,
        began=rollout.began or start,
        last_start=start,
        last_end=end,
        absent=_absent(rollout, observation, start),
    )
    canary, baseline = observation.canary, observation.baseline
    if observation.absent or baseline is None:
        return seen
    served = canary.requests if canary else 0
    traffic = rollout.traffic.then(baseline.requests, baseline.errors, baseline.requests + served)
    seen = replace(seen, traffic=traffic, dwell=rollout.dwell + _dwelt(rollout, observation, baseline))
    seen = _weighed(rollout, seen, observation, baseline)
    if canary is None or not served or observation.share <= 0:
        return seen
    split = rollout.split.then(observation.share, Sample(_tally(canary), _tally(baseline)))
    return replace(seen, split=split, pods=_pods(seen, observation, canary), left_out=_left_out(rollout, seen, canary))


def in_force(rollout: Rollout, window: Observation) -> bool:
    """The canary really had the share that was decided, and requests."""
    served = window.canary.requests if window.canary else 0
    return rollout.share > 0 and served > 0 and window.share >= IN_FORCE * rollout.share


def suspect(seen: Rollout, observation: Observation, reading: Combined) -> str | None:
    """A pod to name: it stands out beyond chance, or enough to doubt evidence that would end the rollout."""
    if len(seen.suspects) >= MOST_SUSPECTS or not observation.canary or not observation.canary.pods:
        return None
    name, found = worst_pod(seen.pods, seen.plan.deadline_windows)
    doubted = reading.harmful >= log(1 / seen.plan.alpha) and found >= log(1 / seen.plan.beta)
    return name if doubted or found >= log(1 / seen.plan.alpha) else None


def leave_out(seen: Rollout, pod: str, found: Tally) -> Rollout:
    """Judge the release by its other pods, from now on. `found`: what the pod did in the window.

    The evidence begins anew, both ways. A rollout that is ended after that has had its first evidence reach 1/α, and
    then the second: while nothing is wrong with the release α still holds. β holds for each of the two.
    """
    guards = tuple(each.begun_anew() for each in seen.guards)
    ill = Ill.named(found, _usual(seen))
    return replace(seen, guards=guards, pods={}, suspects=(*seen.suspects, pod), left_out={**seen.left_out, pod: ill})


def _absent(rollout: Rollout, observation: Observation, start: datetime) -> Mapping[str, datetime]:
    return {name: rollout.absent.get(name, start) for name in observation.absent_series(rollout.plan)}


def _dwelt(rollout: Rollout, observation: Observation, baseline: Counts) -> bool:
    """The window counts for the time at this share; without a share, if the baseline showed something."""
    if rollout.share == 0:
        return baseline.requests > 0
    return in_force(rollout, observation) and not observation.same_code


def _weighed(rollout: Rollout, seen: Rollout, observation: Observation, baseline: Counts) -> Rollout:
    return replace(seen, guards=tuple(_guard(n, rollout, seen, observation, baseline) for n in range(len(seen.guards))))


def _guard(n: int, rollout: Rollout, seen: Rollout, observation: Observation, baseline: Counts) -> Weighed:
    plan, before, canary = seen.plan, seen.guards[n], observation.canary
    guard = plan.watched[n]
    pairs: tuple[Sample | None, ...] = (None,) * guard.series
    if canary and canary.requests:
        pairs = samples(plan, guard, canary, baseline, tuple(seen.left_out))
    noise = before.noise
    for each in groups(guard, observation, pairs):
        noise = noise.then(each)
    before = replace(before, noise=noise)
    if observation.same_code:
        return before
    if observation.share <= 0:
        return prepare_guard(before, guard, alone(plan, guard, baseline)) if guard.kind == "latency" else before
    rate = rollout.traffic.expected_rate(guard.tolerated_rate)
    enough = inf if before.proved or not guard.proves else log(1 / plan.beta)
    harm = log(1 / plan.alpha) - log(part(plan, guard))
    terms = Terms(plan.deadline_windows, rate, enough, harm, watching=rollout.watching)
    return weigh_guard(before, guard, pairs, terms)


def _pods(seen: Rollout, observation: Observation, canary: Counts) -> Pods:
    if observation.same_code or not canary.pods:
        return seen.pods
    left = {name: each for name, each in canary.pods.items() if name not in seen.left_out}
    guard = seen.plan.watched[seen.plan.ramp_guard]
    return weigh_pods(seen.pods, guard, left, seen.plan.deadline_windows, seen.dispersion)


def _left_out(rollout: Rollout, seen: Rollout, canary: Counts) -> LeftOut:
    return still_ill(seen.left_out, canary.pods, _usual(rollout), seen.dispersion, seen.plan.beta)


def _usual(rollout: Rollout) -> float:
    return rollout.traffic.expected_rate(rollout.plan.watched[rollout.plan.ramp_guard].tolerated_rate)


def _tally(counts: Counts) -> Tally:
    return Tally(counts.requests, counts.errors)
