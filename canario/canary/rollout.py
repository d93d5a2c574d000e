"""One canary from its plan to its outcome. docs/canary.md says how it decides, and what is guaranteed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import exp, isfinite, log
from typing import Any, Literal

from canario.canary.evidence import Reading, read, weigh
from canario.canary.horizon import best_share, windows_needed
from canario.canary.judge import Kind, Verdict, in_force, judge
from canario.canary.observation import Observation
from canario.canary.plan import Plan
from canario.canary.ramp import share_limit, worst_rate
from canario.canary.state import Rollout, utc
from canario.canary.words import sentence
from canario.errors import InvalidInput

Guarantee = Literal["exact", "approximate"]
LARGEST_LOG = log(1e99)  # DynamoDB and JSON readers keep numbers from 1e-99 to 1e99


@dataclass(frozen=True)
class Decision:
    """What the shell should do now: `share` is the canary's from here on, `reason` one sentence for a person.

    `evidence` names the numbers behind it, always finite; docs/canary.md lists them. `guarantee`: whether α and β hold
    exactly, or as far as the noise is known. `suspect`: a pod of the canary that is worse than its other pods; the
    shell should replace it, and it is left out of the evidence from here on.
    """

    kind: Kind
    share: float
    reason: str
    evidence: Mapping[str, float]
    guarantee: Guarantee = "exact"
    suspect: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `suspect` only where there is one."""
        plain = {"kind": self.kind, "share": self.share, "reason": self.reason, "evidence": dict(self.evidence)}
        plain["guarantee"] = self.guarantee
        return plain | ({"suspect": self.suspect} if self.suspect else {})


def start(plan: Plan) -> Rollout:
    """A rollout whose share is 0: the first window only watches."""
    return Rollout(plan)


def decide(rollout: Rollout, observation: Observation) -> tuple[Rollout, Decision]:
    """The rollout after one more window, and what to do. Pure and deterministic.

    Raises InvalidInput when the rollout has ended, when the window is not after the last one decided, or when its
    counts do not fit the plan's latency edges.
    """
    _check(rollout, observation)
    seen = _see(rollout, observation)
    reading = read(seen.plan, seen.evidence)
    seen = replace(seen, safe=seen.safe or reading.safe >= log(1 / seen.plan.beta))
    verdict = judge(seen, observation, reading)
    decision = Decision(verdict.kind, verdict.share, sentence(verdict.reason), _numbers(seen, reading))
    return _conclude(seen, verdict), decision


def decide_all(rollout: Rollout, observations: Iterable[Observation]) -> tuple[Rollout, tuple[Decision, ...]]:
    """`decide` for several windows in order, as far as an outcome; the windows after it are left alone."""
    decisions: list[Decision] = []
    for observation in observations:
        if rollout.outcome is not None:
            break
        rollout, decision = decide(rollout, observation)
        decisions.append(decision)
    return rollout, tuple(decisions)


def _check(rollout: Rollout, observation: Observation) -> None:
    if rollout.outcome is not None:
        raise InvalidInput("rollout.outcome", rollout.outcome, "none yet: this rollout has ended, start another one")
    observation.check(rollout.plan)
    if rollout.last_start is None or rollout.last_end is None:
        return
    if (observation.start.utcoffset() is None) != (rollout.last_end.utcoffset() is None):
        raise InvalidInput("observation.start", observation.start.isoformat(), "a time zone in all windows, or in none")
    start, end = utc(observation.start), utc(observation.end)
    if start < rollout.last_end:
        again = (start, end) == (rollout.last_start, rollout.last_end)
        how = "has been decided already" if again else "overlaps it" if end > rollout.last_start else "is before it"
        last = f"{rollout.last_start.isoformat()} to {rollout.last_end.isoformat()}"
        raise InvalidInput(
            "observation",
            f"{start.isoformat()} to {end.isoformat()}",
            f"a window after the last one decided, {last}; this one {how}",
        )


def _see(rollout: Rollout, observation: Observation) -> Rollout:
    """Count and weigh the window."""
    start, end = utc(observation.start), utc(observation.end)
    seen = replace(
        rollout,
        windows=rollout.windows + 1,
        began=rollout.began or start,
        last_start=start,
        last_end=end,
        absent_since=(rollout.absent_since or start) if observation.absent else None,
    )
    canary, baseline = observation.canary, observation.baseline
    if observation.absent or baseline is None:
        return seen
    served = canary.requests if canary else 0
    expected = rollout.traffic.expected_rate(rollout.plan)
    traffic = rollout.traffic.then(baseline.requests, baseline.errors, baseline.requests + served)
    evidence = canary and weigh(rollout.evidence, rollout.plan, observation.share, canary, baseline, expected)
    dwell = rollout.dwell + in_force(rollout, observation)
    return replace(seen, traffic=traffic, evidence=evidence or rollout.evidence, dwell=dwell)


def _conclude(seen: Rollout, verdict: Verdict) -> Rollout:
    rose = verdict.kind == "advance"
    return replace(
        seen,
        share=verdict.share,
        outcome=verdict.outcome,
        dwell=0 if rose else seen.dwell,
        step=seen.step + 1 if rose and seen.plan.steps else seen.step,
    )


def _numbers(seen: Rollout, reading: Reading) -> dict[str, float]:
    plan, traffic, totals = seen.plan, seen.traffic, seen.evidence
    worst = worst_rate(seen)
    needed = windows_needed(seen, reading, max(seen.share, best_share(seen, reading)))
    found = {
        **{name: _capped(value) for name, value in vars(reading).items()},
        "threshold_rollback": 1 / plan.alpha,
        "threshold_promote": 1 / plan.beta,
        "baseline_rate": traffic.rate,
        "worst_rate": worst,
        "next_share_limit": min(1.0, share_limit(seen, worst)),
        "windows_needed": needed,
        "canary_requests": totals.canary.requests if totals else 0,
        "canary_errors": totals.canary.errors if totals else 0,
        "baseline_requests": totals.baseline.requests if totals else 0,
        "baseline_errors": totals.baseline.errors if totals else 0,
    }
    return {name: float(value) for name, value in found.items() if isfinite(value)}


def _capped(log_evidence: float) -> float:
    return exp(max(-LARGEST_LOG, min(LARGEST_LOG, log_evidence)))
