"""What follows from the evidence: the kind of decision, the share, and the reason in one sentence."""

from dataclasses import dataclass
from math import log
from typing import Literal

from canario.canary.combined import Combined
from canario.canary.count import IN_FORCE, in_force
from canario.canary.horizon import best_share
from canario.canary.observation import Observation
from canario.canary.ramp import STEEPEST, first_share, next_share, share_limit, worst_rate
from canario.canary.series import outside
from canario.canary.split import enough
from canario.canary.state import Outcome, Rollout
from canario.canary.words import absences, blamed, compared, lacking, odds, percent, several, step

Kind = Literal["advance", "hold", "promote", "rollback"]
ALARMING = 0.1  # of the evidence of harm that is enough
SPEAKING = 3  # failures of the canary


@dataclass(frozen=True)
class Verdict:
    """A decision without its numbers; the reason as a clause."""

    kind: Kind
    share: float
    reason: str
    outcome: Outcome | None = None


def judge(seen: Rollout, window: Observation, reading: Combined) -> Verdict:
    """`seen` is the rollout with the window already counted and weighed."""
    if reading.harmful >= log(1 / seen.plan.alpha):
        return _rollback(seen, reading)
    if reading.watch >= log(seen.plan.watch_run_length):
        return _alarm(seen, reading)
    verdict = _unproven(seen, window) or _unclear(seen, window)
    verdict = verdict or _first(seen) or _clock(seen, reading) or _ramp(seen, window, reading)
    if verdict.outcome is None and (seen.due or seen.absent_too_long):
        return _held(seen, verdict, reading)
    return verdict


def _unproven(seen: Rollout, window: Observation) -> Verdict | None:
    """Hold where the window proves nothing: no data is not zero failures."""
    if seen.absent:
        return _hold(seen, f"there is no data of {absences(seen)}")
    if window.same_code:
        noise = f"their failures are {seen.dispersion:.2g} times as noisy as chance"
        return _hold(seen, f"both nodes run the same code in this window, so it only tells the noise: {noise}")
    if seen.traffic.last == 0 or (seen.share == 0 and window.baseline and window.baseline.requests == 0):
        return _hold(seen, "no request came in this window, so there is nothing to judge by")
    if seen.share == 0 or in_force(seen, window):
        return None
    if window.share < IN_FORCE * seen.share:
        was = f"{percent(window.share)} of the traffic and not the {percent(seen.share)} that was decided"
        return _hold(seen, f"in this window the canary had {was}")
    return _hold(seen, f"the canary served no request in this window, at a share of {percent(seen.share)}")


def _unclear(seen: Rollout, window: Observation) -> Verdict | None:
    """Hold where something else than the canary is wrong."""
    ill = [name for name in seen.left_out if window.canary and name in window.canary.pods]
    if ill:
        pods = f"pod {ill[0]} of the canary fails" if len(ill) == 1 else f"pods {' and '.join(ill)} of the canary fail"
        return _hold(seen, f"{pods} more than its other pods and should be replaced; it is left out of the evidence")
    for guard in seen.plan.watched:
        if not guard.muted and outside(seen.plan, guard, window):
            most = f"{percent(guard.most or 0)} that the guard {guard.name} allows"
            return _hold(seen, f"this is an incident: the baseline itself is above the {most}, so the share is frozen")
    if seen.share > 0 and enough(seen.split, seen.dispersion, seen.plan.alpha):
        saw = f"{percent(seen.split.last)} of the requests came to the canary"
        return _hold(seen, f"{saw} where {percent(seen.split.share)} was set, so a proxy or a second router differs")
    return _unanswered(seen, window)


def _unanswered(seen: Rollout, window: Observation) -> Verdict | None:
    """Hold while requests of the canary may hang: they are no failures before somebody gives them up."""
    if not window.canary or not window.baseline or seen.share == 0:
        return None
    ended, total = window.canary.requests, window.canary.requests + window.baseline.requests
    if not seen.split.falls_short(ended, total, seen.dispersion):
        return None
    should = f"{several(round(seen.split.expected(total)), 'request')} that its share makes"
    return _hold(seen, f"only {ended:,} of the canary's about {should} ended in this window; the others may still hang")


def _first(seen: Rollout) -> Verdict | None:
    """The first share, after the window that only watched."""
    if seen.share > 0:
        return None
    if seen.dwell < seen.plan.noise_windows:
        of = f"{seen.dwell} of {several(seen.plan.noise_windows, 'window')}"
        return _hold(seen, f"the baseline alone is watched, {of} so far, to learn its noise")
    requests = several(seen.traffic.last, "request")
    watched = f"the baseline alone fails {percent(seen.traffic.rate)} of {requests} a window"
    if seen.plan.steps:
        return Verdict("advance", seen.plan.steps[0].share, f"{watched}; {step(seen, 1)}")
    wanted = first_share(seen)
    share = max(wanted, seen.plan.smallest_share)
    risk = f"the canary begins with {percent(share)}, about {several(round(share * seen.traffic.last), 'request')}"
    if share > wanted:
        risk += f", as the router cannot write the {percent(wanted)} that the harm budget asks for"
    return Verdict("advance", share, f"{watched}; {risk}")


def _clock(seen: Rollout, reading: Combined) -> Verdict | None:
    """The steps of a clock schedule; None for a plan that has none."""
    steps = seen.plan.steps
    if not steps:
        return None
    if seen.dwell < steps[seen.step - 1].windows:
        return _hold(seen, f"{compared(seen)}; {step(seen, seen.step)}, of which {seen.dwell} done")
    if seen.step < len(steps):
        return Verdict("advance", steps[seen.step].share, f"{compared(seen)}; {step(seen, seen.step + 1)}")
    if seen.safe:
        return _promote(seen)
    return _hold(seen, f"{compared(seen)}; every step is done, but {lacking(seen, reading)}")


def _ramp(seen: Rollout, window: Observation, reading: Combined) -> Verdict:
    """As far as the harm budget allows until the canary is proved safe; then over a last watch to all traffic."""
    if seen.safe:
        return _finish(seen, window)
    worst, best = worst_rate(seen), best_share(seen, reading)
    limit = share_limit(seen, worst)
    share = next_share(seen.share, window.share, limit, best)
    budget = f"it may still fail up to {percent(worst)}, and the harm budget is {seen.plan.harm_budget:g} a window"
    if share > seen.share and _against(seen, window, reading):
        return _hold(seen, f"{compared(seen)}; {_so_far(seen, reading)}, so the share waits")
    if share > seen.share:
        though = f"though {_so_far(seen, reading)}, " if _alarming(seen, reading) else ""
        return Verdict("advance", share, f"{compared(seen)}; {though}it may have {percent(share)}: {budget}")
    if limit < best:
        return _hold(seen, f"{compared(seen)}; it may not have more than {percent(share)} yet: {budget}")
    return _hold(seen, f"{compared(seen)}; {lacking(seen, reading)}")


def _against(seen: Rollout, window: Observation, reading: Combined) -> bool:
    """The window spoke against a canary that is likely to be worse: more of it would cost more than it tells.

    One or two failures may be all that a small share ever brings, and after a window without any more of it tells soon.
    """
    now = window.canary.errors if window.canary else 0
    return _alarming(seen, reading) and now > 0 and seen.failures >= SPEAKING


def _alarming(seen: Rollout, reading: Combined) -> bool:
    return reading.harmful >= log(ALARMING / seen.plan.alpha)


def _so_far(seen: Rollout, reading: Combined) -> str:
    return f"the evidence that it is worse is {odds(reading.harmful)} of the {1 / seen.plan.alpha:,.0f} needed"


def _finish(seen: Rollout, window: Observation) -> Verdict:
    """Proved safe: all but the largest share's rest, a watch, promote. The deadline cuts only the watch short."""
    plan = seen.plan
    watched = seen.watching and seen.dwell >= plan.watch_windows
    if watched or ((seen.due or not plan.watch_windows) and STEEPEST * seen.share >= 1):
        return _promote(seen)
    share = max(seen.share, min(plan.largest_share, STEEPEST * min(seen.share, window.share)))
    proved = f"{compared(seen)}, and it is proved safe"
    if share > seen.share:
        return Verdict("advance", share, f"{proved}; it may have {percent(share)} before it gets the rest")
    return _hold(seen, f"{proved}; it is watched at {percent(share)} for {several(plan.watch_windows, 'window')}")


def _promote(seen: Rollout) -> Verdict:
    plan = seen.plan
    than = f"{plan.r1:g} times the baseline's"
    limit = f"{than} or {percent(plan.tolerated_rate)}, the larger," if plan.tolerated_rate else than
    proof = f"its failure rate is proved below {limit}"
    if plan.guards:
        proof = f"it is proved safe by {' and '.join(each.name for each in plan.guards if each.proves)}"
    reason = f"{compared(seen)}: {proof} at {percent(plan.beta)} risk of error"
    return Verdict("promote", 1.0, reason, "promoted")


def _rollback(seen: Rollout, reading: Combined) -> Verdict:
    above = (
        f" and above {percent(seen.plan.tolerated_rate)}" if seen.plan.tolerated_rate and not seen.plan.guards else ""
    )
    worse = f"worse than the baseline{above}{blamed(seen, reading)}"
    evidence = f"the evidence that the canary is {worse} is {odds(reading.harmful)}"
    reason = f"{compared(seen)}: {evidence}, and {1 / seen.plan.alpha:,.0f} is enough"
    return Verdict("rollback", 0.0, reason, "rolled_back")


def _alarm(seen: Rollout, reading: Combined) -> Verdict:
    """It has gone bad after its proof."""
    worse = f"the evidence that the canary has become worse{blamed(seen, reading)} is {odds(reading.watch)}"
    rare = f"a false alarm comes once in {seen.plan.watch_run_length:,.0f} windows"
    return Verdict("rollback", 0.0, f"{compared(seen)}: in the watch {worse}, and {rare}", "rolled_back")


def _held(seen: Rollout, verdict: Verdict, reading: Combined) -> Verdict:
    """The end without enough evidence: no share stays behind without an execution."""
    if seen.absent_too_long and not seen.due:
        most = several(seen.plan.absent_deadline_windows, "window")
        why = f"there is no data of {absences(seen)}, and the plan waits {most} for it"
        return Verdict("hold", 0.0, f"{why}; the baseline keeps all traffic", "held")
    deadline = f"the deadline of {several(seen.plan.deadline_windows, 'window')} is reached"
    if seen.safe:
        why = f"{deadline} before the canary, though proved safe, could take all traffic: {verdict.reason}"
    else:
        why = f"{deadline} without a proof either way: {compared(seen)}, and {lacking(seen, reading)}"
    return Verdict("hold", 0.0, f"{why}; the baseline keeps all traffic", "held")


def _hold(seen: Rollout, reason: str) -> Verdict:
    return Verdict("hold", seen.share, reason)
