"""What a plan would have decided on a record: every window as it was, the decision that Canario would have taken.

The past does not answer to a share that nobody set. So every window is weighed with the share that the record says was
in force in it, and the decision says what Canario would have done **from there**: its evidence is the record's, its
shares are not lived. `notes` says so, and what follows from it.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from canario.canary.history import Decided
from canario.canary.observation import Counts, Observation
from canario.canary.plan import Plan
from canario.canary.recording import Recording
from canario.canary.rollout import decide, start
from canario.canary.state import Rollout
from canario.canary.words import percent, several

FASTER = 1.5  # times Canario's own share: from here on the record is said to have gone faster


@dataclass(frozen=True)
class Replay:
    """The windows as far as an outcome, and those of the record that come after it."""

    plan: Plan
    decided: tuple[Decided, ...]
    rollout: Rollout
    rest: tuple[Observation, ...]
    notes: tuple[str, ...]


def replay(plan: Plan, record: Recording) -> Replay:
    """Raises InvalidInput when the record does not fit the plan's latency edges."""
    rollout, found = start(plan), []
    observations = _with_a_canary(record.observations)
    for observation in observations:
        if rollout.outcome is not None:
            break
        if observation.share > 0:
            rollout = replace(rollout, share=observation.share)
        rollout, decision = decide(rollout, observation)
        found.append(Decided(observation, decision))
    rest = record.observations[len(found) :]
    return Replay(plan, tuple(found), rollout, rest, tuple(_notes(plan, record, found, rollout, rest)))


def _with_a_canary(observations: Sequence[Observation]) -> Sequence[Observation]:
    """As far as the last window in which the canary had a share: after it, there is nothing to decide."""
    last = max((n for n, each in enumerate(observations) if each.share > 0), default=len(observations) - 1)
    return observations[: last + 1]


def _notes(
    plan: Plan, record: Recording, found: Sequence[Decided], rollout: Rollout, rest: Sequence[Observation]
) -> list[str]:
    notes = [_of_shares(record), *_of_speed(found), *_of_windows(plan, record), _of_the_end(found, rollout)]
    return notes + (_of_the_rest(found[-1], rest) if rollout.outcome and rest else [])


def _of_shares(record: Recording) -> str:
    origin = "as it says" if record.shares == "recorded" else "as its requests show, for it does not say"
    return (
        f"The shares are those of the record ({origin}), not those that Canario would have set: each decision says "
        "what Canario would have done from that share on, with the evidence that the record's traffic gave."
    )


def _of_speed(found: Sequence[Decided]) -> list[str]:
    """Where the record's share ran ahead of what Canario had allowed in the window before."""
    ahead = [
        (before.decision.share, now.observation)
        for before, now in itertools.pairwise(found)
        if now.observation.share > FASTER * before.decision.share
    ]
    if not ahead:
        return []
    allowed, first = ahead[0]
    return [
        f"In {several(len(ahead), 'window')} the record's share was above what Canario would have allowed (first at "
        f"{first.start.isoformat()}: {percent(first.share)}, allowed {percent(allowed)}). There the record shows "
        "evidence that Canario, at its smaller share, would have had later, and failures that it would not have risked."
    ]


def _of_windows(plan: Plan, record: Recording) -> list[str]:
    if record.window_seconds == plan.window_seconds:
        return []
    return [
        f"The record's windows are {record.window_seconds:g} s, the plan's {plan.window_seconds:g} s: there is one "
        "decision a window of the record, and the deadline is counted in the plan's."
    ]


def _of_the_end(found: Sequence[Decided], rollout: Rollout) -> str:
    if not found:
        return "The record has no window."
    last = found[-1]
    at = last.observation.end.isoformat()
    reason = last.decision.reason
    if rollout.outcome is not None:
        return f"Outcome: {rollout.outcome} by the window that ended at {at}. {reason}"
    safe = next((each for each in found if each.decision.evidence.get("safe", 0.0) >= 1 / rollout.plan.beta), None)
    if safe is None:
        return f"No outcome by the end of the record, {at}. {reason}"
    return (
        f"No outcome by the end of the record, {at}, but the canary was proved safe by the window that ended at "
        f"{safe.observation.end.isoformat()}: from there Canario would have gone on to promote it. {reason}"
    )


def _of_the_rest(last: Decided, rest: Sequence[Observation]) -> list[str]:
    """What came after the outcome: for a rollback, the failures that it would have spared, at most."""
    canary = _total([each.canary for each in rest])
    baseline = _total([each.baseline for each in rest])
    if canary.requests == 0:
        return []
    note = (
        f"After that the record goes on for {several(len(rest), 'window')}, in which the canary failed "
        f"{canary.errors:,} of {several(canary.requests, 'request')}"
    )
    rate = baseline.errors / baseline.requests if baseline.requests else None
    if last.decision.kind == "rollback" and rate is not None:
        extra = canary.errors - rate * canary.requests
        note += f", about {max(0, round(extra)):,} more than at the baseline's {percent(rate)}"
    return [f"{note}."]


def _total(counts: Sequence[Counts | None]) -> Counts:
    known = [each for each in counts if each is not None]
    return Counts(sum(each.requests for each in known), sum(each.errors for each in known))
