"""Decisions in words that a person on call understands, with the numbers."""

from math import exp, isfinite, log

from canario.canary.combined import Combined
from canario.canary.horizon import best_share, windows_needed
from canario.canary.state import Rollout

UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))
TEN_YEARS = 3650 * 86_400


def sentence(clause: str) -> str:
    """With a capital and a full stop."""
    return f"{clause[0].upper()}{clause[1:]}."


def percent(value: float) -> str:
    """0.0016667 → "0.167 %", 0.9 → "90 %"."""
    return f"{100 * value:.3g} %"


def several(number: int, thing: str) -> str:
    """1 → "1 request", 6000 → "6,000 requests"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def odds(log_evidence: float) -> str:
    """Evidence beside what is needed: "under 0.01", "5.3", "1,234", "over a million"."""
    if log_evidence > log(1e6):
        return "over a million"
    value = exp(log_evidence)
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}" if value >= 0.01 else "under 0.01"


def duration(seconds: float) -> str | None:
    """14,400 → "about 4 hours"; None for what nobody waits for."""
    if not isfinite(seconds) or seconds > TEN_YEARS:
        return None
    for size, unit in UNITS:
        if seconds >= 1.5 * size:
            return f"about {round(seconds / size)} {unit}"
    return f"about {max(1, round(seconds))} seconds"


def compared(rollout: Rollout) -> str:
    """What both nodes did in all windows in which the canary had a share."""
    if rollout.evidence is None:
        left_out = " but by pods that are left out" if rollout.left_out else ""
        return f"the canary has served no request{left_out} yet"
    canary, baseline = rollout.evidence.canary, rollout.evidence.baseline
    return (
        f"so far the canary failed {canary.errors:,} of {several(canary.requests, 'request')} "
        f"and the baseline {baseline.errors:,} of {baseline.requests:,}"
    )


def absences(rollout: Rollout) -> str:
    """The series that are absent, and since when."""
    since = sorted(set(rollout.absent.values()))
    named = [" and the ".join(name for name, at in rollout.absent.items() if at == each) for each in since]
    return " and ".join(f"the {names} since {at.isoformat()}" for names, at in zip(named, since, strict=True))


def lacking(rollout: Rollout, reading: Combined) -> str:
    """How far the evidence for the canary is from enough, and how long the rest will take."""
    share = max(rollout.share, best_share(rollout, reading))
    seconds = windows_needed(rollout, reading, share) * rollout.plan.window_seconds
    time = duration(seconds)
    rest = (
        f"{time} more at this traffic with {percent(share)} of it on the canary"
        if time
        else "no time is enough at this traffic and with this plan"
    )
    safe = f"safe{_slowest(rollout, reading)}"
    return f"the evidence that it is {safe} is {odds(reading.safe)} of the {1 / rollout.plan.beta:,.0f} needed ({rest})"


def blamed(rollout: Rollout, reading: Combined) -> str:
    """Which guards the evidence of harm comes from, where there are several."""
    plan = rollout.plan
    if not plan.guards:
        return ""
    heard = zip(plan.watched, reading.guards, strict=True)
    found = [(log(guard.weight) + each.harmful, guard.name) for guard, each in heard if not guard.muted]
    most = max(value for value, _ in found)
    return " by " + " and ".join(name for value, name in found if value > most - log(10) and value > 0)


def _slowest(rollout: Rollout, reading: Combined) -> str:
    plan = rollout.plan
    known = zip(plan.guards, rollout.guards, reading.guards, strict=False)
    left = [(found.safe, guard.name) for guard, each, found in known if guard.proves and not each.proved]
    return f" by {min(left)[1]}" if left and len(plan.guards) > 1 else ""


def step(rollout: Rollout, number: int) -> str:
    """One step of the clock schedule."""
    found = rollout.plan.steps[number - 1]
    of = f"step {number} of {len(rollout.plan.steps)}"
    return f"{of} gives the canary {percent(found.share)} for {several(found.windows, 'window')}"
