"""Which numbers of an observation a guard is about."""

from math import sqrt

from canario.canary.bets import Sample
from canario.canary.guards import Guard
from canario.canary.observation import Counts, Observation, Tally
from canario.canary.plan import Plan
from canario.canary.pods import without

OUTSIDE = 3.0  # standard deviations above a limit that put the baseline outside of it


def samples(
    plan: Plan, guard: Guard, canary: Counts, baseline: Counts, left_out: tuple[str, ...] = ()
) -> tuple[Sample | None, ...]:
    """The guard's series in one window; None where a series says nothing about the canary.

    `left_out`: pods of the canary that are suspected. Errors are counted without them; latency and X-Ray cannot be, so
    they say nothing while such a pod is still there.
    """
    spoilt = any(name in canary.pods for name in left_out)
    if guard.edges:
        if spoilt or canary.slower is None or baseline.slower is None:
            return (None,) * len(guard.edges)
        at = [plan.edges.index(edge) for edge in guard.edges]
        pairs = [(_slower(canary, n), _slower(baseline, n)) for n in at]
    elif guard.kind == "faults":
        pairs = [(Tally(0, 0) if spoilt else canary.sampled or Tally(0, 0), baseline.sampled or Tally(0, 0))]
        pairs = pairs if baseline.sampled else [(Tally(0, 0), Tally(0, 0))]
    elif canary.once and baseline.once and not spoilt:
        pairs = [(canary.once, baseline.once)]
    else:
        seen = Tally(canary.requests, canary.errors)
        pairs = [(without(seen, canary.pods, left_out), Tally(baseline.requests, baseline.errors))]
    return tuple(Sample(*pair) if pair[0].requests else None for pair in pairs)


def alone(plan: Plan, guard: Guard, baseline: Counts) -> tuple[Tally, ...]:
    """The baseline's part of a latency guard's series; none where it is absent."""
    if baseline.slower is None:
        return ()
    return tuple(_slower(baseline, plan.edges.index(edge)) for edge in guard.edges)


def groups(guard: Guard, observation: Observation, pairs: tuple[Sample | None, ...]) -> list[list[Tally]]:
    """Requests that run the same code, by what only routing decides: both nodes of an A/A phase, or a node's pods."""
    if observation.same_code:
        return [list(pair) for pair in pairs if pair]
    baseline = observation.baseline
    if baseline is None or guard.edges or guard.kind == "faults" or baseline.once:
        return []
    return [list(baseline.pods.values())]


def outside(plan: Plan, guard: Guard, observation: Observation) -> bool:
    """The baseline itself is outside the limit in this window, beyond chance: an incident."""
    baseline = observation.baseline
    if guard.most is None or baseline is None or (guard.edges and baseline.slower is None):
        return False
    bad = baseline.errors if not guard.edges else _slower(baseline, plan.edges.index(guard.edges[0])).errors
    most = guard.most * baseline.requests
    return bad > most + OUTSIDE * sqrt(most * (1 - guard.most)) and bad > 2


def _slower(counts: Counts, at: int) -> Tally:
    return Tally(counts.requests, (counts.slower or ())[at])
