"""One canary from its plan to its outcome. docs/canary.md says how it decides, and what is guaranteed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import exp, isfinite, log
from typing import Any, Literal

from canario.canary.combined import Combined, prove, proved, read_all
from canario.canary.count import count, leave_out, suspect
from canario.canary.horizon import best_share, windows_needed
from canario.canary.judge import Kind, Verdict, judge
from canario.canary.observation import Observation, Tally
from canario.canary.plan import Plan
from canario.canary.ramp import share_limit, worst_rate
from canario.canary.state import Rollout, utc
from canario.canary.words import sentence
from canario.errors import InvalidInput

Guarantee = Literal["exact", "approximate"]
NOTHING = Tally(0, 0)
LARGEST_LOG = log(1e99)  # DynamoDB and JSON readers keep numbers from 1e-99 to 1e99


@dataclass(frozen=True)
class Decision:
    """What the shell should do now: `share` is the canary's from here on, `reason` one sentence for a person.

    `evidence` names the numbers behind it, always finite; docs/canary.md lists them. `guarantee`: whether α and β hold
    exactly, or as far as the noise is known. `suspect`: a pod of the canary that is worse than its other pods; the
    shell should replace it, and it is left out of the evidence until it is gone or fails no longer as it did.
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
    seen = count(rollout, observation)
    reading = read_all(seen.plan, seen.guards)
    named = suspect(seen, observation, reading)
    if named:
        seen = leave_out(seen, named, observation.canary.pods.get(named, NOTHING) if observation.canary else NOTHING)
        reading = read_all(seen.plan, seen.guards)
    guards = prove(seen.plan, seen.guards, reading)
    seen = replace(seen, guards=guards, safe=seen.safe or proved(seen.plan, guards))
    verdict = judge(seen, observation, reading)
    ill = [name for name in seen.left_out if observation.canary and name in observation.canary.pods]
    decision = Decision(
        kind=verdict.kind,
        share=verdict.share,
        reason=sentence(verdict.reason),
        evidence=_numbers(seen, reading),
        guarantee="approximate" if _noisy(seen) else "exact",
        suspect=ill[-1] if ill else None,
    )
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


def _conclude(seen: Rollout, verdict: Verdict) -> Rollout:
    rose = verdict.kind == "advance"
    return replace(
        seen,
        share=verdict.share,
        outcome=verdict.outcome,
        dwell=0 if rose else seen.dwell,
        step=seen.step + 1 if rose and seen.plan.steps else seen.step,
    )


def _noisy(seen: Rollout) -> bool:
    """A dispersion that was estimated is in use."""
    pairs = zip(seen.plan.watched, seen.guards, strict=True)
    return any(each.noise.dispersion > 1 for guard, each in pairs if not guard.muted)


def _numbers(seen: Rollout, reading: Combined) -> dict[str, float]:
    plan, traffic, totals = seen.plan, seen.traffic, seen.evidence
    worst = worst_rate(seen)
    found = {
        **{name: _capped(getattr(reading.ramp, name)) for name in ("against", "for_ratio", "for_rate")},
        **{name: _capped(getattr(reading, name)) for name in ("harmful", "safe")},
        "threshold_rollback": 1 / plan.alpha,
        "threshold_promote": 1 / plan.beta,
        "baseline_rate": traffic.rate,
        "worst_rate": worst,
        "next_share_limit": min(1.0, share_limit(seen, worst)),
        "windows_needed": windows_needed(seen, reading, max(seen.share, best_share(seen, reading))),
        "dispersion": seen.dispersion,
        "split": _capped(seen.split.mismatch(seen.dispersion)),
        "canary_requests": totals.canary.requests if totals else 0,
        "canary_errors": totals.canary.errors if totals else 0,
        "baseline_requests": totals.baseline.requests if totals else 0,
        "baseline_errors": totals.baseline.errors if totals else 0,
        **_by_guard(seen, reading),
    }
    if seen.watching:
        found |= {"watch": _capped(reading.watch), "threshold_watch": plan.watch_run_length}
    return {name: float(value) for name, value in found.items() if isfinite(value)}


def _by_guard(seen: Rollout, reading: Combined) -> dict[str, float]:
    """Every guard that the plan names, muted ones too."""
    found = {}
    for guard, each in zip(seen.plan.guards, reading.guards, strict=False):
        found[f"harmful.{guard.name}"] = _capped(each.harmful)
        if guard.kind in ("errors", "latency"):
            found[f"safe.{guard.name}"] = _capped(each.safe)
    return found


def _capped(log_evidence: float) -> float:
    return exp(max(-LARGEST_LOG, min(LARGEST_LOG, log_evidence)))
