"""The windows of one look, weighed one after the other, within what people allow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from canario.canary import Decision, Observation, Rollout
from canario.canary import decide as decide_one
from canario.canary.carried import Carried, text
from canario.canary.gates import Limit, limit, restrain
from canario.canary.instructions import Standing
from canario.canary.ports import Measure

EVIDENCE = {"EvidenceAgainst": "harmful", "EvidenceFor": "safe"}  # metric → its name in a decision's numbers


@dataclass(frozen=True)
class Weighed:
    """`waiting`: for a person, as it is carried; None when nobody is waited for."""

    rollout: Rollout
    decisions: tuple[tuple[Observation, Decision], ...]
    waiting: Mapping[str, Any] | None

    def measures(self, carried: Carried, now: datetime) -> list[Measure]:
        """Of the controller itself: decisions by kind, and the router's newest share and evidence.

        `DecisionAge`: seconds from the end of the last window to its decision. `Calls` of GetMetricData: none where the
        shared observer made them.
        """
        target = carried.target
        mine = {"Workshop": target.workshop, "Router": target.key}
        kinds = [Measure("Decisions", 1, "Count", {"Kind": str(decision.kind)}) for _, decision in self.decisions]
        observation, last = self.decisions[-1]
        numbers = [
            Measure(name, last.evidence[key], "None", mine) for name, key in EVIDENCE.items() if key in last.evidence
        ]
        age = Measure("DecisionAge", max(0.0, (now - observation.end).total_seconds()), "Seconds", {})
        calls = Measure("Calls", float(carried.read_by != "observer"), "Count", {"By": "rollout"})
        return [*kinds, Measure("Share", last.share, "None", mine), *numbers, age, calls]


def weigh(carried: Carried, standing: Standing, now: datetime) -> Weighed:
    """Every observation up to an outcome; the windows after it are left alone."""
    rollout, waiting = carried.rollout, carried.waiting
    decided: list[tuple[Observation, Decision]] = []
    for observation in carried.observations:
        if rollout.outcome is not None:
            break
        after, decision = decide_one(rollout, observation)
        since = datetime.fromisoformat(waiting["since"]) if waiting and "gate" in waiting else None
        limits = limit(carried.gates, standing, rollout.share, since, now, carried.name)
        rollout, decision, waits = restrain(rollout, after, decision, limits)
        waiting = _waiting(waiting, limits, now) if waits and limits else None
        decided.append((observation, decision))
    return Weighed(rollout, tuple(decided), waiting)


def _waiting(before: Mapping[str, Any] | None, limits: Limit, now: datetime) -> Mapping[str, Any]:
    """Since when, and what for; the same wait keeps its beginning."""
    gate = {} if limits.gate is None else {"gate": limits.gate}
    same = before is not None and before.get("gate") == limits.gate
    return {"since": before["since"] if before and same else text(now), "why": limits.why, **gate}
